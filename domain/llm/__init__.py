"""What language models are asked to answer, and what becomes of it."""
