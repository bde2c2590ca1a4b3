"""The services behind references: how an activity reaches them and what they answer."""
