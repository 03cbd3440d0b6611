"""A process that stays does not look through what it loaded at its start, again and again."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_there_at_the_start_is_left_alone_and_later_garbage_is_not() -> None:
    script = (
        "import gc, weakref\n"
        "class Node: pass\n"
        "kept = [Node() for _ in range(1000)]\n"
        "before = gc.get_threshold()\n"
        "from runtime.garbage import settle; settle()\n"
        "assert gc.get_freeze_count() > 1000 and not any(isinstance(one, Node) for one in gc.get_objects())\n"
        "assert all(now > then for now, then in zip(gc.get_threshold(), before))\n"
        "late = Node(); late.itself = late; gone = weakref.ref(late); del late; gc.collect(); assert gone() is None\n"
    )
    # In a process of its own: what is frozen here would stay frozen for every other test.
    subprocess.run([sys.executable, "-c", script], check=True)
