"""The services that work in the background: they all start, stop and run once alike."""
