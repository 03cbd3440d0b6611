"""The people directory from `people.yaml`, read again when the file changes: who left today decides nothing today."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationProblem
from domain.identity.people import Person
from runtime.configuration.yaml_layers import Document, read_layers

PEOPLE_FILE = "people.yaml"
DEFAULT_TENANT = "default"

_log = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class _Entry:
    person: Person
    tenants: frozenset[str]


class PeopleDirectory:
    """Implements the port `Directory` over the layers of `people.yaml`.

    Args:
        dirs: configuration folders, lowest first.
    """

    def __init__(self, dirs: Sequence[Path]) -> None:
        self._dirs = tuple(dirs)
        self._stamp = self._stamp_now()
        self._entries, self._names, self._subjects = _read(read_layers(self._dirs, PEOPLE_FILE))

    def person(self, tenant: str, name: str) -> Person | None:
        """The person with that id, address, Slack id or other alias; one who left is returned as not active."""
        self._refresh()
        entry = self._entries.get(self._names.get(_normal(name), ""))
        return entry.person if entry is not None and tenant in entry.tenants else None

    def by_subject(self, tenant: str, subject: str) -> Person | None:
        """The person whom the identity provider calls so; never one whose address or alias happens to be the same."""
        self._refresh()
        entry = self._entries.get(self._subjects.get(subject, ""))
        return entry.person if entry is not None and tenant in entry.tenants else None

    def holders(self, tenant: str, roles: tuple[str, ...], people: tuple[str, ...]) -> list[Person]:
        """Every active person of the tenant who holds one of the roles or is named, in the order of the file."""
        self._refresh()
        return [
            entry.person
            for entry in self._entries.values()
            if tenant in entry.tenants
            and entry.person.active
            and (entry.person.person_id in people or not set(roles).isdisjoint(entry.person.roles))
        ]

    def everybody(self, tenant: str) -> list[Person]:
        """Every person of the tenant, those who left included."""
        self._refresh()
        return [entry.person for entry in self._entries.values() if tenant in entry.tenants]

    def _refresh(self) -> None:
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._entries, self._names, self._subjects = _read(read_layers(self._dirs, PEOPLE_FILE))
            _log.info("The people directory changed and was read again.")
        except (ConfigurationProblem, OSError) as problem:
            # Somebody is half-way through an edit. The old entries stay, and the next change is tried again.
            _log.error("The people directory changed and cannot be used; the old one stays in force: %s", problem)

    def _stamp_now(self) -> _Stamp:
        stamps = []
        for folder in self._dirs:
            try:
                facts = (folder / PEOPLE_FILE).stat()
            except FileNotFoundError:
                continue
            stamps.append((facts.st_mtime_ns, facts.st_size, facts.st_ino))
        return tuple(stamps)


def _normal(name: str) -> str:
    return name.strip().casefold()


def _read(document: Document) -> tuple[dict[str, _Entry], dict[str, str], dict[str, str]]:
    entries: dict[str, _Entry] = {}
    names: dict[str, str] = {}
    subjects: dict[str, str] = {}
    for person_id, data in document.below("people").data.items():
        path = ("people", str(person_id))
        if not isinstance(data, dict):
            raise document.fault(path, f"{person_id} must have keys of its own: give a name and an e-mail address.")
        entry = _entry(document, path, data)
        for name in _names_of(entry.person):
            _only_one(document, path, names.setdefault(name, entry.person.person_id), "an address or alias")
        if entry.person.oidc_subject is not None:
            holder = subjects.setdefault(entry.person.oidc_subject, entry.person.person_id)
            _only_one(document, path, holder, "an oidc_subject")
        entries[entry.person.person_id] = entry
    return entries, names, subjects


def _only_one(document: Document, path: tuple[str, str], holder: str, what: str) -> None:
    if holder != path[1]:
        raise document.fault(
            path,
            f"{path[1]} and {holder} share {what}, so one person could approve twice: "
            "merge the two entries or correct the alias.",
        )


def _entry(document: Document, path: tuple[str, str], data: Mapping[str, Any]) -> _Entry:
    fields = dict(data)
    tenants = fields.pop("tenants", [DEFAULT_TENANT])
    if not isinstance(tenants, list) or not tenants:
        raise document.fault(path, f"tenants of {path[1]} must be a list of tenant names: add one.")
    person = document.read(Person, {"person_id": path[1], **fields}, *path)
    return _Entry(person=person, tenants=frozenset(str(tenant) for tenant in tenants))


def _names_of(person: Person) -> set[str]:
    names = (person.person_id, person.email, person.slack_user_id, *person.aliases)
    return {_normal(name) for name in names if name}
