"""Signatures of known failures, from `signatures.yaml`: each below its id, so that a folder can change or add one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.troubleshooting.knowledge import Signature
from runtime.configuration.yaml_layers import read_layers

SIGNATURES_FILE = "signatures.yaml"


def read_signatures(dirs: Sequence[Path]) -> tuple[Signature, ...]:
    """All signatures, by id.

    Args:
        dirs: configuration folders, lowest first.

    Raises:
        ConfigurationProblem: with file and line.
    """
    document = read_layers(dirs, SIGNATURES_FILE)
    for name in document.data:
        if name != "signatures":
            raise document.fault((name,), f"{name!r} has no place here: write signatures below `signatures`.")
    found = []
    for name in sorted(document.below("signatures").data):
        entry = document.below("signatures").data[name]
        if not isinstance(entry, dict):
            raise document.fault(("signatures", name), f"{name!r} is no signature: write its fields below it.")
        signature = document.read(Signature, {**entry, "signature_id": name}, "signatures", name)
        for phrase in signature.words:
            if phrase != " ".join(phrase.lower().split()):
                raise document.fault(
                    ("signatures", name, "words"), f"{phrase!r} is never found: write it in small letters."
                )
        found.append(signature)
    return tuple(found)
