"""Garbage collection for a process that stays.

While Python looks through all that a process has, none of its threads runs: for half a second in a worker that keeps a
thousand cases warm, and whoever waits for a lock that one of the threads holds waits as long. So what was loaded before
the work began is not looked through again, and the rest less often.
"""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _ALL = 2000, 20, 25
"""A look at everything after about a million objects more than before: what four hundred cases have.

Python's own numbers look every few seconds when cases come fast. Garbage that waits takes 100 MB at most.
"""


def settle() -> None:
    """Call once, when everything is loaded and before the work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _ALL)


__all__ = ["settle"]
