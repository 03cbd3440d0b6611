"""What came in and what goes out: written down first, delivered once."""
