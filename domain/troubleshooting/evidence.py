"""Evidence: what a user uploaded, by reference, and what the tools found in it.

A finding is small, typed and says where it comes from. Hypotheses are judged by findings alone, so the reasoning is the
same whichever tool, file format or vendor they come from.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, Term, Value

MOST_FINDINGS = 60
"""A tool gives at most this many, the strongest first."""


class EvidenceKind(Term):
    """What a piece of evidence holds."""

    LOGS = "logs"
    """Plain lines, JSON lines or syslog; gzip too."""
    METRICS = "metrics"
    """CSV: a time column, then `service.metric` columns; or long form with time, service, metric, value."""
    CHANGES = "changes"
    """Deployments, configuration changes, feature flags: JSON or YAML records."""
    TOPOLOGY = "topology"
    """Services and who calls whom: YAML or JSON."""
    TRACES = "traces"
    """OpenTelemetry JSON."""
    KUBERNETES = "kubernetes"
    """Output of kubectl: tables, YAML, JSON, `describe`, events."""
    NOTES = "notes"
    """Anything else that is text."""


class EvidenceRef(Value):
    """An uploaded piece of evidence. Its content is in the evidence store and never in history."""

    reference: str
    """`sha256:...` of the content."""
    name: str
    """As the user named the file; for people, never a path that is opened."""
    kind: EvidenceKind
    size_bytes: int = Field(ge=0)
    service: str | None = None
    """Whose logs these are, where the lines do not say."""


class Sign(Term):
    """A symptom that findings report and hypotheses explain."""

    ERRORS = "errors"
    """More errors than before, of no particular kind."""
    NEW_ERROR = "new_error"
    """An error that was never seen before its onset."""
    LATENCY = "latency"
    """Slower than before."""
    TIMEOUT = "timeout"
    """A call to another service or a vendor took too long."""
    UNREACHABLE = "unreachable"
    """A connection was refused or reset."""
    POOL_EXHAUSTED = "pool_exhausted"
    """No free connection, or waiting for one."""
    CERTIFICATE = "certificate"
    """A certificate expired, is not yet valid or is not trusted."""
    MEMORY = "memory"
    """Memory grows or is used up; killed for it; long garbage collections."""
    DISK = "disk"
    """No space left, or a volume that fills."""
    CPU = "cpu"
    CONFIGURATION = "configuration"
    """A setting is missing or wrong."""
    TRAFFIC = "traffic"
    """More requests than before; throttled or queued for it."""
    CLOCK = "clock"
    """Clocks differ: tokens or records from the future or the past."""
    DNS = "dns"
    """A name does not resolve."""
    CRASH = "crash"
    """A process ended and was started again."""
    PERMISSION = "permission"
    """Access was denied."""
    SCHEDULING = "scheduling"
    """A workload cannot be placed or started: image, quota, node, volume, probe."""
    THROTTLED = "throttled"
    DATA = "data"
    """A record, schema or query does not fit: missing column, broken migration, lock, deadlock."""
    QUEUE = "queue"
    """Work piles up: lag or depth grows."""
    RESTORED = "restored"
    """It got better."""


class Finding(Value):
    """One thing that a tool found in a piece of evidence."""

    sign: Sign
    service: str | None = None
    """Who shows it."""
    about: str | None = None
    """Whom it blames: the service, host or resource that the line, span or metric names; None when nobody."""
    at: datetime | None = None
    """When it began, with a time zone."""
    until: datetime | None = None
    """When it was seen last."""
    strength: float = Field(ge=0, le=1)
    """How clear it is: 0.2 a hint, 0.5 plain, 0.9 beyond doubt."""
    text: str = Field(max_length=500)
    """For people: what, with numbers; without personal data or secrets."""
    numbers: dict[str, float] = Field(default_factory=dict)
    """Such as `count`, `before` and `after` (per minute), `ratio`, `first_line`, `value`, `threshold`."""
    source: str = ""
    """Tool and place: `logs.analyse api.log lines 10402-11890`."""
    metric: str = Field(default="", max_length=200)
    """Name of the metric that shows it, where one does."""
    query: str = Field(default="", max_length=500)
    """What a metrics server is asked to see that number again; empty where no server gave it."""


class Change(Value):
    """Something that somebody or something changed."""

    change_id: str
    """As the records name it, or a number made from its content."""
    at: datetime
    kind: str
    """`deployment`, `configuration`, `feature_flag`, `migration`, `scaling`, `infrastructure`, `secret`, or `other`."""
    service: str | None
    summary: str = Field(max_length=500)
    version: str | None = None
    before: str | None = None
    """The version or value before, to go back to."""
    author: str | None = None
    """An id or a role; never an address."""


class Findings(Value):
    """What a tool gives."""

    findings: tuple[Finding, ...] = ()
    denied: tuple[Finding, ...] = ()
    """Symptoms that were looked for and are not there: each speaks against what would show it."""
    changes: tuple[Change, ...] = ()
    services: tuple[str, ...] = ()
    """Every service that the evidence names."""
    calls: tuple[tuple[str, str], ...] = ()
    """Who calls whom, caller first, where the evidence shows it."""
    begins: datetime | None = None
    ends: datetime | None = None
    """What time the evidence covers."""
    summary: str = ""
    """One or two sentences for people."""
    left_out: int = 0
    """Weaker findings that were dropped."""
    facts: tuple[str, ...] = ()
    """What the evidence says plainly without being trouble: a count, a quiet log, an empty answer; for people."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """More for people, such as templates with their counts; the reasoning does not look at it."""
