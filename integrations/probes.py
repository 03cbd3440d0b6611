"""One look at an address: does its port take connections, what certificate does it show. The address is given, not
the name, so that what was judged is what is asked.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from integrations.http import certificates

CONNECT_SECONDS = 5.0
_NAMES = 20


@dataclass(frozen=True)
class Certificate:
    """What a server showed."""

    begins: datetime
    ends: datetime
    issuer: str
    names: tuple[str, ...]
    problem: str
    """Why it is not trusted; empty when it is."""
    code: int = 0
    """OpenSSL's number of the problem (X509_V_ERR_...): 10 is expired, 9 not yet valid, 62 another name."""
    protocol: str = ""


@dataclass(frozen=True)
class Connected:
    """How connecting went."""

    address: str | None
    """The one that answered."""
    milliseconds: int
    problem: str = ""
    """`refused`, `timeout` or `unreachable`; empty when it answered."""


async def connect(addresses: Sequence[str], port: int) -> Connected:
    """Try the addresses in turn until one takes a connection."""
    began, problem = time.monotonic(), "unreachable"
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            problem = "timeout"
        except ConnectionRefusedError:
            problem = "refused"
        except OSError:
            problem = "unreachable"
        else:
            await _close(writer)
            return Connected(address, _since(began))
    return Connected(None, _since(began), problem)


async def certificate_of(
    address: str, port: int, host: str, *, trusted: ssl.SSLContext | None = None
) -> Certificate | None:
    """The certificate of a server, also of one that is not trusted; None when it shows none.

    Args:
        address: to connect to.
        port: of it.
        host: name that the certificate is to be for.
        trusted: whom to trust; the system's authorities when None.
    """
    problem, code = "", 0
    try:
        seen = await _handshake(address, port, host, trusted or certificates())
    except ssl.SSLCertVerificationError as error:
        problem, code = error.verify_message, error.verify_code
        try:
            seen = await _handshake(address, port, host, _trusting_nobody())
        except (OSError, TimeoutError):
            return None
    except (OSError, TimeoutError):
        return None
    return None if seen is None else _read(*seen, problem, code)


def _trusting_nobody() -> ssl.SSLContext:
    """For a look at a certificate that was refused already; nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _handshake(address: str, port: int, host: str, context: ssl.SSLContext) -> tuple[bytes, str] | None:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    try:
        tls = writer.get_extra_info("ssl_object")
        content = tls.getpeercert(binary_form=True)
        return (content, tls.version() or "") if content else None
    finally:
        await _close(writer)


def _read(content: bytes, protocol: str, problem: str, code: int) -> Certificate | None:
    try:
        found = x509.load_der_x509_certificate(content)
        issuer = found.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            begins=found.not_valid_before_utc,
            ends=found.not_valid_after_utc,
            issuer=str(issuer[0].value)[:200] if issuer else "",
            names=_names(found),
            problem=problem,
            code=code,
            protocol=protocol,
        )
    except ValueError:
        return None


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(name[:253] for name in extension.value.get_values_for_type(x509.DNSName)[:_NAMES])


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
