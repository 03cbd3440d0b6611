"""The identity provider: who people are, as their organisation says."""
