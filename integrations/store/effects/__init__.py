"""Effects outside, what they may add up to, and what models cost."""
