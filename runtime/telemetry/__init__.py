"""Logs, traces and measures."""
