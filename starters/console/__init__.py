"""The web console: what waits for people, every case, playbooks and numbers, in a browser."""
