"""Tools: what they can do, and what a tenant allows of it."""
