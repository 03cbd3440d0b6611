"""The keys by which the ways in of `surehand dev` and `demo` speak for people: made on the first start, and kept."""

from __future__ import annotations

from pathlib import Path

from runtime.settings.environment import Settings
from runtime.temporal.signing import make_key
from starters.service.access.keys import kept_key, write_secret

KEY_FILE = "SUREHAND_SIGNING__KEY_FILE"
_TRUSTED_FILE = "SUREHAND_SIGNING__TRUSTED_FILE"
_KEY_ID = "dev"


def own_keys(data_dir: Path, settings: Settings) -> dict[str, str]:
    """Settings that name the keys.

    Args:
        data_dir: where they are kept, for its owner alone.
        settings: of the user, whose own keys win.

    Returns:
        One file for whoever speaks, `KEY_FILE`, and one for whoever listens; nothing where the user has set keys.
    """
    if settings.signing.says_something:
        return {}
    private, trusted = data_dir / "signing.key", data_dir / "trusted.keys"
    if not (kept_key(private) and kept_key(trusted)):
        own, public = make_key(_KEY_ID)
        data_dir.mkdir(parents=True, exist_ok=True)
        write_secret(private, own)
        write_secret(trusted, public)
    return {KEY_FILE: str(private), _TRUSTED_FILE: str(trusted)}


def for_listeners(variables: dict[str, str]) -> dict[str, str]:
    """The settings without the private key: a worker needs none."""
    return {name: value for name, value in variables.items() if name != KEY_FILE}
