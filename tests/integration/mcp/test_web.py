"""MCP over streamable HTTP."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.errors import VendorError, VendorRefused, VendorThrottled, VendorUnavailable
from domain.tool import ToolCall
from integrations.tools.mcp.configuration import McpServer, McpServers
from integrations.tools.mcp.provider import McpProvider, mcp_providers
from integrations.tools.provider import CallContext
from runtime.dev_server import free_port
from tests.integration.mcp.conftest import SECRETS, Rig


async def failure_of(url: str, secret: str = "stock_token") -> VendorError:
    server = McpServer(url=url, secret=secret, start_timeout_seconds=30)
    provider = McpProvider("web", server, secrets=SECRETS)
    with pytest.raises(VendorError) as failed:
        await provider.specs()
    await provider.close()
    assert "token" not in str(failed.value)
    return failed.value


async def test_a_configured_server_is_called_with_its_token_and_knows_its_address(web_stub, monkeypatch):
    port, journal, process = web_stub
    url = f"http://127.0.0.1:{port}/mcp"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    configured = McpServers({"stub": McpServer(url=url, secret="stock_token")})
    (provider,) = mcp_providers(configured, secrets=SECRETS)
    rig = Rig(provider, journal)
    spec = await rig.spec()
    assert spec.target == f"{url} order"  # what the tool box finds a playbook's `call: mcp` by
    assert (await rig.call(spec)).output == {"text": "Ordered."}
    assert len(rig.done()) == 1

    busy, broken, elsewhere, wrong, nobody = await asyncio.gather(
        failure_of(f"http://127.0.0.1:{port}/busy"),
        failure_of(f"http://127.0.0.1:{port}/broken"),
        failure_of(f"http://127.0.0.1:{port}/elsewhere"),
        failure_of(url, secret="other"),
        failure_of(f"http://127.0.0.1:{free_port()}/mcp"),
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

    process.kill()
    await process.wait()
    # It was not reached, so it certainly did nothing.
    with pytest.raises(VendorUnavailable):
        await rig.call(spec)
    assert [spec.name for spec in await rig.provider.specs()]  # what is known is still shown
    await provider.close()


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(web_stub):
    port, journal, _ = web_stub
    server = McpServer(url=f"http://127.0.0.1:{port}/mcp", secret="stock_token", message_limit_bytes=1_000)
    provider = McpProvider("stub", server, secrets=SECRETS)
    with pytest.raises(VendorUnavailable):
        await provider.specs()
    await provider.close()
    assert not journal.exists()


@pytest.mark.parametrize("url", ["ftp://x/mcp", "http://user:word@x/mcp", "http://x/mcp?key=1", "mcp"])
def test_an_address_that_is_no_endpoint_is_refused_when_it_is_read(url):
    with pytest.raises(ValidationError):
        McpServer(url=url)


async def test_a_call_says_nothing_of_the_token(web_stub):
    port, journal, _ = web_stub
    server = McpServer(url=f"http://127.0.0.1:{port}/mcp", secret="stock_token")
    provider = McpProvider("stub", server, secrets=SECRETS)
    spec = next(spec for spec in await provider.specs() if spec.name == "stub.order")
    call = ToolCall(tool=spec.name, arguments={"sku": "a"}, key="k", tenant="t")
    answer = await provider.call(spec, call, CallContext("k", "t", 1))
    assert "right-token" not in repr((provider, server, spec, answer))
    assert journal.exists()
    await provider.close()
