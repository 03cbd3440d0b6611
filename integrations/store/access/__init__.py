"""Who signed in or asks, how often, and what was answered before."""
