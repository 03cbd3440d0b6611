"""Articles and lessons, found by their words."""
