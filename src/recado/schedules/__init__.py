"""Schedules: what is to be said later, or again and again."""
