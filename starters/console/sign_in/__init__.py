"""Signing in and out: by link, password, key or identity provider."""
