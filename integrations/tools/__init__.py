"""Tools: their providers, and the tool box that stands in front of them."""
