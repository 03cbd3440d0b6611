"""The playbooks of each tenant: files in folders, checked when they are read, and read again when they change.

Layers, lowest first: what is shipped, what the installation's folder holds for all tenants, and what it holds in a
folder that bears the tenant's name. A file replaces the one below that has its name and version.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidInput
from domain.ids import check_tenant
from domain.model import JsonValue
from domain.playbook.faults import Weight, advice
from domain.playbook.outline import mapping
from integrations.playbooks.reading import DEPTH_LIMIT, NODE_LIMIT
from integrations.playbooks.validating import Finding, all_faults, examine, read_bytes, sentences
from integrations.playbooks.versions import is_release, order_of

SHIPPED_PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
SUFFIXES = (".yaml", ".yml", ".json")

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Shelved:
    """One file of the library."""

    path: Path
    name: str
    """Of the playbook; the file's own, where the playbook names none."""
    version: str
    """Empty where the playbook names none."""
    title: str
    findings: tuple[Finding, ...]
    definition: dict[str, JsonValue] | None
    """None when it cannot run."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Why it cannot run."""
        return tuple(finding for finding in self.findings if finding.weight is Weight.ERROR)


class FolderLibrary:
    """Implements the port `PlaybookLibrary`.

    Args:
        folder: the installation's own playbooks; None when it has none.
        shipped: those that come with the product.
    """

    def __init__(self, folder: Path | None = None, shipped: Path = SHIPPED_PLAYBOOKS) -> None:
        self._folder = folder
        self._shipped = shipped
        self._read: dict[Path, tuple[_Stamp, Shelved]] = {}
        self._lock = threading.Lock()

    # The port

    def find(self, tenant: str, name: str, version: str | None = None) -> dict[str, JsonValue]:
        """A checked definition; the newest version when none is named.

        Raises:
            InvalidInput: there is none by that name and version, or its file has faults.
        """
        return self.definition_of(self.shelved(tenant, name, version))

    def names(self, tenant: str) -> Sequence[str]:
        """Names of all of them, in order."""
        return sorted({shelved.name for shelved in self.shelf(tenant)})

    def check(self, definition: dict[str, JsonValue]) -> Sequence[str]:
        """What is wrong with a definition that came with a request, as sentences; empty when nothing is."""
        if not _is_moderate(definition):
            return ("The definition is too large: at most 20,000 values, nested at most 60 deep.",)
        return sentences(all_faults(definition))

    # What the command line shows

    def shelved(self, tenant: str, name: str, version: str | None = None) -> Shelved:
        """The file of a playbook, whether it can run or not.

        Raises:
            InvalidInput: there is none by that name and version.
        """
        every = self.shelf(tenant)
        known = [shelved for shelved in every if shelved.name == name]
        if not known:
            names = {shelved.name for shelved in every}
            otherwise = "see `surehand playbook list`."
            raise InvalidInput(f"Tenant {tenant} has no playbook {name!r}: {advice(name, names, otherwise)}")
        if version not in (None, "latest"):
            fitting = [shelved for shelved in known if shelved.version == version]
            if not fitting:
                versions = ", ".join(shelved.version for shelved in known)
                raise InvalidInput(f"Playbook {name} has no version {version!r}: use one of {versions}.")
            return fitting[-1]
        # Whoever names no version wants none that is still being tried out, unless there is no other.
        released = [shelved for shelved in known if is_release(shelved.version)]
        return max(released or known, key=lambda shelved: order_of(shelved.version))

    @staticmethod
    def definition_of(shelved: Shelved) -> dict[str, JsonValue]:
        """Its definition.

        Raises:
            InvalidInput: its file has faults.
        """
        if shelved.definition is None:
            first = shelved.errors[0]
            more = f" and {len(shelved.errors) - 1} more" if len(shelved.errors) > 1 else ""
            raise InvalidInput(
                f"Playbook {shelved.name} cannot run ({first.file}:{first.line}: {first.sentence.rstrip('.')}{more}): "
                "correct it, and see `surehand playbook validate`."
            )
        return shelved.definition

    def shelf(self, tenant: str) -> list[Shelved]:
        """Every playbook of a tenant, with and without faults, by name and version."""
        check_tenant(tenant)
        layers = [self._shipped]
        if self._folder is not None:
            layers += [self._folder, self._folder / tenant]
        found: dict[tuple[str, str], Shelved] = {}
        for layer in layers:
            for shelved in self._layer(layer):
                found[shelved.name, shelved.version] = shelved
        return sorted(found.values(), key=lambda shelved: (shelved.name, order_of(shelved.version)))

    def _layer(self, folder: Path) -> list[Shelved]:
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
        except OSError:
            return []
        shelf = [shelved for path in paths if not path.name.startswith(".") and (shelved := self._load(path))]
        return [_marked_as_twin(shelved, shelf) for shelved in shelf]

    def _load(self, path: Path) -> Shelved | None:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._lock:
                known = self._read.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            shelved = _shelve(path)
        except (OSError, InvalidInput):
            return None  # it went away between two looks
        with self._lock:
            self._read[path] = (stamp, shelved)
        return shelved


def _shelve(path: Path) -> Shelved:
    found = examine(read_bytes(path), str(path))
    document = mapping(mapping(found.document).get("document"))
    name, version, title = (document.get(field) for field in ("name", "version", "title"))
    return Shelved(
        path=path,
        name=name if isinstance(name, str) and name else path.stem,
        version=version if isinstance(version, str) else "",
        title=title if isinstance(title, str) else "",
        findings=found.findings,
        definition=found.definition,
    )


def _marked_as_twin(shelved: Shelved, shelf: list[Shelved]) -> Shelved:
    """Two files of one folder with one name and version: neither may win by chance."""
    twin = next(
        (
            other
            for other in shelf
            if other.path != shelved.path and (other.name, other.version) == (shelved.name, shelved.version)
        ),
        None,
    )
    if twin is None:
        return shelved
    sentence = f"{twin.path.name} has the same name and version: change one of them."
    finding = Finding(file=str(shelved.path), line=1, column=1, sentence=sentence)
    return Shelved(
        shelved.path, shelved.name, shelved.version, shelved.title, (finding, *shelved.findings), definition=None
    )


def _is_moderate(definition: JsonValue) -> bool:
    """Whether a definition keeps to the limits of a file."""
    count, level = 0, [definition]
    for _ in range(DEPTH_LIMIT + 1):
        count += len(level)
        if count > NODE_LIMIT:
            return False
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [value for values in parts for value in values]
        if not level:
            return True
    return False
