"""What is written down before it is acknowledged, and then brought to its case."""
