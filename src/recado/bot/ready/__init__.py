"""Ready-made parts: what any bot can do without a line of its own."""
