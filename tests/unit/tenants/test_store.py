"""Every table of the store says whose its rows are, and every statement of the store asks for a tenant's rows only."""

from __future__ import annotations

import ast
from pathlib import Path

from integrations.store.tables import metadata

STORE = Path(__file__).parents[3] / "integrations" / "store"

NO_TENANT: dict[str, str] = {}
"""Tables without a tenant, and why."""

OF_ALL = {
    "allowances._now": "asks for the time",
    "allowed_requests.forget_before": "forgets what is old",
    "api_keys._FIND": "the key's id, which its secret proves, says whose it is",
    "api_keys.revoke": "for operators of the installation, by the key's own id; there is no way to it from a tenant",
    "console_sessions.begin": "forgets what has run out, and the session that this one replaces, by its secret",
    "console_sessions.see": "by the session's secret",
    "console_sessions.end": "by the session's secret",
    "console_sessions.find": "the session's secret says whose it is",
    "inbox._DUE": "what is to be delivered; each row says whose it is",
    "inbox.waiting": "a number for operators",
    "ledger.record": "the key begins with the workflow id, and was claimed with its tenant",
    "ledger.release": "the key begins with the workflow id, and was claimed with its tenant",
    "sessions.add": "forgets what has run out",
    "sessions.take": "the session's secret says whose it is",
    "inbox.forget_before": "forgets what is old",
    "requests.forget_before": "forgets what is old",
    "sign_in_tries.forget_before": "forgets what is old",
}
"""Functions and prebuilt statements that are about all tenants, or about what is found by a secret; and why."""


def _called_in(node: ast.AST) -> set[str]:
    return {
        child.func.id if isinstance(child.func, ast.Name) else child.func.attr
        for child in ast.walk(node)
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name | ast.Attribute)
    }


def _functions(tree: ast.Module) -> dict[str, ast.AST]:
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _conditions(tree: ast.Module) -> dict[str, ast.AST]:
    """What a module builds once, such as the condition that finds one row."""
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _asks(node: ast.AST) -> bool:
    return bool(
        {"select", "update", "delete"}
        & {
            child.func.id
            for child in ast.walk(node)
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name)
        }
    )


def _names_tenant(name: str, functions: dict[str, ast.AST], seen: frozenset[str] = frozenset()) -> bool:
    node = functions[name]
    by_tenant = any(
        isinstance(child, ast.Attribute)
        and child.attr == "tenant"
        and ast.unparse(child.value).endswith((".c", "columns"))
        for child in ast.walk(node)
    )
    named = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
    helpers = ((_called_in(node) | named) & functions.keys()) - seen - {name}
    return by_tenant or any(_names_tenant(each, functions, seen | {name}) for each in helpers)


def test_every_table_says_whose_its_rows_are() -> None:
    without = {table.name for table in metadata.tables.values() if "tenant" not in table.c or table.c.tenant.nullable}
    assert without == set(NO_TENANT)


def test_every_statement_of_the_store_is_about_one_tenant_or_says_why_not() -> None:
    found: set[str] = set()
    for path in sorted(set(STORE.rglob("*.py")) - set(STORE.rglob("migrations/**/*.py"))):
        tree = ast.parse(path.read_text("utf-8"))
        known = _conditions(tree) | _functions(tree)
        for name, node in known.items():
            if _asks(node) and not _names_tenant(name, known):
                found.add(f"{path.stem}.{name}")
    assert found <= set(OF_ALL), f"filter by tenant, or say why not: {sorted(found - set(OF_ALL))}"
    assert set(OF_ALL) <= found, f"these filter by tenant now: {sorted(set(OF_ALL) - found)}"
