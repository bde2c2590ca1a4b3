"""Watches: events from outside, and the rules that tell people of them."""
