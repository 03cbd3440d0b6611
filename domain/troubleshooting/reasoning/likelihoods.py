"""What each fault shows of itself, at its callers and elsewhere, and what changes tend to bring which fault about.

The figures are nats (ln of a likelihood ratio against "something else is wrong") for a symptom that is beyond doubt.
They are engineering judgement, kept coarse on purpose: what must hold is their order. A symptom that only one fault
makes (a certificate that expired, a full disk) weighs more than any number of symptoms that every fault makes.
"""

from __future__ import annotations

from typing import Final

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind

F = FaultKind
S = Sign

BASE_RATES: Final[dict[FaultKind, float]] = {
    F.BAD_DEPLOYMENT: 0.12,
    F.BAD_CONFIGURATION: 0.09,
    F.SLOW_DEPENDENCY: 0.09,
    F.OUTAGE: 0.07,
    F.CONNECTION_POOL: 0.07,
    F.MEMORY_LEAK: 0.06,
    F.TRAFFIC_SURGE: 0.06,
    F.DATA: 0.06,
    F.CPU_SATURATION: 0.05,
    F.CRASH_LOOP: 0.05,
    F.CERTIFICATE: 0.05,
    F.DISK_FULL: 0.05,
    F.PERMISSION: 0.05,
    F.SCHEDULING: 0.05,
    F.QUEUE_BACKLOG: 0.04,
    F.DNS_FAILURE: 0.04,
    F.CLOCK_SKEW: 0.03,
    F.UNKNOWN: 0.04,
}
"""How often each is the cause of an incident. Public post-mortems agree that changes lead."""

DEFINING: Final[dict[FaultKind, Sign]] = {
    F.BAD_CONFIGURATION: S.CONFIGURATION,
    F.CONNECTION_POOL: S.POOL_EXHAUSTED,
    F.CERTIFICATE: S.CERTIFICATE,
    F.MEMORY_LEAK: S.MEMORY,
    F.DISK_FULL: S.DISK,
    F.TRAFFIC_SURGE: S.TRAFFIC,
    F.CLOCK_SKEW: S.CLOCK,
    F.DNS_FAILURE: S.DNS,
    F.CPU_SATURATION: S.CPU,
    F.CRASH_LOOP: S.CRASH,
    F.PERMISSION: S.PERMISSION,
    F.SCHEDULING: S.SCHEDULING,
    F.DATA: S.DATA,
    F.QUEUE_BACKLOG: S.QUEUE,
}
"""The symptom without which nobody should speak of the fault (a wrong setting may also show by its change alone)."""

SPECIFIC: Final = frozenset(DEFINING.values()) - {S.TRAFFIC, S.QUEUE}
"""Symptoms that one fault makes, and that trouble elsewhere does not bring about."""

OWN: Final[dict[FaultKind, dict[Sign, float]]] = {
    F.BAD_DEPLOYMENT: {
        S.NEW_ERROR: 2.4, S.ERRORS: 1.6, S.LATENCY: 1.4, S.CRASH: 1.6, S.CPU: 1.2, S.DATA: 2.2, S.CONFIGURATION: 1.0,
        S.MEMORY: -1.0, S.POOL_EXHAUSTED: -0.5, S.SCHEDULING: 0.8, S.UNREACHABLE: 0.8, S.PERMISSION: 0.6, S.QUEUE: 0.6,
        S.TIMEOUT: 0.5, S.DISK: -2.0, S.CERTIFICATE: -2.0, S.CLOCK: -2.0, S.DNS: -1.0, S.TRAFFIC: -1.0,
    },
    F.BAD_CONFIGURATION: {
        S.CONFIGURATION: 3.6, S.NEW_ERROR: 1.8, S.ERRORS: 1.4, S.PERMISSION: 1.2, S.LATENCY: 1.2, S.CRASH: 1.2,
        S.POOL_EXHAUSTED: 1.0, S.TIMEOUT: 1.2, S.UNREACHABLE: 1.0, S.THROTTLED: 1.2, S.DNS: 0.6, S.CPU: 0.6,
        S.QUEUE: 0.6, S.MEMORY: 0.3, S.DATA: 1.2, S.DISK: -2.0, S.CERTIFICATE: -1.0, S.CLOCK: -2.0, S.TRAFFIC: -1.5,
    },
    F.CONNECTION_POOL: {
        S.POOL_EXHAUSTED: 4.2, S.TIMEOUT: 0.8, S.LATENCY: 1.0, S.ERRORS: 0.8, S.NEW_ERROR: 0.8, S.QUEUE: 0.5,
        S.TRAFFIC: -1.0,
    },
    F.CERTIFICATE: {S.CERTIFICATE: 5.2, S.UNREACHABLE: 0.8, S.NEW_ERROR: 0.8, S.ERRORS: 0.8, S.CRASH: 0.8},
    F.MEMORY_LEAK: {
        S.MEMORY: 3.8, S.CRASH: 1.6, S.LATENCY: 1.0, S.ERRORS: 0.7, S.NEW_ERROR: 0.7, S.CPU: 0.7, S.UNREACHABLE: 0.6,
        S.SCHEDULING: 0.3,
    },
    F.SLOW_DEPENDENCY: {
        S.LATENCY: 2.2, S.TIMEOUT: 0.8, S.QUEUE: 0.6, S.DATA: 0.5, S.CPU: 0.4, S.POOL_EXHAUSTED: 0.3, S.ERRORS: 0.4,
        S.THROTTLED: 0.4, S.DISK: -1.0, S.CERTIFICATE: -2.0, S.TRAFFIC: -2.0,
    },
    F.DISK_FULL: {
        S.DISK: 5.0, S.ERRORS: 0.8, S.NEW_ERROR: 0.8, S.CRASH: 0.8, S.DATA: 0.5, S.LATENCY: 0.5, S.UNREACHABLE: 0.4,
        S.SCHEDULING: 0.4,
    },
    F.TRAFFIC_SURGE: {
        S.TRAFFIC: 4.0, S.THROTTLED: 1.8, S.CPU: 1.0, S.LATENCY: 1.2, S.QUEUE: 1.0, S.POOL_EXHAUSTED: 0.8,
        S.ERRORS: 0.6, S.NEW_ERROR: 0.6, S.TIMEOUT: 0.4, S.MEMORY: 0.4,
    },
    F.CLOCK_SKEW: {S.CLOCK: 5.0, S.PERMISSION: 2.0, S.CERTIFICATE: 0.6, S.ERRORS: 0.7, S.NEW_ERROR: 0.7},
    F.DNS_FAILURE: {S.DNS: 4.6, S.UNREACHABLE: 0.8, S.TIMEOUT: 0.6, S.ERRORS: 0.7, S.NEW_ERROR: 0.7},
    F.CPU_SATURATION: {
        S.CPU: 3.6, S.LATENCY: 1.2, S.QUEUE: 0.6, S.THROTTLED: 0.5, S.TIMEOUT: 0.4, S.ERRORS: 0.5, S.TRAFFIC: -2.0,
    },
    F.CRASH_LOOP: {
        S.CRASH: 3.4, S.UNREACHABLE: 0.8, S.ERRORS: 0.7, S.NEW_ERROR: 0.8, S.SCHEDULING: 0.4,
        # What it says that it ends of is the fault, and the crashes are what follows.
        S.CERTIFICATE: -2.0, S.CONFIGURATION: -1.5, S.PERMISSION: -1.5, S.DISK: -1.5, S.MEMORY: -1.0,
    },
    F.OUTAGE: {
        S.UNREACHABLE: 1.4, S.CRASH: 0.8, S.ERRORS: 0.4, S.LATENCY: -0.3, S.TRAFFIC: -1.0, S.CERTIFICATE: -2.0,
        S.DISK: -1.0,
    },
    F.PERMISSION: {
        S.PERMISSION: 4.2, S.ERRORS: 0.8, S.NEW_ERROR: 0.8, S.CRASH: 0.8, S.CLOCK: -2.5, S.CERTIFICATE: -1.5,
    },
    F.SCHEDULING: {S.SCHEDULING: 4.4, S.CRASH: 0.5, S.UNREACHABLE: 0.5, S.ERRORS: 0.3, S.DISK: 0.3, S.CPU: 0.2},
    F.DATA: {S.DATA: 4.0, S.CRASH: 0.6, S.NEW_ERROR: 1.0, S.ERRORS: 0.8, S.LATENCY: 0.9, S.TIMEOUT: 0.4, S.QUEUE: 0.4},
    F.QUEUE_BACKLOG: {S.QUEUE: 4.2, S.LATENCY: 0.8, S.TIMEOUT: 0.3, S.ERRORS: 0.3, S.DISK: 0.2},
    F.UNKNOWN: {
        S.NEW_ERROR: 1.8, S.ERRORS: 1.6, S.LATENCY: 1.0, S.CRASH: 0.8, S.UNREACHABLE: 0.6, S.TIMEOUT: 0.5,
        S.CPU: 0.3, S.QUEUE: 0.4, S.MEMORY: 0.2, S.THROTTLED: 0.4,
    },
}  # fmt: skip
"""Fault of a service -> symptom of the same service -> nats."""

_FAILING: Final[dict[Sign, float]] = {
    S.TIMEOUT: 1.3, S.ERRORS: 1.3, S.UNREACHABLE: 1.2, S.LATENCY: 1.0, S.NEW_ERROR: 1.2, S.QUEUE: 0.5,
    S.THROTTLED: 0.4, S.CRASH: 0.4, S.POOL_EXHAUSTED: 0.4,
}  # fmt: skip

DEFECT: Final[dict[FaultKind, float]] = {F.BAD_DEPLOYMENT: 0.9, F.BAD_CONFIGURATION: -0.5}
"""Nats more where an error is one that only the service's own code makes: an unexpected null, a missing name."""

BLAMED: Final[dict[FaultKind, dict[Sign, float]]] = {
    F.BAD_DEPLOYMENT: {**_FAILING, S.ERRORS: 1.5, S.DATA: 1.0, S.PERMISSION: 0.6},
    F.BAD_CONFIGURATION: {**_FAILING, S.THROTTLED: 1.0, S.PERMISSION: 1.0, S.CONFIGURATION: 1.0, S.DNS: 0.4},
    F.CONNECTION_POOL: {**_FAILING, S.POOL_EXHAUSTED: 1.6},
    F.CERTIFICATE: {S.CERTIFICATE: 5.2, S.UNREACHABLE: 0.9, S.ERRORS: 0.8, S.NEW_ERROR: 0.8, S.TIMEOUT: 0.2},
    F.MEMORY_LEAK: {**_FAILING, S.UNREACHABLE: 1.4, S.MEMORY: 2.0},
    F.SLOW_DEPENDENCY: {
        S.TIMEOUT: 2.2, S.LATENCY: 2.2, S.POOL_EXHAUSTED: 1.0, S.QUEUE: 0.8, S.ERRORS: 0.8, S.NEW_ERROR: 0.8,
        S.THROTTLED: 0.8, S.CRASH: 0.3, S.UNREACHABLE: 0.2, S.CERTIFICATE: -1.0,
    },
    F.DISK_FULL: {**_FAILING, S.DISK: 3.6, S.DATA: 0.5},
    F.TRAFFIC_SURGE: {S.TRAFFIC: 2.4, S.THROTTLED: 1.6, S.TIMEOUT: 1.2, S.LATENCY: 1.1, S.ERRORS: 0.8},
    F.CLOCK_SKEW: {S.CLOCK: 4.6, S.PERMISSION: 2.2, S.ERRORS: 0.8, S.NEW_ERROR: 0.8},
    F.DNS_FAILURE: {S.DNS: 5.0, S.UNREACHABLE: 0.8, S.ERRORS: 0.8, S.TIMEOUT: 0.6, S.NEW_ERROR: 0.8},
    F.CPU_SATURATION: {**_FAILING, S.LATENCY: 1.4, S.TIMEOUT: 1.5, S.UNREACHABLE: 0.4, S.CPU: 1.5},
    F.CRASH_LOOP: {**_FAILING, S.UNREACHABLE: 2.0, S.CRASH: 1.5},
    F.OUTAGE: {
        S.UNREACHABLE: 2.6, S.ERRORS: 1.4, S.TIMEOUT: 1.3, S.NEW_ERROR: 1.0, S.LATENCY: 0.3, S.QUEUE: 0.6,
        S.CERTIFICATE: -1.0, S.DNS: 0.2,
    },
    F.PERMISSION: {S.PERMISSION: 3.4, S.ERRORS: 0.9, S.NEW_ERROR: 0.9},
    F.SCHEDULING: {**_FAILING, S.UNREACHABLE: 1.8, S.SCHEDULING: 2.0},
    F.DATA: {**_FAILING, S.DATA: 3.2, S.LATENCY: 1.2},
    F.QUEUE_BACKLOG: {S.QUEUE: 2.2, S.TIMEOUT: 0.8, S.LATENCY: 1.0, S.ERRORS: 0.4},
    F.UNKNOWN: {**_FAILING},
}  # fmt: skip
"""Fault of a service -> symptom of another that blames it -> nats."""

CASCADE: Final[dict[Sign, float]] = {
    S.ERRORS: 0.6, S.LATENCY: 0.6, S.TIMEOUT: 0.6, S.UNREACHABLE: 0.4, S.NEW_ERROR: 0.5, S.QUEUE: 0.4,
    S.POOL_EXHAUSTED: 0.4, S.THROTTLED: 0.3, S.CRASH: 0.2, S.CPU: 0.1, S.MEMORY: 0.1, S.TRAFFIC: 0.1,
}  # fmt: skip
"""Symptom of somebody who depends on the faulty service, blaming nobody or somebody between -> nats."""

UNDER_LOAD: Final[dict[Sign, float]] = {
    S.TRAFFIC: 1.2, S.THROTTLED: 1.0, S.CPU: 0.8, S.LATENCY: 0.7, S.QUEUE: 0.7, S.POOL_EXHAUSTED: 0.8,
    S.TIMEOUT: 0.6, S.ERRORS: 0.5, S.MEMORY: 0.4, S.UNREACHABLE: 0.2, S.NEW_ERROR: 0.3, S.CRASH: 0.2,
}  # fmt: skip
"""Symptom of somebody whom the faulty service calls, when it sends too much -> nats."""

SENDS_MORE: Final[dict[FaultKind, float]] = {F.TRAFFIC_SURGE: 1.0, F.BAD_DEPLOYMENT: 0.3, F.BAD_CONFIGURATION: 0.3}
"""Faults that burden those who are called, and how much of `UNDER_LOAD` they explain."""

CALLING: Final = frozenset(
    {S.TIMEOUT, S.UNREACHABLE, S.ERRORS, S.NEW_ERROR, S.LATENCY, S.QUEUE, S.THROTTLED}
)  # fmt: skip
"""Symptoms that, when they blame somebody, are hardly the fault of who shows them."""

OF_BLAMER: Final[dict[Sign, float]] = {
    **dict.fromkeys(CALLING, 0.15),
    S.CERTIFICATE: 0.35,
    S.CLOCK: 0.5,
    S.DNS: 0.6,
    S.DATA: 0.7,
    S.PERMISSION: 0.75,
    S.TRAFFIC: 0.6,
}
"""How much of `OWN` is left where the symptom blames another. Not listed: all of it (a pool is one's own)."""

SLOW_SIGNS: Final = frozenset({S.MEMORY, S.DISK, S.QUEUE, S.CERTIFICATE, S.CLOCK})
"""They build up or stand long before they hurt: early ones are no noise, and they make no onset on their own."""

CONSEQUENCES: Final[dict[Sign, float]] = {
    S.ERRORS: 0.45, S.LATENCY: 0.45, S.TIMEOUT: 0.4, S.NEW_ERROR: 0.6, S.QUEUE: 0.5, S.POOL_EXHAUSTED: 0.4,
    S.THROTTLED: 0.6, S.UNREACHABLE: 0.5,
}  # fmt: skip
"""How much of `OWN` is left for a service that waits for a sick one: its symptoms are explained by that one."""

CHANGE_FITS: Final[dict[FaultKind, dict[str, float]]] = {
    F.BAD_DEPLOYMENT: {"deployment": 1.0, "feature_flag": 0.1, "other": 0.3, "scaling": 0.05},
    F.BAD_CONFIGURATION: {
        "configuration": 1.0, "feature_flag": 1.0, "secret": 0.7, "infrastructure": 0.3, "scaling": 0.5, "other": 0.4,
        "deployment": 0.35,
    },
    F.CONNECTION_POOL: {
        "deployment": 0.8, "configuration": 1.0, "feature_flag": 0.6, "scaling": 0.4, "migration": 0.2, "other": 0.2,
    },
    F.CERTIFICATE: {"secret": 1.0, "infrastructure": 0.5, "configuration": 0.4, "deployment": 0.05, "other": 0.3},
    F.MEMORY_LEAK: {"deployment": 1.0, "configuration": 0.7, "feature_flag": 0.6, "scaling": 0.4, "other": 0.2},
    F.SLOW_DEPENDENCY: {
        "migration": 0.8, "infrastructure": 0.7, "configuration": 0.4, "scaling": 0.6, "deployment": 0.25, "other": 0.3,
    },
    F.DISK_FULL: {"configuration": 0.4, "deployment": 0.15, "infrastructure": 0.4, "migration": 0.3, "other": 0.1},
    F.TRAFFIC_SURGE: {"feature_flag": 0.7, "other": 0.15, "configuration": 0.2, "scaling": 0.1},
    F.CLOCK_SKEW: {"infrastructure": 0.7, "configuration": 0.3},
    F.DNS_FAILURE: {"infrastructure": 1.0, "configuration": 0.35, "secret": 0.05, "deployment": 0.05, "other": 0.3},
    F.CPU_SATURATION: {"deployment": 0.7, "feature_flag": 0.7, "configuration": 0.6, "scaling": 0.7, "migration": 0.3},
    F.CRASH_LOOP: {"deployment": 0.9, "configuration": 0.8, "secret": 0.6, "scaling": 0.3, "feature_flag": 0.6},
    F.OUTAGE: {"infrastructure": 0.9, "scaling": 0.5, "configuration": 0.4, "deployment": 0.4, "other": 0.2},
    F.PERMISSION: {"secret": 1.0, "configuration": 0.7, "infrastructure": 0.6, "deployment": 0.3, "other": 0.3},
    F.SCHEDULING: {"deployment": 0.8, "scaling": 1.0, "infrastructure": 0.9, "configuration": 0.7},
    F.DATA: {"migration": 1.0, "deployment": 0.2, "configuration": 0.05, "feature_flag": 0.3, "other": 0.2},
    F.QUEUE_BACKLOG: {"deployment": 0.5, "scaling": 0.8, "configuration": 0.6, "feature_flag": 0.4},
}  # fmt: skip
"""Fault -> kind of change -> how readily such a change brings it about; 0 where it is not listed."""

REACH_MINUTES: Final[dict[FaultKind, float]] = {
    F.MEMORY_LEAK: 150.0,
    F.DISK_FULL: 120.0,
    F.CERTIFICATE: 60.0,
    F.CONNECTION_POOL: 45.0,
    F.QUEUE_BACKLOG: 45.0,
}
"""How fast the suspicion of a change fades with the time to the onset; `REACH_OTHERWISE` for the others."""
REACH_OTHERWISE: Final = 18.0
