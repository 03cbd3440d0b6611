"""Real clients behind the ports. Nothing here knows Temporal."""
