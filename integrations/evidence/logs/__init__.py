"""Logs: from files of any size and most formats to findings, in a process of its own.

`opening` gives lines, `stamps`, `heads`, `json_lines` and `access` read them, `book` counts them per template and
minute, `segments` finds where a rate changed, `meaning` says what an error means and whom it blames, and `judging`
makes findings of all that.
"""
