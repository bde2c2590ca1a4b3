"""Long answers: promised in a turn, given after it."""
