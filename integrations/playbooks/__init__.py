"""Playbook files: read with the place of everything in them, checked, and kept in a library."""
