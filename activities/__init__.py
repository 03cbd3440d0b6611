"""Thin Temporal activities: one outside effect each, with its idempotency key and error translation."""
