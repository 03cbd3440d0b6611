"""Troubleshooting: from what a user has of an incident to its cause, a fix and a report. Pure and deterministic."""
