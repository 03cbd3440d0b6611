"""What a service says of its own life: that it started, with which version, or that its settings changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = re.compile(
    r"\b(?:start(?:ed|ing|s up|up)|boot(?:ed|ing)|launch(?:ed|ing)|initiali[sz](?:ed|ing)"
    r"|application ready|server (?:is )?listening"
    r"|listening on|ready to (?:accept|serve))\b",
    re.IGNORECASE,
)
_DEPLOYED = re.compile(
    r"\b(?:deploy(?:ed|ing|ment)|rolled out|rollout|roll(?:ing)? out|upgrad(?:ed|ing)|releas(?:ed|ing))\b",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:version|release|build|tag|image"
    r"|rev(?:ision)?)[\s=:\"']{1,3}(?:[\w./-]{1,80}:)?(v?\d[\w.+-]{0,40}|[0-9a-f]{7,40})"
    r"|(?<![\w.:/])(v\d[\w.+-]{0,40}|\d{1,4}\.\d{1,5}\.\d{1,6}[\w.+-]{0,30})(?![\w:])",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"\b(?:config(?:uration)?|settings?|propert(?:y|ies))\b.{0,40}\b(?:reload(?:ed)?|changed|updated"
    r"|applied|refreshed|set)\b"
    r"|\b(?:reload(?:ed|ing)?|updated|applied|changed)\b.{0,30}\b(?:config(?:uration)?|settings?)\b",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"\b(?:feature[ _-]?flag|feature|flag|toggle)\b[\s:=\"']{0,3}([\w.-]{2,60})?[\"']?.{0,30}"
    r"\b(enabled|disabled|turned (?:on|off)|activated|deactivated|toggled|rolled out|set to \S{1,20}|changed)\b",
    re.IGNORECASE,
)
_PER_REQUEST = re.compile(
    r"\b(?:request|order|job|task|transaction|session|batch|query|thread|span|worker \d|cycle|scan)\b", re.IGNORECASE
)
_WORD_BEFORE = re.compile(r"([\w.-]{1,60})[\s:/@=(]{1,3}\Z")
_OWN = frozenset(
    ("", "version", "release", "application", "app", "service", "to", "starting", "started", "build", "deployed", "of")
)


@dataclass(frozen=True)
class Event:
    """Something that changed, as a line tells it."""

    kind: str
    """`deployment`, `configuration`, `feature_flag` or `start`."""
    version: str | None = None


def event_of(message: str, service: str | None) -> Event | None:
    """What a line below warning tells of a change; None for nearly every line.

    Args:
        message: the line.
        service: who wrote it; the version of anything else that starts with it, such as a web server, is none of its.
    """
    text = message[:400]
    flag = _FLAG.search(text)
    if flag is not None:
        return Event("feature_flag")
    if _SETTINGS.search(text):
        return Event("configuration")
    deployed = _DEPLOYED.search(text)
    if deployed is None and (_START.search(text) is None or _PER_REQUEST.search(text)):
        return None
    said = _version(text, service)
    if deployed is None:
        return Event("start", said)
    return Event("deployment", said) if said is not None else None


def _version(text: str, service: str | None) -> str | None:
    for match in _VERSION.finditer(text):
        if match.group(1) is not None:
            return match.group(1).rstrip(".")
        before = _WORD_BEFORE.search(text, 0, match.start())
        word = before.group(1).lower() if before is not None else ""
        plain = (service or "").lower()
        if word in _OWN or (plain and (word in plain or plain in word)) or not service:
            return match.group(2).rstrip(".")
    return None
