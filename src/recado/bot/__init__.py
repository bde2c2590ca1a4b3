"""The bot edge: turns of the Microsoft 365 Agents SDK, inbound and proactive."""
