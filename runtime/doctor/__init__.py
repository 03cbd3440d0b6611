"""What `surehand doctor` asks."""
