"""Writes the locks of the container image: the part of `requirements.lock` that the product and its build need.

The full lock holds test tools too, and pip cannot pick from a lock with hashes. Run it after `make lock`:
`.venv/bin/python compose/lock.py`. A test fails when the files are out of date.
"""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FULL_LOCK = ROOT / "requirements.lock"
LOCKS = {ROOT / "compose/requirements.lock": "surehand", ROOT / "compose/build-requirements.lock": "hatchling"}
_HEADER = "# Made by compose/lock.py from requirements.lock; do not edit.\n"


def blocks() -> dict[str, str]:
    """Package name -> its lines in the full lock, hashes included."""
    texts = re.split(r"^(?=[A-Za-z0-9])", FULL_LOCK.read_text("utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(re.split(r"==|\[", text)[0]): text for text in texts if "==" in text}


def needed(package: str) -> set[str]:
    """The packages that a package needs on Linux, as the installed ones say; itself included."""
    known: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(package), "")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in known:
            continue
        known.add((name, extra))
        for line in requires(name) or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra, "sys_platform": "linux"}):
                waiting += [(canonicalize_name(wanted.name), part) for part in ("", *wanted.extras)]
    return {name for name, _ in known}


def lock_of(package: str) -> str:
    """The text of the lock for one package and all that it needs."""
    full = blocks()
    names = sorted(needed(package) - {"surehand"})
    return _HEADER + "".join(full[name] for name in names)


if __name__ == "__main__":
    for path, package in LOCKS.items():
        path.write_text(lock_of(package), "utf-8")
