"""What the service answers to, one resource per file."""
