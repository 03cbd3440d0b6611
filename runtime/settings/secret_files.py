"""Secrets out of files: a variable named after a secret setting with `_FILE` behind it names a file that holds it.

So a secret that Docker, Compose or Kubernetes mounts need not stand in the environment, where every child process and
every listing of processes may see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from runtime.settings.faults import DELIMITER, PREFIX, variables

_END = "_FILE"
_TABLE = f"{PREFIX}SECRETS{DELIMITER}"
_LONGEST = 100_000


def with_files(model: type[BaseModel], given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Put what the files hold in the place of their names.

    Args:
        model: the settings.
        given: variables that begin with the prefix.

    Returns:
        The variables, and one sentence for each file that cannot be used; they name variables and never what they hold.
    """
    secrets = {variable.name for variable in variables(model) if variable.secret}
    found, faults = dict(given), []
    for name, path in given.items():
        setting = name.upper().removesuffix(_END)
        if not name.upper().endswith(_END) or not (setting in secrets or setting.startswith(_TABLE)):
            continue
        del found[name]
        if not path.strip():
            continue
        if any(other.upper() == setting and text.strip() for other, text in given.items()):
            faults.append(f"{setting} and {setting}{_END} are both set: keep one of them.")
            continue
        text = _held(Path(path.strip()))
        if text is None:
            faults.append(f"{setting}{_END} names a file that cannot be read: correct its path or who may read it.")
        elif not text:
            faults.append(f"{setting}{_END} names a file that holds nothing: write the secret into it.")
        else:
            found[setting] = text
    return found, faults


def _held(path: Path) -> str | None:
    """What a file holds, without the line's end that editors add; None when it cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            text = opened.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError):
        return None
    return text.rstrip("\r\n") if len(text) <= _LONGEST else None
