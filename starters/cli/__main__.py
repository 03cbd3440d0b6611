"""`python -m starters.cli` is `surehand`."""

from starters.cli import main

main()
