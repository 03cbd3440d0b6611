"""What metrics measure and the words they are known by.

A name belongs to the first row of the table where it has a word of every group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.troubleshooting.evidence import Sign


@dataclass(frozen=True)
class Meaning:
    """How to judge a metric."""

    sign: Sign
    words: str
    """For people: "error rate"."""
    down: bool = False
    """Less is worse."""
    share: bool = False
    """A part of a whole, as 0 to 1 or as percent."""
    limit: float | None = None
    """Bad by itself from here on; a share between 0 and 1."""
    floor: float = 0.0
    """A change smaller than this means nothing; a share between 0 and 1."""
    ratio: float = 1.4
    """How many times as much is a change worth a word."""
    grows: bool = False
    """Steady growth is a symptom too."""
    counted: bool = False
    """Exporters count it, so a series that only grows is turned into a rate."""
    blames: bool = False
    """Words before the measure name another service: `payments_latency`."""
    weight: float = 1.0
    """How much the sign can be relied on."""


_SHARES = "ratio rate percent pct percentage share fraction utilisation utilization usage used util"
_TIMES = "latency duration seconds ms millis milliseconds p50 p90 p95 p99 p999 rt time elapsed"
_ERRORS = Meaning(Sign.ERRORS, "error rate", ratio=2, floor=0.005, counted=True, blames=True)
_ERROR_SHARE = replace(_ERRORS, share=True, limit=0.05, floor=0.01)
_LATENCY = Meaning(Sign.LATENCY, "latency", ratio=1.5, blames=True)
_MEMORY = Meaning(Sign.MEMORY, "memory", ratio=1.3, grows=True)
_CPU = Meaning(Sign.CPU, "CPU", ratio=1.5, floor=0.15)
_DISK = Meaning(Sign.DISK, "disk use", ratio=1.15, grows=True)
_POOL = Meaning(Sign.POOL_EXHAUSTED, "connections in use", ratio=1.5, floor=2, grows=True)
_IN_USE = replace(_POOL, weight=0.45)
"""A count without its limit: whoever is slow holds more connections at a time, too."""
_QUEUE = Meaning(Sign.QUEUE, "queue", ratio=2, floor=10, grows=True)
_TRAFFIC = Meaning(Sign.TRAFFIC, "requests", ratio=1.6, counted=True, weight=0.9)


TABLE: tuple[tuple[tuple[str, ...], Meaning], ...] = (
    (
        (
            "cert certificate tls ssl x509",
            "days expiry expires expiration left valid remaining",
        ),
        Meaning(Sign.CERTIFICATE, "days until the certificate expires", down=True, limit=0, floor=1000000000.0),
    ),
    (
        (
            "handshake x509 tls ssl certificate",
            "error errors failures failed",
        ),
        Meaning(Sign.CERTIFICATE, "TLS errors", floor=0.01, ratio=2, counted=True),
    ),
    (
        (
            "dns nxdomain resolver coredns",
            _TIMES + " error errors failures failed nxdomain servfail timeouts",
        ),
        Meaning(Sign.DNS, "DNS failures or delay", floor=0.01, ratio=2, counted=True),
    ),
    (
        (
            "clock ntp chrony timex",
            "offset skew drift error seconds ms deviation",
        ),
        Meaning(Sign.CLOCK, "clock offset", limit=1, floor=0.5, ratio=3),
    ),
    (("clockskew",), Meaning(Sign.CLOCK, "clock offset", limit=1, floor=0.5, ratio=3)),
    (("oom oomkill oomkilled oomkills",), Meaning(Sign.MEMORY, "kills for lack of memory", ratio=2, counted=True)),
    (
        (
            "gc garbage",
            _TIMES + " pause pauses collections count overhead",
        ),
        Meaning(Sign.MEMORY, "garbage collection", ratio=2, counted=True, weight=0.7),
    ),
    (("restart restarts crashes crash crashloop",), Meaning(Sign.CRASH, "restarts", ratio=2, counted=True)),
    (("up healthy alive reachable",), Meaning(Sign.UNREACHABLE, "reachability", down=True, floor=0.3, ratio=1.1)),
    (
        (
            "ready available",
            "replicas endpoints instances pods",
        ),
        Meaning(Sign.UNREACHABLE, "ready replicas", down=True, floor=0.5, ratio=1.3),
    ),
    (
        ("success availability successful",),
        replace(_ERROR_SHARE, words="success rate", down=True, limit=0.95, ratio=1.0, counted=False, blames=False),
    ),
    (
        (
            "throttled throttling throttle",
            "cpu cfs periods",
        ),
        replace(_CPU, words="CPU throttling", floor=0.05, counted=True),
    ),
    (
        ("throttled throttling throttle ratelimited 429",),
        Meaning(Sign.THROTTLED, "throttled requests", ratio=2, counted=True),
    ),
    (
        (
            "rate",
            "limited limit limiting",
        ),
        Meaning(Sign.THROTTLED, "throttled requests", ratio=2, counted=True),
    ),
    (
        ("401 403 denied forbidden unauthorized unauthorised unauthenticated",),
        Meaning(Sign.PERMISSION, "denied requests", floor=0.01, ratio=2, counted=True),
    ),
    (
        (
            "auth login token",
            "error errors failures failed",
        ),
        Meaning(Sign.PERMISSION, "failed logins", floor=0.01, ratio=2, counted=True, weight=0.7),
    ),
    (("deadlock deadlocks locks lock slowqueries",), Meaning(Sign.DATA, "locks", ratio=2, counted=True)),
    (
        (
            "slow",
            "queries query",
        ),
        Meaning(Sign.DATA, "slow queries", ratio=2, counted=True),
    ),
    (
        (
            "replication replica",
            "lag delay",
        ),
        Meaning(Sign.DATA, "replication lag", floor=1, ratio=3, grows=True),
    ),
    (
        ("refused reset resets unreachable connectfailures",),
        Meaning(Sign.UNREACHABLE, "refused connections", ratio=2, counted=True, blames=True),
    ),
    (
        ("timeout timeouts timedout",),
        Meaning(Sign.TIMEOUT, "timeouts", floor=0.005, ratio=2, counted=True, blames=True),
    ),
    (
        (
            "pool connections connection conns conn hikaricp pgbouncer",
            "waiting pending wait waiters queued acquire exhausted",
        ),
        replace(_POOL, words="waiting for a connection", floor=0.5, ratio=2),
    ),
    (
        (
            "pool connections connection conns hikaricp pgbouncer",
            "idle free available",
        ),
        replace(_POOL, words="free connections", down=True, floor=1, grows=False),
    ),
    (
        (
            "pool connections connection conns hikaricp pgbouncer",
            _SHARES,
        ),
        replace(_POOL, words="pool use", share=True, limit=0.95, floor=0.2),
    ),
    (
        (
            "pool connections conns hikaricp pgbouncer threads",
            "active use used open busy current inuse connected",
        ),
        _IN_USE,
    ),
    (
        (
            "db database postgres mysql",
            "connections",
        ),
        _IN_USE,
    ),
    (
        (
            "disk volume filesystem fs storage pvc partition inode inodes",
            "free avail available left remaining",
        ),
        replace(_DISK, words="free disk space", down=True, share=True, limit=0.08),
    ),
    (
        (
            "disk volume filesystem fs storage partition",
            "latency await iops io wait read write duration",
        ),
        replace(_LATENCY, words="disk latency", blames=False, weight=0.7),
    ),
    (
        (
            "disk volume filesystem fs storage pvc partition inode inodes",
            _SHARES,
        ),
        replace(_DISK, share=True, limit=0.9, floor=0.05),
    ),
    (("disk volume filesystem fs storage pvc partition",), _DISK),
    (
        (
            "queue lag backlog unacked queued",
            _TIMES,
        ),
        replace(_QUEUE, words="queue delay", floor=1),
    ),
    (("queue lag backlog unacked queued deadletter dlq",), _QUEUE),
    (
        (
            "memory mem heap ram",
            "free available avail",
        ),
        replace(_MEMORY, words="free memory", down=True, share=True, limit=0.05),
    ),
    (
        (
            "memory mem heap rss ram",
            _SHARES,
        ),
        replace(_MEMORY, share=True, limit=0.92, floor=0.08),
    ),
    (("memory mem heap rss workingset ram",), _MEMORY),
    (
        (
            "working",
            "set",
        ),
        _MEMORY,
    ),
    (
        (
            "cpu processor",
            _SHARES,
        ),
        replace(_CPU, share=True, limit=0.9),
    ),
    (("cpu processor",), replace(_CPU, share=True, limit=0.9, floor=0.0, counted=True)),
    (("load load1 load5",), replace(_CPU, words="load", floor=1.0, ratio=2)),
    (
        (
            "error errors err 5xx failure failures failed exceptions faults 500 503",
            "ratio rate percent pct percentage share fraction",
        ),
        _ERROR_SHARE,
    ),
    (("error errors err 5xx failure failures failed exceptions faults 500 502 503 504",), _ERRORS),
    (("latency duration delay",), _LATENCY),
    (
        (
            "response request query processing call",
            "time seconds ms millis milliseconds p95 p99 p50",
        ),
        _LATENCY,
    ),
    (("p50 p90 p95 p99 p999 rt ttfb elapsed",), _LATENCY),
    (("requests request rps qps rpm tps traffic throughput hits calls",), _TRAFFIC),
)

_DESCRIBING = (
    "http https grpc api rest server client service svc app avg mean max min sum total count per second minute s m h"
    " bytes mb gb kb rate rates value current to from outbound inbound upstream downstream external internal dependency"
    " call calls in out of num number code status quantile le bucket histogram gauge process container pod node jvm"
    " page endpoint route user order job jobs task tasks login read write web"
)
MEASURES = frozenset(_DESCRIBING.split()).union(*(group.split() for groups, _ in TABLE for group in groups))
"""Words that measure or describe, and so name no service."""
