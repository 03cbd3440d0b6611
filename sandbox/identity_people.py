"""The accounts of the sandbox's identity provider. Their subjects are those of the example directory."""

from __future__ import annotations

from typing import Any

PEOPLE: dict[str, dict[str, Any]] = {
    "sandbox-lena": {
        "name": "Lena Brandt",
        "email": "lena.brandt@example.com",
        "tenant": "default",
        "roles": ["agent", "approver"],
    },
    "sandbox-noor": {
        "name": "Noor Haddad",
        "email": "noor.haddad@example.com",
        "tenant": "default",
        "roles": ["agent", "operator"],
    },
    "sandbox-dana": {
        "name": "Dana Whitfield",
        "email": "dana.whitfield@us.example.com",
        "tenant": "acme-us",
        "roles": ["admin"],
    },
    "sandbox-bert": {
        "name": "Bert Vogel, who left",
        "email": "bert.vogel@example.com",
        "tenant": "default",
        "roles": ["admin"],
    },
    # Says somebody else's address: addresses can be changed by whoever has the account.
    "sandbox-mallory": {
        "name": "Mallory, a stranger",
        "email": "lena.brandt@example.com",
        "tenant": "default",
        "roles": ["admin"],
    },
    "sandbox-roleless": {
        "sub": "sandbox-noor",
        "name": "Noor without a role",
        "email": "noor@example.com",
        "tenant": "default",
        "roles": [],
    },
}
