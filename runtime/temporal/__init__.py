"""Temporal: the connection, the payload codec, a namespace that is ready, a server for development."""
