"""MCP over streamable HTTP."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.errors import VendorError, VendorRefused, VendorThrottled, VendorUnavailable
from integrations.tools.mcp.configuration import McpServer, McpServers
from integrations.tools.mcp.provider import McpProvider, mcp_providers
from runtime.temporal.dev_server import free_port
from tests.integration.mcp.conftest import SECRETS, Rig, WebStub


async def failure_of(server: McpServer) -> VendorError:
    provider = McpProvider("web", server, secrets=SECRETS)
    with pytest.raises(VendorError) as failed:
        await provider.specs()
    await provider.close()
    assert "token" not in str(failed.value)
    return failed.value


async def test_a_configured_server_is_called_with_its_token_and_says_what_is_wrong(web_stub: WebStub, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    url = web_stub.url
    configured = McpServers({"stub": McpServer(url=url, secret="stock_token")})
    (provider,) = mcp_providers(configured, secrets=SECRETS)
    rig = Rig(provider, web_stub.journal)
    spec = await rig.spec()
    before = len(rig.done())
    answer = await rig.call(spec)
    assert answer.output == {"text": "Ordered."}
    assert len(rig.done()) == before + 1
    assert "right-token" not in repr((provider, configured, spec, answer))
    await provider.close()

    small = McpServer(url=url, secret="stock_token", message_limit_bytes=1_000)
    busy, broken, elsewhere, wrong, nobody, large = await asyncio.gather(
        failure_of(McpServer(url=url.replace("/mcp", "/busy"), secret="stock_token")),
        failure_of(McpServer(url=url.replace("/mcp", "/broken"), secret="stock_token")),
        failure_of(McpServer(url=url.replace("/mcp", "/elsewhere"), secret="stock_token")),
        failure_of(McpServer(url=url, secret="other")),
        failure_of(McpServer(url=f"http://127.0.0.1:{free_port()}/mcp")),
        failure_of(small),
    )
    assert isinstance(busy, VendorThrottled)
    assert busy.retry_after == timedelta(seconds=7)
    assert isinstance(broken, VendorUnavailable)
    assert isinstance(elsewhere, VendorRefused)
    assert "redirects" in str(elsewhere)
    assert isinstance(wrong, VendorRefused)
    assert "credentials" in str(wrong)
    assert isinstance(nobody, VendorUnavailable)
    assert nobody.code == "unsent"
    assert isinstance(large, VendorUnavailable)


async def test_a_server_that_was_killed_between_two_calls_was_not_called(tmp_path):
    running = WebStub(tmp_path)
    rig = Rig(McpProvider("stub", McpServer(url=running.url, secret="stock_token"), secrets=SECRETS), running.journal)
    spec = await rig.spec()
    running.kill()
    with pytest.raises(VendorUnavailable):
        await rig.call(spec)
    assert [spec.name for spec in await rig.provider.specs()]  # what is known is still shown
    assert rig.done() == []
    await rig.provider.close()


@pytest.mark.parametrize("url", ["ftp://x/mcp", "http://user:word@x/mcp", "http://x/mcp?key=1", "mcp"])
def test_an_address_that_is_no_endpoint_is_refused_when_it_is_read(url):
    with pytest.raises(ValidationError):
        McpServer(url=url)
