"""Deterministic lifecycles, one per file, and the parts they share."""
