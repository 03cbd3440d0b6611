"""Looking at a service from outside: its name, its port, its certificate, its answer."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import Field

from domain.errors import VendorError
from domain.model import JsonValue, Value
from domain.tools.tool import Safety, ToolCategory
from domain.troubleshooting.evidence import Finding, Findings, Sign
from integrations.probes import Certificate, Connected, certificate_of, connect
from integrations.tools.addresses import AddressGuard, plain_host, port_of
from integrations.tools.guarded_http import GuardedHttp, Outgoing
from integrations.tools.provider import CallContext, NotAllowed
from integrations.tools.python import tool

_EXPIRED, _NOT_YET = 10, 9
_SOURCE = "health.probe"


class ProbeQuestion(Value):
    """What to look at."""

    url: str = Field(
        min_length=8,
        max_length=2_000,
        pattern=r"^(https?|tls|tcp)://",
        description="a web address, or tls://host:port or tcp://host:port; its host must be allowed",
    )
    service: str | None = Field(None, max_length=200, description="whose address it is")
    expect_status: int | None = Field(None, ge=100, le=599, description="any of 200 to 299 when left out")
    within_milliseconds: int | None = Field(None, gt=0, description="slower than this is not healthy")
    certificate_days: int = Field(14, ge=0, le=3_650, description="fewer days left than this are reported")


class Probe(Findings):
    """What a look showed; findings say what is wrong."""

    healthy: bool
    reason: str
    """One sentence."""


@dataclass
class _Look:
    """What is collected on the way."""

    asked: ProbeQuestion
    findings: list[Finding]
    details: dict[str, JsonValue]
    fault: str = ""
    """The first thing that is not healthy."""

    def wrong(self, sign: Sign, strength: float, text: str, *, healthy: bool = False, **numbers: float) -> None:
        service = self.asked.service
        self.findings.append(
            Finding(sign=sign, service=service, strength=strength, text=text, numbers=numbers, source=_SOURCE)
        )
        self.fault = self.fault or ("" if healthy else text)

    def done(self) -> Probe:
        reason = self.fault or "It answers."
        return Probe(
            findings=tuple(self.findings),
            services=(self.asked.service,) if self.asked.service else (),
            summary=reason,
            details=self.details,
            healthy=not self.fault,
            reason=reason,
        )


class ProbeTools:
    """Looks at addresses that the configuration allows."""

    def __init__(self, http: GuardedHttp, *, trusted: ssl.SSLContext | None = None) -> None:
        """Keep the guard.

        Args:
            http: its guard refuses every other address.
            trusted: certificate authorities; the system's when None.
        """
        self._http = http
        self._trusted = trusted

    @tool(
        name="health.probe",
        title="Look at a service from outside",
        vendor="health",
        category=ToolCategory.MONITORING,
        capabilities=("health.probe",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(seconds=60),
    )
    async def probe(self, arguments: ProbeQuestion, context: CallContext) -> Probe:
        """Resolve a name once, connect, read the certificate, GET the address. What is wrong is a finding.

        Raises:
            NotAllowed: the address is not listed, or leads into a private network.
        """
        scheme, url = _web_address(arguments.url)
        guard = self._http.guard
        url = guard.check(url)
        look = _Look(arguments, [], {})
        try:
            addresses = await guard.pin(url)
        except httpx.ConnectError:
            look.wrong(Sign.DNS, 0.8, f"The name {plain_host(url)} does not resolve.")
            return look.done()
        look.details["addresses"] = list(addresses)
        connected = await connect(addresses, port_of(url))
        _judge_connection(look, connected, port_of(url))
        if connected.address is None:
            return look.done()
        context.beat()
        if scheme in ("https", "tls"):
            await self._look_at_certificate(look, connected.address, url)
        if scheme in ("https", "http") and not look.fault:
            await self._look_at_answer(look, url, addresses, context)
        return look.done()

    async def _look_at_certificate(self, look: _Look, address: str, url: httpx.URL) -> None:
        shown = await certificate_of(address, port_of(url), plain_host(url), trusted=self._trusted)
        if shown is None:
            look.wrong(Sign.CERTIFICATE, 0.6, "It takes connections and no TLS handshake comes about.")
            return
        days = (shown.ends - datetime.now(UTC)) / timedelta(days=1)
        look.details["certificate"] = {
            "ends": shown.ends.isoformat(),
            "days_left": round(days, 1),
            "issuer": shown.issuer,
            "names": list(shown.names),
            "trusted": not shown.problem,
            "protocol": shown.protocol,
        }
        _judge_certificate(look, shown, days)

    async def _look_at_answer(
        self, look: _Look, url: httpx.URL, addresses: Sequence[str], context: CallContext
    ) -> None:
        """GET it from the addresses that were judged: the name is not looked up again."""
        began = time.monotonic()
        http = self._http.within(_pinned(self._http.guard, addresses))
        try:
            answer = await http.exchange("health", Outgoing("GET", str(url)), beat=context.beat)
        except VendorError as error:
            sign = Sign.TIMEOUT if error.code == "timeout" else Sign.UNREACHABLE
            look.wrong(sign, 0.7, f"It takes connections and does not answer ({error.code}).")
            return
        took = round((time.monotonic() - began) * 1000)
        look.details |= {"status": answer.status, "milliseconds": took}
        _judge_answer(look, answer.status, took)


def _web_address(address: str) -> tuple[str, httpx.URL | str]:
    """The scheme, and the address as the guard judges it."""
    scheme, _, rest = address.partition("://")
    if scheme in ("http", "https"):
        return scheme, address
    if "/" in rest or "?" in rest or "#" in rest or not rest.rpartition(":")[2].isdigit():
        raise NotAllowed(
            "An address that begins with tls:// or tcp:// is a host and a port: write it as tls://host:443."
        )
    return scheme, f"https://{rest}"


def _pinned(guard: AddressGuard, addresses: Sequence[str]) -> AddressGuard:
    async def known(host: str, port: int) -> Sequence[str]:
        return addresses

    return replace(guard, resolve=known)


def _judge_connection(look: _Look, connected: Connected, port: int) -> None:
    look.details["connect_milliseconds"] = connected.milliseconds
    if connected.problem == "timeout":
        look.wrong(Sign.TIMEOUT, 0.7, f"Port {port} does not answer.")
    elif connected.problem:
        said = "refuses connections" if connected.problem == "refused" else "cannot be reached"
        look.wrong(Sign.UNREACHABLE, 0.85, f"Port {port} {said}.")


def _judge_certificate(look: _Look, shown: Certificate, days: float) -> None:
    if shown.code == _EXPIRED or days < 0:
        look.wrong(Sign.CERTIFICATE, 0.95, f"Its certificate expired on {shown.ends:%Y-%m-%d}.", days_left=days)
    elif shown.code == _NOT_YET:
        text = f"Its certificate is not valid before {shown.begins:%Y-%m-%d %H:%M} UTC."
        look.wrong(Sign.CERTIFICATE, 0.9, text, days_left=days)
    elif shown.problem:
        look.wrong(Sign.CERTIFICATE, 0.8, f"Its certificate is not trusted: {shown.problem[:200]}.", days_left=days)
    elif days < look.asked.certificate_days:
        text = f"Its certificate has {days:.0f} days left."
        look.wrong(Sign.CERTIFICATE, 0.3, text, healthy=True, days_left=days)


def _judge_answer(look: _Look, status: int, took: int) -> None:
    asked = look.asked
    expected = status == asked.expect_status if asked.expect_status is not None else 200 <= status <= 299
    if not expected:
        sign = Sign.THROTTLED if status == 429 else Sign.PERMISSION if status in (401, 403) else Sign.ERRORS
        look.wrong(sign, 0.7 if status >= 500 else 0.4, f"It answers with status {status}.", status=status)
    elif asked.within_milliseconds is not None and took > asked.within_milliseconds:
        text = f"It took {took} ms and may take {asked.within_milliseconds}."
        look.wrong(Sign.LATENCY, 0.6, text, value=took, threshold=asked.within_milliseconds)
