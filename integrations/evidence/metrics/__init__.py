"""Metrics: reads series, knows what they measure by their names, and finds where they changed."""
