"""Names of services: as logs spell them, and as the topology does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

_POD = re.compile(r"-[0-9a-f]{6,10}-[0-9a-z]{5}\Z|-[0-9a-f]{8,10}\Z")
_ORDINAL = re.compile(r"[-_.]\d{1,4}\Z")
_KIND = re.compile(r"[-_]?(?:service|svc|server|app|deployment)\Z")
_WELL_FORMED = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,62}\Z")
_INSIDE = (".svc", ".local", ".internal", ".cluster", ".consul", ".lan")
_MOST_REMEMBERED = 20_000
_NOT_WITHIN = r"(?<![\w/-])(?<!\w\.)"
_NOT_BEFORE = r"(?![\w/-])(?!\.(?:py|js|ts|go|java|rb|php|cs|rs|kt|xml|ya?ml|json|html|log|conf)\b)"
"""`org.springframework.web.client` is a package and `orders.py` a file: neither speaks of a service web or orders."""
_HOSTS_OF_ANYBODY = frozenset(("api", "www", "web", "auth", "login", "app", "cdn"))
"""First parts of host names on the internet: `api.example.com` is not a service called api."""
_DATED = re.compile(
    r"[-_.]?\d{4}-?\d\d-?\d\d\Z|[-_.](?:\d{1,4}|logs?|out|err|txt|json|jsonl|ndjson|gz|current|previous|access)\Z",
    re.IGNORECASE,
)
_NO_SERVICE = frozenset(
    [
        "log",
        "logs",
        "all",
        "app",
        "application",
        "server",
        "output",
        "stdout",
        "stderr",
        "system",
        "messages",
        "syslog",
        "access",
        "error",
        "combined",
        "export",
    ]
)
_PRINTERS = ("kubectl", "journalctl", "docker-logs", "docker_logs")
"""Files are named after the command that printed them: that is nobody's name."""


class Names:
    """The services that are known by name, and their spellings."""

    def __init__(self, known: Iterable[str] = (), seen: Iterable[str] = ()) -> None:
        """Know services.

        Args:
            known: the names that findings shall use.
            seen: names that files seem to have. They are recognised where a service is named, and nowhere else:
                such a name may be an everyday word.
        """
        self.known = tuple(dict.fromkeys(known))
        certain = {spelling: name for name in reversed(self.known) for spelling in _spellings(name)}
        self._by_spelling = {**{spelling: name for name in seen for spelling in _spellings(name)}, **certain}
        self._found: dict[str, str | None] = {}
        self.recognised = frozenset(self._by_spelling.values())
        ordered = sorted(certain, key=lambda spelling: (-len(spelling), spelling))
        joined = "|".join(re.escape(spelling) for spelling in ordered)
        self.mention = re.compile(rf"{_NOT_WITHIN}(?:{joined}){_NOT_BEFORE}", re.IGNORECASE) if joined else None
        """Finds every spelling of a known name in a text."""

    def find(self, name: str) -> str | None:
        """The known service that is meant; None when it is none of them."""
        if name not in self._found:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[name] = self._searched(name)
        return self._found[name]

    def _searched(self, name: str) -> str | None:
        plain = name.strip().lower()
        for spelling in _readings(plain):
            found = self._by_spelling.get(spelling)
            if found is not None:
                return found
        return None

    def named(self, name: str) -> str | None:
        """The service that a log means: a known one, or one in its own spelling without host parts and pod suffix."""
        found = self.find(name)
        if found is not None:
            return found
        plain = name.strip()
        if "/" in plain:
            plain = plain.rsplit("/", 1)[1]
        if any(mark in plain.lower() for mark in _INSIDE):
            plain = plain.split(".", 1)[0]
        plain = _POD.sub("", plain)
        return plain if _WELL_FORMED.match(plain) else None

    def of_file(self, file_name: str) -> tuple[str | None, bool]:
        """The service that a file's name speaks of, and whether that is a known one."""
        stem = PurePath(file_name.replace("\\", "/")).name
        while True:
            shorter = _DATED.sub("", stem)
            if shorter == stem or not shorter:
                break
            stem = shorter
        found = self.find(stem)
        if found is not None:
            return found, True
        name = self.named(stem)
        plain = (name or "").lower()
        return (None if plain in _NO_SERVICE or plain.startswith(_PRINTERS) else name), False


def _spellings(name: str) -> set[str]:
    plain = name.lower()
    short = _KIND.sub("", plain)
    return {plain, plain.replace("_", "-"), *({short, short.replace("_", "-")} if len(short) > 2 else ())}


def _readings(plain: str) -> Iterable[str]:
    """From the longest to the shortest: a part may be a namespace, a pod's suffix, a number, or say what kind it is."""
    yield plain
    bare = plain.rsplit("/", 1)[-1].split(":", 1)[0]
    first = bare.split(".", 1)[0]
    if first in _HOSTS_OF_ANYBODY and not any(mark in bare for mark in _INSIDE):
        first = bare
    for name in (bare, first, _POD.sub("", first), _ORDINAL.sub("", first), _KIND.sub("", first)):
        yield name
        yield name.replace("_", "-")
    yield _KIND.sub("", _ORDINAL.sub("", _POD.sub("", first)))
