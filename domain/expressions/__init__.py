"""Runtime expressions: a deterministic part of jq, evaluated in workflow code under a budget.

No clock, no environment, no input or modules, no files; each step costs, so a runaway expression is stopped at the same
place in every replay and never blocks a worker.
"""
