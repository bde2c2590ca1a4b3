"""The HTTP side: the bot's messages endpoint, the API, health and metrics."""
