"""Pages of playbooks and their runs."""
