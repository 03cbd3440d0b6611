"""`surehand tool`: a person calls a tool by hand, against a real HTTP server behind a real OpenAPI document."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from starters.cli.app import app

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Stock", "version": "1"},
    "servers": [{"url": "https://stock.example.com"}],
    "paths": {
        "/items/{sku}": {
            "get": {
                "operationId": "readItem",
                "summary": "Read an item",
                "parameters": [{"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "It"}},
            },
            "delete": {
                "operationId": "deleteItem",
                "summary": "Delete an item",
                "parameters": [{"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "Gone"}},
            },
        }
    },
}


class Stock(ThreadingHTTPServer):
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Stock)


class _Stock(BaseHTTPRequestHandler):
    server: Stock

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body = b'{"sku": "007", "left": 3}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def stock() -> Iterator[Stock]:
    with Stock() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def surehand(stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "stock.yaml.json").write_text(json.dumps(DOCUMENT), "utf-8")
    address = f"http://127.0.0.1:{stock.server_address[1]}"
    tools = {"providers": {"stock": {}}, "openapi": {"stock": {"document": "stock.yaml.json", "server": address}}}
    (folder / "tools.yaml").write_text(yaml.safe_dump(tools), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUREHAND_CONFIG_DIRS", str(folder))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["tool", *arguments])

    return run


def test_it_lists_what_may_be_used_with_its_safety(surehand):
    rows = {row["name"]: row for row in json.loads(surehand("list", "--json").stdout)}
    assert rows["stock.readItem"]["safety"] == "safe"
    assert rows["stock.deleteItem"]["safety"] == "dangerous"
    assert "stock.readItem" in surehand("list").stdout


def test_it_shows_schema_safety_and_where_a_tool_goes(surehand, stock):
    shown = surehand("show", "stock.deleteItem").stdout
    assert "dangerous" in shown
    assert str(stock.server_address[1]) in shown
    assert '"sku"' in shown
    wrong = surehand("show", "stock.deletItem")
    assert wrong.exit_code == 2
    assert "stock.deleteItem" in wrong.stderr


def test_a_safe_tool_is_called_at_once(surehand, stock):
    result = surehand("run", "stock.readItem", "--set", "sku=007")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"sku": "007", "left": 3}
    assert stock.asked == ["GET /items/007"], "a name that the schema calls text stays text"


def test_a_tool_that_changes_something_is_shown_and_not_called_without_a_yes(surehand, stock):
    result = surehand("run", "stock.deleteItem", "--arguments", '{"sku": "007"}')
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert '{"sku": "007"}' in result.stderr
    assert "digest" in result.stderr
    assert result.stdout == ""
    assert stock.asked == []


def test_with_a_yes_it_is_called_once_and_said_before(surehand, stock):
    result = surehand("run", "stock.deleteItem", "--set", "sku=007", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "dangerous" in result.stderr
    assert stock.asked == ["DELETE /items/007"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "sku is missing"),
        (["--set", "sku=a", "--set", "other=1"], "other is not known"),
        (["--set", "sku"], "name=value"),
        (["--arguments", "[1]"], "JSON object"),
        (["--arguments", "nowhere.json"], "JSON object"),
    ],
)
def test_arguments_that_do_not_fit_are_one_sentence_and_no_call(surehand, stock, arguments, sentence):
    result = surehand("run", "stock.deleteItem", "--yes", *arguments)
    assert result.exit_code in (1, 2)
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert stock.asked == []


def test_what_the_guardrails_deny_is_not_called_however_loudly_one_says_yes(surehand, stock, tmp_path):
    rule = {
        "at": ["tool_call"],
        "category": "system_safety",
        "when": '.tool.name == "stock.deleteItem"',
        "action": "deny",
        "severity": "critical",
        "reason": "Items are kept.",
    }
    (tmp_path / "config" / "guardrails.yaml").write_text(yaml.safe_dump({"rules": {"no_deleting": rule}}), "utf-8")
    result = surehand("run", "stock.deleteItem", "--set", "sku=007", "--yes")
    assert result.exit_code == 1
    assert "Items are kept." in result.stderr
    assert stock.asked == []


def test_what_the_configuration_switches_off_is_not_there(surehand, stock, tmp_path):
    path = tmp_path / "config" / "tools.yaml"
    tools = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**tools, "tools": {"stock.delete*": {"enabled": False}}}), "utf-8")
    result = surehand("run", "stock.deleteItem", "--set", "sku=007", "--yes")
    assert result.exit_code == 2
    assert stock.asked == []


@pytest.mark.parametrize(
    ("tools", "sentence"),
    [
        ({"provider": {}}, "has no place here"),
        ({"tools": {"a.b": {"timeout": 5}}}, "is not a duration"),
        ({"tools": {"a.b": {"safety": "harmless"}}}, "tools.a.b.safety"),
        ({"vendors": {"bank": {"calls_per_second": 0}}}, "calls_per_second"),
        ({"vendors": {"a/b": {}}}, "cannot name a vendor"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(surehand, tmp_path, tools, sentence):
    (tmp_path / "config" / "tools.yaml").write_text(yaml.safe_dump(tools), "utf-8")
    result = surehand("list")
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "tools.yaml:" in result.stderr
