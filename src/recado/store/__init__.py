"""Where everything durable lives: one port, one adapter per database."""
