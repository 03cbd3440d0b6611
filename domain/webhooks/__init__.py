"""Webhooks to systems outside: which changes are events, and how they are told."""
