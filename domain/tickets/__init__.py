"""Tickets: from what a customer sent to what Surehand works with."""
