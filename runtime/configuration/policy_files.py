"""The sections of a policy, one reader per configuration file: teams, SLA, calendars, approval ladders, timers."""

from __future__ import annotations

from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.identity.people import Team
from domain.policies.case_policy import Ladder, Rung, Timers
from domain.policies.incident_policy import IncidentPolicy
from domain.policies.sla import Calendar, SlaPolicy, SlaTarget
from domain.triage.decision import Urgency
from runtime.configuration.yaml_layers import Document, with_durations

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_teams(document: Document) -> dict[str, Team]:
    """Name -> team, from `teams.yaml`."""
    teams = document.below("teams").data
    return {
        name: document.read(Team, {"name": name, **_mapping(document, "teams", name)}, "teams", name) for name in teams
    }


def read_sla(document: Document) -> SlaPolicy:
    """Targets and warnings, from `sla.yaml`."""
    targets = {}
    for priority in document.below("targets").data:
        data = with_durations(document, _mapping(document, "targets", priority), "targets", priority)
        targets[priority] = document.read(SlaTarget, data, "targets", priority)
    policy = document.read(SlaPolicy, {**document.data, "targets": targets})
    if list(policy.warn_at_percent) != sorted(set(policy.warn_at_percent) & set(range(1, 100))):
        raise document.fault(("warn_at_percent",), "warn_at_percent must rise and lie between 1 and 99: reorder it.")
    return policy


def read_calendars(document: Document) -> dict[str, Calendar]:
    """Name -> calendar, from `calendars.yaml`."""
    return {name: _calendar(document, name) for name in document.below("calendars").data}


def _calendar(document: Document, name: str) -> Calendar:
    path = ("calendars", name)
    data = dict(_mapping(document, *path))
    hours = {}
    for day, spans in _mapping(document, *path, "hours").items():
        if day not in _WEEKDAYS:
            raise document.fault((*path, "hours", day), f"{day!r} is no weekday: write one of {', '.join(_WEEKDAYS)}.")
        hours[_WEEKDAYS.index(day)] = _spans(document, spans, (*path, "hours", day))
    calendar = document.read(Calendar, {**data, "name": name, "hours": hours}, *path)
    try:
        ZoneInfo(calendar.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise document.fault(
            (*path, "time_zone"), f"{calendar.time_zone!r} is no time zone: write one such as Europe/Berlin."
        ) from None
    return calendar


def _spans(document: Document, spans: Any, path: tuple[str, ...]) -> tuple[tuple[time, time], ...]:
    read: list[tuple[time, time]] = []
    for span in spans if isinstance(spans, list) else [spans]:
        opens, dash, closes = str(span).partition("-")
        try:
            start = time.fromisoformat(opens.strip())
            end = time.max if closes.strip() == "24:00" else time.fromisoformat(closes.strip())
        except ValueError:
            dash = ""
        if not dash or start >= end or (read and start < read[-1][1]):
            raise document.fault(
                path,
                "opening hours are spans like 09:00-17:30, in order, without overlaps, ending by 24:00: correct them.",
            )
        read.append((start, end))
    return tuple(read)


def read_ladders(document: Document) -> dict[str, Ladder]:
    """Name of an action -> ladder, from `approvals.yaml`."""
    return {name: _ladder(document, name) for name in document.below("ladders").data}


def _ladder(document: Document, name: str) -> Ladder:
    path = ("ladders", name)
    data = dict(_mapping(document, *path))
    rungs = data.get("rungs") or []
    if not isinstance(rungs, list) or not rungs or not all(isinstance(rung, dict) for rung in rungs):
        raise document.fault(path, f"ladder {name!r} has no rungs: add at least one, with a name and roles or people.")
    timed = []
    for number, rung in enumerate(rungs):
        where = (*path, "rungs", number)
        time_allowed = with_durations(document, rung.get("time_allowed"), *where, "time_allowed")
        timed.append(document.read(Rung, {**rung, "time_allowed": time_allowed}, *where))
    ladder = document.read(Ladder, {**data, "rungs": timed}, *path)
    _one_of(document, (*path, "when_nobody_answers"), ladder.when_nobody_answers, ("deny", "approve"))
    for number, checked in enumerate(ladder.rungs):
        _one_of(document, (*path, "rungs", number, "channel"), checked.channel, ("slack", "email", "both"))
    return ladder


def read_timers(document: Document) -> Timers:
    """Every duration of a case, from `timers.yaml`."""
    timers = document.read(Timers, with_durations(document, document.below("timers").data, "timers"), "timers")
    for name in ("urgency_delay", "claim_within"):
        for urgency in Urgency:
            if urgency not in getattr(timers, name):
                raise document.fault(("timers", name), f"{name} has no duration for {urgency.value!r}: add one.")
    if not timers.resolution_check_after <= timers.survey_after <= timers.final_analysis_after:
        raise document.fault(
            ("timers", "survey_after"),
            "resolution check, survey and final analysis follow each other in this order: correct them.",
        )
    return timers


def read_incidents(document: Document) -> IncidentPolicy:
    """How tickets and incidents come together, from `incidents.yaml`."""
    data = dict(document.below("incidents").data)
    if "joins_within" in data:
        data["joins_within"] = with_durations(document, data["joins_within"], "incidents", "joins_within")
    return document.read(IncidentPolicy, data, "incidents")


def _one_of(document: Document, path: tuple[str | int, ...], word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise document.fault(path, f"{path[-1]} is {word!r}: write one of {', '.join(words)}.")


def _mapping(document: Document, *path: str | int) -> dict[str, Any]:
    return document.below(*path).data
