"""Payments, and what amounts are worth."""
