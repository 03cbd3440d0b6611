"""What `surehand doctor` tries of what is outside: a check for each thing that is configured; nothing is changed."""
