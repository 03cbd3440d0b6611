"""Templates become lines: what changes from line to line is made up while it is written."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sandbox.incidents.naming import VERBS
from sandbox.incidents.system import Part

Written = Callable[[], str]

_FIELD = re.compile(r"\{([a-z]+)\}")
_TABLES = ("orders", "items", "prices", "users", "sessions", "events", "payments", "entries", "slots", "rules")
_SETTINGS = ("REMOTE_BASE_URL", "TOKEN_TTL", "BATCH_SIZE", "FEED_ENDPOINT", "MODE", "REGION_MAP", "CALLBACK_URL")


class Pen:
    """Writes for one part; the state of the minute decides on statuses and durations."""

    def __init__(self, rng: random.Random, part: Part, version: str, onset: datetime, skew_seconds: int) -> None:
        self._rng = rng
        self._part = part
        self.failing = 0.0
        self.slower = 0.0
        self.now = 0.0
        """Time of the line, in seconds since the epoch, for access logs that carry it in their middle."""
        bare = re.sub(r"[^a-z]", "", part.name)
        table = rng.choice(_TABLES)
        expired = (onset - timedelta(seconds=rng.randint(1, 50))).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._fixed = {
            "svc": part.name,
            "cap": bare.capitalize(),
            "pkg": f"com.{rng.choice(('app', 'corp', 'platform'))}.{bare}",
            "mod": bare,
            "table": table,
            "version": version,
            "pool": str(rng.choice((5, 8, 10, 20))),
            "setting": rng.choice(_SETTINGS),
            "timeout": str(rng.choice((1000, 2000, 3000, 5000))),
            "notafter": expired,
            "skew": str(abs(skew_seconds) or 300),
        }

        self._paths = [
            f"/{rng.choice(('api', 'v1', 'v2', 'internal'))}/{rng.choice(_TABLES)}{tail}"
            for tail in ("", "/search", "/")
        ]
        self._verbs = rng.sample(VERBS, 3)
        self._made: dict[str, Written] = {
            "ms": self._ms, "sec": self._sec, "status": self._status, "id": self._id, "n": lambda: str(self._int(99)),
            "few": lambda: str(self._int(9)), "mid": lambda: str(100 + self._int(899)),
            "big": lambda: str(10_000 + self._int(9_000_000)), "user": lambda: str(1000 + self._int(90_000)),
            "ip": self._ip, "path": self._path, "method": self._method, "verb": lambda: self._pick(self._verbs),
            "line": lambda: str(20 + self._int(400)), "long": lambda: str(2000 + self._int(28_000)),
            "clf": self._clf, "iso": self._iso,
        }  # fmt: skip

    def compile(self, template: str, peer: Part | None = None) -> Written:
        """Make a template ready to be written many times.

        Args:
            template: as a `Voice` holds it.
            peer: whom the line speaks of.
        """
        fixed = dict(self._fixed)
        if peer is not None:
            fixed |= {"peer": peer.name, "host": peer.host, "port": str(peer.port)}
        pieces: list[str | Written] = []
        for index, piece in enumerate(_FIELD.split(template)):
            known: str | Written = piece if index % 2 == 0 else fixed.get(piece) or self._made[piece]
            if isinstance(known, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += known
            elif known:
                pieces.append(known)
        if all(isinstance(piece, str) for piece in pieces):
            whole = "".join(piece for piece in pieces if isinstance(piece, str))
            return lambda: whole
        return lambda: "".join([piece if isinstance(piece, str) else piece() for piece in pieces])

    def _int(self, below: int) -> int:
        return int(self._rng.random() * below)

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self._rng.random() * len(words))]

    def _duration(self) -> float:
        spread = 0.4 + 1.2 * self._rng.random()
        return self._part.base_ms * spread * (1 + self.slower * self._rng.random())

    def _ms(self) -> str:
        return str(int(self._duration()) + 1)

    def _sec(self) -> str:
        return f"{self._duration() / 1000:.3f}"

    def _status(self) -> str:
        chance = self._rng.random()
        if chance < self.failing:
            return "503" if chance < self.failing * 0.3 else "500"
        if chance > 0.985:
            return "404"
        return "201" if chance > 0.9 else "200"

    def _id(self) -> str:
        return f"{self._rng.getrandbits(48):012x}"

    def _ip(self) -> str:
        bits = self._rng.getrandbits(16)
        return f"10.{bits & 7}.{bits >> 3 & 127}.{bits >> 10 | 1}"

    def _path(self) -> str:
        path = self._pick(self._paths)
        return f"{path}{self._int(90_000)}" if path.endswith("/") else path

    def _method(self) -> str:
        return "POST" if self._rng.random() < 0.35 else "GET"

    def _clf(self) -> str:
        zone = timedelta(minutes=self._part.zone_minutes)
        moment = datetime.fromtimestamp(self.now, UTC) + zone
        return f"{moment:%d/%b/%Y:%H:%M:%S} {offset(self._part.zone_minutes, colon=False)}"

    def _iso(self) -> str:
        moment = datetime.fromtimestamp(self.now, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def offset(minutes: int, colon: bool = True) -> str:
    """A zone's offset as text: `+02:00`.

    Args:
        minutes: from UTC.
        colon: whether hours and minutes are set apart.
    """
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{size // 60:02d}{':' if colon else ''}{size % 60:02d}"
