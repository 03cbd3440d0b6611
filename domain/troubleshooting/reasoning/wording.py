"""Sentences about causes, and the test that would refute each, for people."""

from __future__ import annotations

from typing import Final

from domain.troubleshooting.evidence import Change
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate

F = FaultKind

_SENTENCES: Final[dict[FaultKind, str]] = {
    F.BAD_DEPLOYMENT: "{service} fails because of its own code",
    F.BAD_CONFIGURATION: "{service} runs with a wrong or missing setting",
    F.CONNECTION_POOL: "The connection pool of {service} is used up",
    F.CERTIFICATE: "The certificate of {service} is not valid",
    F.MEMORY_LEAK: "{service} runs out of memory",
    F.SLOW_DEPENDENCY: "{service} is slow, and those who call it wait",
    F.DISK_FULL: "The disk of {service} is full",
    F.TRAFFIC_SURGE: "{service} receives more traffic than it can take",
    F.CLOCK_SKEW: "The clock of {service} is wrong",
    F.DNS_FAILURE: "The name of {service}, or names that it looks up, do not resolve",
    F.CPU_SATURATION: "{service} has no processor time left",
    F.CRASH_LOOP: "{service} crashes and starts again",
    F.OUTAGE: "{service} does not answer",
    F.PERMISSION: "{service} is denied access, or denies it wrongly",
    F.SCHEDULING: "{service} cannot be placed or started",
    F.DATA: "{service} meets data, a schema or a lock that it cannot work with",
    F.QUEUE_BACKLOG: "Work piles up at {service}",
    F.UNKNOWN: "Something in {service} itself fails, and nothing says what",
}
_SHARED: Final[dict[FaultKind, str]] = {
    F.DNS_FAILURE: "Several services cannot resolve names: the resolver that they share",
    F.CLOCK_SKEW: "Several services disagree on the time: the clock source or host that they share",
    F.CERTIFICATE: "Several services see certificates that are not valid: the authority or store that they share",
}
_TESTS: Final[dict[FaultKind, str]] = {
    F.BAD_DEPLOYMENT: "Roll {service} back: if the errors go on for five minutes after it, this is not the cause.",
    F.BAD_CONFIGURATION: "Compare the settings of {service} with those of before: equal settings refute it.",
    F.CONNECTION_POOL: "Count open and waiting connections of {service}: free ones during the trouble refute it.",
    F.CERTIFICATE: "Read the certificate that {service} presents: valid dates and a trusted chain refute it.",
    F.MEMORY_LEAK: "Look at the memory of {service} since its start: a flat line, and no kill for memory, refute it.",
    F.SLOW_DEPENDENCY: "Call {service} directly: an answer as fast as before the onset refutes it.",
    F.DISK_FULL: "Ask for the free space of {service}'s volumes: more than a tenth free refutes it.",
    F.TRAFFIC_SURGE: "Compare requests per minute at {service} with the hour before: the same number refutes it.",
    F.CLOCK_SKEW: "Compare the clock of {service} with a time server: less than a second apart refutes it.",
    F.DNS_FAILURE: "Resolve the names from the host of {service}: right answers, several times, refute it.",
    F.CPU_SATURATION: "Look at the processor time and throttling of {service}: time to spare refutes it.",
    F.CRASH_LOOP: "Count the restarts of {service}: none since before the onset refutes it.",
    F.OUTAGE: "Connect to {service} from where its callers run: an answer refutes it.",
    F.PERMISSION: "Repeat one refused call of {service} with its own credentials: a success refutes it.",
    F.SCHEDULING: "List the instances of {service}: all running and ready refutes it.",
    F.DATA: "Run the failing statement of {service} by hand, read-only: a success, and no waiting lock, refute it.",
    F.QUEUE_BACKLOG: "Read depth and age of the queue of {service}: both as before the onset refutes it.",
    F.UNKNOWN: "Take {service} out of a request's path, or call it directly: a right answer refutes it.",
}
UNKNOWN_SENTENCE: Final = "Something else that the evidence does not show"
UNKNOWN_TEST: Final = "More evidence that makes one of the others likely."


def sentence(one: Candidate) -> str:
    """What a candidate says, in one sentence: `Deployment 4.2.0 of checkout at 14:02: checkout fails because ...`."""
    if one.service is None:
        return _SHARED.get(one.fault, UNKNOWN_SENTENCE)
    said = _SENTENCES[one.fault].format(service=one.service)
    if one.made is None:
        return said
    return f"{_upper(describe(one.made.change))} brought it about: {_lower(said, one.service)}"


def refuting_test(one: Candidate) -> str:
    """What would show that a candidate is wrong."""
    if one.service is None and one.fault is F.UNKNOWN:
        return UNKNOWN_TEST
    return _TESTS[one.fault].format(service=one.service or "each of them")


def describe(change: Change) -> str:
    """A change in a few words: `deployment 4.2.0 of checkout at 14:02`, `configuration CHG-7 of checkout at 14:02`."""
    is_release = change.version and change.kind == "deployment"
    version = f" {change.version}" if is_release else f" {change.change_id}"
    of = f" of {change.service}" if change.service else ""
    return f"{change.kind.replace('_', ' ')}{version}{of} at {change.at:%H:%M}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str, service: str) -> str:
    return text if text.startswith(service) else text[:1].lower() + text[1:]
