"""What triage finds out about a ticket and about every message after it."""
