"""Recipients: how people want to be reached, and when."""
