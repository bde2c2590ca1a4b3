"""Topics: audiences that people subscribe to."""
