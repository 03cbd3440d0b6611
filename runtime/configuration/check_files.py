"""Checks from `checks.yaml`: each below its name, and none that is useless or unsafe gets as far as an incident."""

from __future__ import annotations

from domain.troubleshooting.checks import Check, fault_of
from runtime.configuration.yaml_layers import Document

CHECKS_FILE = "checks.yaml"
_MOST_CHECKS = 200


def read_checks(document: Document) -> tuple[Check, ...]:
    """A tenant's checks, by name.

    Args:
        document: the layers of `checks.yaml`.

    Raises:
        ConfigurationProblem: one cannot be used; the sentence names file, line and check.
    """
    for key in document.data:
        if key != "checks":
            raise document.fault((key,), f"{key!r} has no place here: write checks below `checks`.")
    names = sorted(document.below("checks").data)
    if len(names) > _MOST_CHECKS:
        raise document.fault(("checks",), f"there are more than {_MOST_CHECKS} checks: leave out the least telling.")
    return tuple(_check(document, name) for name in names)


def _check(document: Document, name: str) -> Check:
    check = document.read(Check, {**document.below("checks", name).data, "name": name}, "checks", name)
    fault = fault_of(check)
    if fault is not None:
        key, sentence = fault
        raise document.fault(("checks", name, *key), f"check {name[:60]}: {sentence}.")
    return check
