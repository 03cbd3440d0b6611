"""Whether workers believe what a process says in people's names: the doctor finds out before somebody decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from runtime.doctor.checks import Verdict, missing, ok, warning
from runtime.settings.signing import TrustedKey
from runtime.temporal.signing import SigningKey

RENEWED_BEFORE = timedelta(days=14)
"""How long before a key runs out somebody should make the next one."""


def judged(key: SigningKey | None, trusted: Mapping[str, TrustedKey], today: date) -> Verdict:
    """What to say of a process's keys.

    Args:
        key: it signs with; None where it signs nothing.
        trusted: it knows of; empty where it runs no worker.
        today: the day, by UTC.
    """
    left = {key_id: known.until - today for key_id, known in trusted.items() if known.until is not None}
    ended = {key_id for key_id, days in left.items() if days < timedelta(0)}
    if trusted and len(ended) == len(trusted):
        return missing("Every key that workers trust has run out, so nobody can decide: give them a new one.")
    if key is not None and trusted:
        known = trusted.get(key.key_id)
        if known is None or known.public != key.public or key.key_id in ended:
            return missing(f"Workers do not trust the key {key.key_id}: give them its public half.")
    soon = sorted((days, key_id) for key_id, days in left.items() if timedelta(0) <= days < RENEWED_BEFORE)
    if soon:
        return warning(f"The key {soon[0][1]} runs out in {soon[0][0].days} days: make the next one.")
    signs = f"Key {key.key_id} signs." if key is not None else "This process signs nothing."
    return ok(f"{signs} Workers trust {len(trusted) - len(ended)}." if trusted else signs)


__all__ = ["RENEWED_BEFORE", "judged"]
