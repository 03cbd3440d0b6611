"""Reads what was changed: records as JSON, YAML or CSV, git's log, and the histories of Helm and Argo CD.

Names and addresses of people never come out: an author becomes a role or an id made from the name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.text.redaction import is_secret_name
from domain.troubleshooting.evidence import Change
from integrations.evidence.answers import MOST_NAME, name_of, said
from integrations.evidence.change_tables import (
    ARGO_HEADING,
    COMMIT,
    HELM_HEADING,
    from_git,
    from_history,
    from_table,
    is_table,
    plain,
)
from integrations.evidence.documents import Unreadable, values_of
from integrations.evidence.moments import moment

MOST_CHANGES = 5_000
_SPELLINGS = {
    "id": "changeid id number ref changenumber deploymentid ticket sha commit hash uid runid",
    "at": "at time timestamp deployedat completedat finishedat appliedat date datetime when ts startedat createdat"
    " updatedat changedat executedat updated created start deployed mergedat occurredat",
    "service": "service servicename app application component target workload system project repository repo ci"
    " resource release",
    "kind": "kind type category changetype action event operation",
    "version": "version to new newversion toversion newvalue after value image tag revision appversion targetversion"
    " release state",
    "before": "before previous from old oldversion fromversion previousversion oldvalue prior rollbackto previousvalue",
    "author": "author by user actor deployedby changedby initiator owner who username triggeredby committer",
    "summary": "summary title message description subject comment notes reason what text detail details name",
    "setting": "setting parameter flag configkey property variable flagname key field",
}
"""What records call each thing, without spaces, underscores and capitals; the first that is there counts."""
_FIELDS = {what: tuple(words.split()) for what, words in _SPELLINGS.items()}
_LISTING = (
    "changes deployments events items records releases history data result results value entries flags configuration"
    " migrations status"
)
_LISTS = frozenset(_LISTING.split())
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"(?i)(?:^|[^a-z])(?:{words})"))
    for kind, words in (
        ("feature_flag", r"feature[ _-]?flags?|flag|toggle|launchdarkly|unleash|experiment"),
        ("secret", r"secret|credential|password|token|key[ _-]?rotat|rotat|certificate|cert"),
        ("migration", r"migrat|schema|alter table|ddl|flyway|liquibase|alembic"),
        ("scaling", r"scal(?:e|ed|ing)|replicas?|autoscal|capacity|hpa|resize"),
        ("configuration", r"config|setting|parameter|env(?:ironment)?[ _-]?var|configmap|limit|timeout|pool[ _-]?size"),
        (
            "infrastructure",
            r"infra|terraform|network|dns|firewall|node|cluster|kernel|database upgrade|load ?balancer|patch",
        ),
        (
            "deployment",
            r"deploy|releas|rollout|roll ?back|upgrade|version|helm|canary|build|publish|promot|merge|install",
        ),
    )
)
_ROLES = re.compile(
    r"(?i)(?:^|[^a-z])(bot|ci|cd|argo[ -]?cd|argo|flux|jenkins|github[ -]?actions|gitlab[ -]?ci|pipeline|terraform|helm"
    r"|system|scheduler|cron|automation|autoscaler|operator|on[ -]?call|sre|dba|admin|root|release[ -]?manager"
    r"|deployer|spinnaker|renovate|dependabot|service[ -]?account|platform[ -]?team|ops)(?:$|[^a-z])"
)
_VERSION = re.compile(r"(?<![\w.])v?(\d{1,6}(?:\.\d{1,6}){1,3}(?:[-+][\w.]{1,40})?)(?![\w.])")
_NUMBERED = re.compile(r"^(?:[A-Za-z]{1,12}[-_#]?)?\d{1,12}$")
_MOVED = re.compile(r"(?:from\s{1,3})?([^\s,;]{1,80})\s{1,3}(?:to|->|=>|→)\s{1,3}([^\s,;]{1,80})")
_SECRET_VALUE = "[SECRET]"  # noqa: S105 - what stands in for one


@dataclass(frozen=True)
class ChangeReading:
    """What a file says was changed."""

    changes: tuple[Change, ...]
    left_out: int = 0
    """Records without a time, or beyond the most that are read."""


def read_changes(text: str, *, name: str, service: str | None) -> ChangeReading:
    """Every change that a file records, the oldest first.

    Args:
        text: the file's content.
        name: as the user calls it, which may say what kind of changes it holds.
        service: what was changed, where the file does not say.

    Raises:
        Unreadable: there is no record with a time in it.
    """
    records = list(_records(text))
    made, missing = [], max(0, len(records) - MOST_CHANGES)
    for record in records[:MOST_CHANGES]:
        change = _change(record, service, name)
        if change is None:
            missing += 1
        else:
            made.append(change)
    if not made:
        raise Unreadable("No record in it has a time: give each change one, such as at: 2026-03-01T10:00:00Z.")
    unique = {(one.change_id, one.at, one.service): one for one in made}
    return ChangeReading(tuple(sorted(unique.values(), key=lambda one: (one.at, one.change_id))), missing)


def _records(text: str) -> Iterator[Mapping[str, Any]]:
    if COMMIT.match(text.lstrip()):
        yield from from_git(text)
    elif HELM_HEADING.search(text) or ARGO_HEADING.search(text):
        yield from from_history(text)
    elif text.lstrip()[:1] not in ("{", "[", "-") and is_table(text, _FIELDS["at"]):
        yield from from_table(text)
    else:
        for value in values_of(text):
            yield from _flattened(value, {}, 0)


def _flattened(value: Any, around: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Records in a list, under a word such as `changes`, or under the service that they belong to."""
    if depth > 6:
        return
    if isinstance(value, list):
        for one in value:
            yield from _flattened(one, around, depth + 1)
        return
    if not isinstance(value, dict):
        return
    low = {plain(key): inner for key, inner in value.items()}
    if _moment_in(low) is not None or _argo(value):
        yield from _one_record(value, around)
        return
    for key, inner in value.items():
        if isinstance(inner, list | dict):
            listed = plain(key) in _LISTS or plain(key).rstrip("s") in ("change", "deployment", "flag", "migration")
            kind = {"kind": str(key)} if _kind_of(str(key)) and listed else {}
            whose = {} if listed else {"service": str(key)}
            given = {word: low[word] for word in ("service", "app", "application") if isinstance(low.get(word), str)}
            yield from _flattened(inner, {**around, **kind, **whose, **given}, depth + 1)


def _argo(value: Mapping[str, Any]) -> bool:
    status = value.get("status")
    return isinstance(status, dict) and isinstance(status.get("history"), list)


def _one_record(value: Mapping[str, Any], around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not _argo(value):
        yield {**around, **value}
        return
    metadata = value.get("metadata")
    whose = metadata.get("name") if isinstance(metadata, dict) else None
    for entry in value["status"]["history"]:
        if isinstance(entry, dict):
            yield {"service": whose, "kind": "deployment", "summary": "Synced by Argo CD", **entry}


def _change(record: Mapping[str, Any], service: str | None, file_name: str) -> Change | None:
    low = {plain(key): value for key, value in record.items() if value not in (None, "", [], {})}
    at = _moment_in(low)
    if at is None:
        return None
    named = (low[word] for word in (*_FIELDS["setting"], "name") if isinstance(low.get(word), str))
    hidden = any(is_secret_name(one.strip()) for one in named)
    whose = name_of(_word(low, "service")) or service
    title = _word(low, "summary")
    kind = _kind(low, title or "", file_name)
    version, before = _value(low, "version", hidden), _value(low, "before", hidden)
    version, before = _from_title(title or "", version, before)
    summary = said(title) if title is not None else _sentence(low, whose, kind, before, version)
    given = _word(low, "id") or _numbered(low.get("key"))
    number = hashlib.sha256(f"{at.isoformat()}|{whose}|{kind}|{summary}".encode()).hexdigest()[:10]
    return Change(
        change_id=said(given, 60) if given else f"change-{number}",
        at=at,
        kind=kind,
        service=said(whose, MOST_NAME) if whose else None,
        summary=summary,
        version=version,
        before=before,
        author=_author(_word(low, "author")),
    )


def _numbered(key: object) -> str | None:
    """`key` is a change's id where it looks like one, such as OPS-12; otherwise it names a setting."""
    return str(key) if isinstance(key, str | int) and _NUMBERED.match(str(key)) else None


def _moment_in(low: Mapping[str, Any]) -> datetime | None:
    for word in _FIELDS["at"]:
        found = moment(low[word]) if isinstance(low.get(word), str | int | float) else None
        if found is not None:
            return found
    return None


def _word(low: Mapping[str, Any], what: str) -> str | None:
    for word in _FIELDS[what]:
        value = low.get(word)
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            value = value["name"]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value)[:2_000]
    return None


def _value(low: Mapping[str, Any], what: str, hidden: bool) -> str | None:
    """A version or a setting's value; lists and maps in short; secrets never."""
    for word in _FIELDS[what]:
        value = low.get(word)
        if value is None or (word in ("state", "release", "from", "to") and not isinstance(value, str | int | float)):
            continue
        if hidden:
            return _SECRET_VALUE
        shown = value if isinstance(value, str) else _short(value)
        return said(shown, MOST_NAME) or None
    return None


def _short(value: object, depth: int = 0) -> str:
    if depth > 3:
        return "..."
    if isinstance(value, dict):
        parts = (
            f"{key}: {_SECRET_VALUE if is_secret_name(str(key)) else _short(one, depth + 1)}"
            for key, one in list(value.items())[:8]
        )
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_short(one, depth + 1) for one in value[:8]) + "]"
    return str(value)[:200].lower() if isinstance(value, bool) else str(value)[:200]


def _from_title(title: str, version: str | None, before: str | None) -> tuple[str | None, str | None]:
    """`orders 4.1.0 -> 4.2.0` says both where no field does."""
    moved = _MOVED.search(title[:500])
    if moved is not None and version is None and before is None and (any(c.isdigit() for c in moved[1] + moved[2])):
        return said(moved[2], MOST_NAME), said(moved[1], MOST_NAME)
    if version is None and (found := _VERSION.search(title[:500])) is not None:
        return found[1], before
    return version, before


def _sentence(low: Mapping[str, Any], whose: str | None, kind: str, before: str | None, version: str | None) -> str:
    setting = _word(low, "setting")
    what = f"{kind.replace('_', ' ').capitalize()} of {whose or 'the system'}"
    where = f", {setting}" if setting and kind != "deployment" else ""
    moved = f": {before} to {version}" if before and version else f": {version}" if version else ""
    return said(what + where + moved)


def _kind(low: Mapping[str, Any], title: str, file_name: str) -> str:
    given = _word(low, "kind") or ""
    named = ("setting", "parameter", "flag", "flagname", "key")
    setting = _word({key: low[key] for key in named if key in low and not _numbered(low[key])}, "setting")
    return (
        _kind_of(given)
        or ("feature_flag" if "flag" in low or "flagname" in low else None)
        or _kind_of(title)
        or ("configuration" if setting else None)
        or _kind_of(file_name)
        or (
            "deployment"
            if any(word in low for word in ("version", "image", "newversion", "tag", "deployedat"))
            else None
        )
        or "other"
    )


def _kind_of(text: str) -> str | None:
    return next((kind for kind, words in _KINDS if words.search(text[:500])), None)


def _author(given: str | None) -> str | None:
    if given is None:
        return None
    role = _ROLES.search(f" {given[:200]} ")
    if role is not None:
        return role[1].lower().replace(" ", "-")
    return "person-" + hashlib.sha256(given.strip().lower().encode()).hexdigest()[:8]
