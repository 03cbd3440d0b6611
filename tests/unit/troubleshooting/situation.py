"""Situations by hand: minutes relative to the onset, so that a test reads like a page of an incident review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.troubleshooting.evidence import Change, Finding, Sign
from domain.troubleshooting.hypotheses import Diagnosis, Known
from domain.troubleshooting.topology import Service, Topology

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
"""The onset of every situation."""

SHOP = Topology(
    services=(
        Service(name="gateway", kind="gateway"),
        Service(name="web", kind="service"),
        Service(name="checkout", tier="critical"),
        Service(name="catalogue"),
        Service(name="payments"),
        Service(name="orders"),
        Service(name="accounts"),
        Service(name="mailer"),
        Service(name="orders-db", kind="database"),
        Service(name="accounts-db", kind="database"),
        Service(name="session-cache", kind="cache"),
        Service(name="acmepay", kind="external"),
        Service(name="events", kind="queue"),
    ),
    calls=(
        ("gateway", "web"),
        ("web", "checkout"),
        ("web", "catalogue"),
        ("web", "accounts"),
        ("checkout", "payments"),
        ("checkout", "orders"),
        ("checkout", "accounts"),
        ("payments", "acmepay"),
        ("payments", "orders-db"),
        ("orders", "orders-db"),
        ("orders", "events"),
        ("mailer", "events"),
        ("accounts", "accounts-db"),
        ("accounts", "session-cache"),
    ),
)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def saw(
    service: str | None,
    sign: Sign | str,
    minute: float | None = 0.0,
    *,
    about: str | None = None,
    strength: float = 0.8,
    until: float | None = None,
    source: str = "logs.analyse",
    text: str | None = None,
) -> Finding:
    """A finding `minute` minutes after the onset."""
    blames = f" about {about}" if about else ""
    return Finding(
        sign=Sign(sign),
        service=service,
        about=about,
        at=None if minute is None else at(minute),
        until=None if until is None else at(until),
        strength=strength,
        text=text or f"{service}: {sign}{blames}",
        source=f"{source} {service}.log",
    )


def changed(
    service: str | None,
    minute: float,
    kind: str = "deployment",
    *,
    change_id: str | None = None,
    version: str = "2.0.0",
) -> Change:
    return Change(
        change_id=change_id or f"CHG-{service}-{abs(int(minute))}",
        at=at(minute),
        kind=kind,
        service=service,
        summary=f"{kind} of {service}",
        version=version,
    )


def known(
    *findings: Finding,
    changes: tuple[Change, ...] = (),
    topology: Topology = SHOP,
    begins: float | None = -120.0,
    ends: float | None = 60.0,
    refuted: tuple[str, ...] = (),
    rejected: tuple[str, ...] = (),
    observed: tuple[str, ...] = (),
) -> Known:
    return Known(
        description="Customers cannot pay",
        opened_at=at(15),
        findings=findings,
        changes=changes,
        topology=topology,
        observed=observed,
        begins=None if begins is None else at(begins),
        ends=None if ends is None else at(ends),
        refuted=refuted,
        rejected=rejected,
    )


def ranking(diagnosis: Diagnosis) -> str:
    """For the message of a failed test."""
    lines = [
        f"accepted {diagnosis.accepted} also {diagnosis.also} onset {diagnosis.onset} why not: {diagnosis.why_not}"
    ]
    for one in diagnosis.hypotheses[:6]:
        lines.append(f"{one.posterior:6.3f} {one.hypothesis_id}")
        lines.extend(f"      {part.weight:+.2f} {part.text}" for part in (*one.evidence_for, *one.evidence_against))
    return "\n".join(lines)
