"""Webhooks in: who sent it, what it says, and what is done about it."""
