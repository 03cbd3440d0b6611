"""Databases that may be read for troubleshooting, one checked statement at a time."""
