"""Proofs: long runs that show what Recado promises, in figures. See docs/proofs.md."""
