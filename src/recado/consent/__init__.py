"""Consent: what people allow, and what is recorded about them."""
