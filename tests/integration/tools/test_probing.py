"""`health.probe` looks a name up once, asks only what was judged, and says what is wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.troubleshooting.evidence import Findings, Sign
from integrations.tools.addresses import AddressGuard
from integrations.tools.builtin.probing import Probe, ProbeQuestion, ProbeTools
from integrations.tools.guarded_http import GuardedHttp
from integrations.tools.provider import CallContext, NotAllowed
from tests.loopback import Answer, loopback

HOST = "api.internal.example"
CONTEXT = CallContext(key="k", tenant="acme", attempt=1)


class Names:
    """A name server that gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def probe(url: str, *places: str, names: Names, trusted: ssl.SSLContext | None = None, **asked: object) -> Probe:
    guard = AddressGuard(internal=places, resolve=names)
    tools = ProbeTools(GuardedHttp(guard, timeout_seconds=5), trusted=trusted)
    return await tools.probe(ProbeQuestion.model_validate({"url": url, "service": "api", **asked}), CONTEXT)


def signs(seen: Probe) -> list[Sign]:
    return [finding.sign for finding in seen.findings]


async def test_a_name_is_looked_up_once_and_a_second_answer_leads_nowhere() -> None:
    async with loopback() as server:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        seen = await probe(f"http://{HOST}:{server.port}/health", f"{HOST}:{server.port}", names=names)

        assert seen.healthy
        assert names.asked == [HOST]
        assert seen.details["addresses"] == ["127.0.0.1"]
        assert server.last.headers["host"] == f"{HOST}:{server.port}"


@pytest.mark.parametrize(
    "url",
    ["http://{}/", "tcp://{}", "tls://{}", "tcp://169.254.169.254:80", "http://[::1]/", "http://127.1/", "tcp://x:1/y"],
)
async def test_an_address_that_is_not_listed_is_never_asked(url: str) -> None:
    async with loopback() as server:
        names = Names(["127.0.0.1"])
        with pytest.raises(NotAllowed):
            await probe(url.format(f"{HOST}:{server.port}"), names=names)
        assert (server.received, names.asked) == ([], [])


async def test_a_listed_public_name_that_leads_into_the_private_network_is_refused() -> None:
    guard = AddressGuard(allowed=("*",), resolve=Names(["10.0.0.7"]))
    with pytest.raises(NotAllowed, match="private network"):
        await ProbeTools(GuardedHttp(guard)).probe(ProbeQuestion(url="https://rebound.example/"), CONTEXT)


async def test_a_redirect_is_not_followed() -> None:
    async with loopback() as server:
        server.handler = lambda request: Answer(status=302, headers={"Location": "http://169.254.169.254/"})
        seen = await probe(f"http://{HOST}:{server.port}/", f"{HOST}:{server.port}", names=Names(["127.0.0.1"]))
        assert (seen.healthy, seen.details["status"], len(server.received)) == (False, 302, 1)


async def test_a_name_without_an_address_is_a_finding() -> None:
    seen = await probe(f"tcp://{HOST}:5432", f"{HOST}:5432", names=Names([]))
    assert signs(seen) == [Sign.DNS]
    assert (seen.healthy, seen.findings[0].service) == (False, "api")


async def test_a_port_that_nobody_listens_on_is_a_finding() -> None:
    seen = await probe(f"tcp://{HOST}:1", f"{HOST}:1", names=Names(["127.0.0.1"]))
    assert signs(seen) == [Sign.UNREACHABLE]
    assert "refuses" in seen.reason


@pytest.mark.parametrize(
    ("status", "sign"), [(500, Sign.ERRORS), (503, Sign.ERRORS), (429, Sign.THROTTLED), (401, Sign.PERMISSION)]
)
async def test_a_status_that_is_not_expected_is_a_finding(status: int, sign: Sign) -> None:
    async with loopback() as server:
        server.handler = lambda request: Answer(status=status)
        place, names = f"{HOST}:{server.port}", Names(["127.0.0.1"])
        assert signs(await probe(f"http://{place}/", place, names=names)) == [sign]
        assert (await probe(f"http://{place}/", place, names=names, expect_status=status)).healthy


async def test_a_server_that_takes_connections_and_says_nothing_is_a_finding() -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(end, "127.0.0.1", 0)
    async with server:
        place = f"{HOST}:{server.sockets[0].getsockname()[1]}"
        seen = await probe(f"http://{place}/", place, names=Names(["127.0.0.1"]))
        open_port = await probe(f"tcp://{place}", place, names=Names(["127.0.0.1"]))
    assert signs(seen) == [Sign.UNREACHABLE]
    assert open_port.healthy


@dataclass
class Served:
    place: str
    trusted: ssl.SSLContext


@asynccontextmanager
async def tls_server(folder: Path, *, name: str, days: tuple[float, float]) -> AsyncIterator[Served]:
    """A TLS server whose certificate signs itself and holds from `days[0]` to `days[1]`, counted from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "c.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "k.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0, ssl=context)
    async with server:
        trusted = ssl.create_default_context(cafile=str(folder / "c.pem"))
        yield Served(f"{HOST}:{server.sockets[0].getsockname()[1]}", trusted)


async def test_a_trusted_certificate_is_read_with_its_days_left(tmp_path: Path) -> None:
    async with tls_server(tmp_path, name=HOST, days=(-1, 90.5)) as served:
        seen = await probe(f"tls://{served.place}", served.place, names=Names(["127.0.0.1"]), trusted=served.trusted)
        soon = await probe(
            f"tls://{served.place}",
            served.place,
            names=Names(["127.0.0.1"]),
            trusted=served.trusted,
            certificate_days=100,
        )
    shown = seen.details["certificate"]
    assert (seen.healthy, signs(seen)) == (True, [])
    assert (shown["trusted"], shown["names"], shown["issuer"]) == (True, [HOST], HOST)
    assert 90 <= shown["days_left"] <= 90.5
    assert (soon.healthy, signs(soon)) == (True, [Sign.CERTIFICATE])


@pytest.mark.parametrize(
    ("name", "days", "trust", "said"),
    [
        (HOST, (-30.0, -3.0), True, "expired on"),
        (HOST, (2.0, 30.0), True, "not valid before"),
        ("other.example", (-1.0, 90.0), True, "not trusted"),
        (HOST, (-1.0, 90.0), False, "not trusted"),
    ],
)
async def test_a_certificate_that_is_not_good_is_a_finding_that_says_why(
    tmp_path: Path, name: str, days: tuple[float, float], trust: bool, said: str
) -> None:
    async with tls_server(tmp_path, name=name, days=days) as served:
        trusted = served.trusted if trust else None
        seen = await probe(f"https://{served.place}/", served.place, names=Names(["127.0.0.1"]), trusted=trusted)
    assert signs(seen) == [Sign.CERTIFICATE]
    assert said in seen.reason
    assert not seen.healthy
    assert seen.details["certificate"]["names"] == [name]


async def test_the_answer_has_the_form_of_findings() -> None:
    seen = await probe(f"tcp://{HOST}:1", f"{HOST}:1", names=Names(["127.0.0.1"]))
    plain = seen.model_dump(mode="json")
    assert Findings.model_validate({name: plain[name] for name in Findings.model_fields}).findings == seen.findings
