"""What the simulators are told to do wrong, in the order they were told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

VENDORS = (
    "smtp", "slack", "zendesk", "hubspot", "stripe", "openai", "inventory", "shipping", "accounting", "deployments",
    "metrics", "fleet", "market", "documents", "mailing", "petstore", "httpbin", "imap",
    "identity", "receiver",
)  # fmt: skip
KINDS = (
    "fail", "throttle", "delay", "hang", "stall", "drop", "duplicate", "down",
    "html", "empty", "truncated", "redirect", "charset",
)  # fmt: skip
HANG_SECONDS = 3_600.0


class NoSuchFault(ValueError):
    """A fault that cannot be set; the sentence says what can."""


@dataclass
class Fault:
    """One thing to do wrong. Each field is a key that `POST /api/faults` takes."""

    vendor: str
    kind: str
    """`fail`: refuse with `status` or `code`, nothing happens. `throttle`: 429 with `retry_after`. `delay`: answer
    after `delay_ms`. `hang`: never answer, nothing happens. `stall`: it takes effect and is never answered (HTTP
    only). `drop`: it takes effect and the connection ends without an answer. `duplicate`: it takes effect twice.
    `down`: no connection is accepted until the fault is removed. `html`, `empty`, `truncated`, `redirect`, `charset`:
    it takes effect and the answer is an HTML page, nothing (204), cut off, a redirect, or in bytes that are not
    UTF-8."""
    times: int | None = 1
    """For so many requests; null means until the fault is removed."""
    status: int = 503
    """HTTP status of `fail`."""
    code: str | int | None = None
    """Of `fail`: Slack's error word, sent with status 200; or the SMTP reply, such as 451."""
    retry_after: str = "1"
    """Header of `throttle`: seconds, or a date."""
    delay_ms: int = 0
    stage: str = "DATA"
    """SMTP: `CONNECT`, `MAIL`, `RCPT` or `DATA`."""
    match: str = ""
    """Only requests in whose `METHOD /path KEY` (the `Idempotency-Key`, if any), or SMTP commands in whose recipients
    or sender, this stands; at the SMTP stage `DATA` also mails in whose subject it stands."""
    id: int = 0
    met: int = 0
    """How many requests it has met."""


class Faults:
    """The faults that are set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Set a fault.

        Raises:
            NoSuchFault: when the vendor, the kind or a key is unknown.
        """
        try:
            fault = Fault(**{key: value for key, value in wanted.items() if key not in ("id", "met")})
        except TypeError as error:
            raise NoSuchFault(f"A fault has vendor, kind, and keys of its kind: {error}.") from None
        if fault.vendor not in VENDORS or fault.kind not in KINDS:
            raise NoSuchFault(f"A fault's vendor is one of {', '.join(VENDORS)}; its kind one of {', '.join(KINDS)}.")
        if fault.times is not None and (not isinstance(fault.times, int) or fault.times < 1):
            raise NoSuchFault("`times` is a number above zero, or null until the fault is removed.")
        self._last_id += 1
        fault.id = self._last_id
        self._faults.append(fault)
        return fault

    def remove(self, *, vendor: str | None = None, fault_id: int | None = None) -> None:
        """Remove one, those of a vendor, or all."""
        self._faults = [
            fault
            for fault in self._faults
            if (vendor is not None and fault.vendor != vendor) or (fault_id is not None and fault.id != fault_id)
        ]

    def meet(self, vendor: str, target: str = "", stage: str | None = None) -> Fault | None:
        """The fault that a request meets now, if any; it is used up by it."""
        for fault in self._faults:
            if fault.vendor != vendor or fault.kind == "down" or fault.match not in target:
                continue
            if stage is not None and fault.stage != stage:
                continue
            fault.met += 1
            if fault.times is not None and fault.met >= fault.times:
                self._faults.remove(fault)
            return fault
        return None

    def is_down(self, vendor: str) -> bool:
        """Whether connections are refused."""
        return any(fault.vendor == vendor and fault.kind == "down" for fault in self._faults)

    def all(self) -> list[dict[str, Any]]:
        """Those still set."""
        return [asdict(fault) for fault in self._faults]
