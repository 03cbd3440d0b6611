"""The demo: sample tickets, scripted people, and clocks that run fast enough to see a whole life in a minute."""
