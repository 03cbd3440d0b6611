"""What tells one kind of evidence from another: keys, headings, columns and the beginnings of lines."""

from __future__ import annotations

import re

from domain.troubleshooting.evidence import EvidenceKind

MOST_LINES = 200
"""Of a text, that are looked at."""
_WIDEST = 60_000
"""Characters of a table that are looked at."""

_TRACE_KEYS = re.compile(
    r'"(?:resource_?spans|scope_?spans|instrumentation_?library_?spans|start_?time_?unix_?nano|localEndpoint'
    r'|operationName)"\s{0,9}:',
    re.IGNORECASE,
)
_LOG_RECORD_KEYS = re.compile(r'"(?:resource_?logs|log_?records)"\s{0,9}:', re.IGNORECASE)
_METRIC_KEYS = re.compile(r'"(?:resource_?metrics|resultType)"\s{0,9}:', re.IGNORECASE)
_MESSAGE_KEYS = re.compile(
    r'"(?:msg|message|log|level|severity|lvl|@timestamp|levelname|logger|body|event|error)"\s{0,9}:', re.IGNORECASE
)
_TIME_KEYS = re.compile(r'"(?:ts|t|time|timestamp|@timestamp|date|datetime|asctime)"\s{0,9}:', re.IGNORECASE)


def key_of(words: str) -> re.Pattern[str]:
    """A key of JSON or YAML, wherever it stands."""
    return re.compile(rf"""(?im)(?:^[ \t-]{{0,40}}|[{{,]\s{{0,200}})["']?(?:{words})["']?\s{{0,9}}:""")


_KUBERNETES_KEYS = (key_of("apiVersion"), key_of("kind"))
_TOPOLOGY_NODES = key_of("services|nodes|components")
_TOPOLOGY_EDGES = key_of(
    "calls|depends_?on|dependencies|edges|links|upstreams?|downstreams?|callers|callees|connections|uses"
)
_CHANGE_LISTS = key_of(
    "changes|deployments|deploys|releases|feature_?flags|flags|migrations|config(?:uration)?_?changes|rollouts"
)
_CHANGE_KEYS = key_of(
    "change_?id|deployment_?id|deployed_?at|deployed_?by|changed_?at|changed_?by|old_?value|new_?value"
    "|from_?version|to_?version|previous_?version|commit|change_?type|released_?at"
)
_CHANGE_KINDS = re.compile(
    r"""(?im)["']?(?:kind|type|category|event_?type)["']?\s{0,9}:\s{0,9}["']?"""
    r"(?:deploy(?:ment)?|configuration|config|config_change|feature_?flag|migration|scaling|infrastructure|secret"
    r"|release|rollback)\b"
)
_CHANGED_KEYS = key_of("version|new_?version|old_?version|to|from|before|after|old|new|ref|author|by|reverts")
_LEVEL_KEYS = key_of("level|severity|log_?level|levelname|lvl")
_AT_KEYS = key_of("at|time|timestamp|when|date|deployed_?at|changed_?at|released_?at|created_?at|finished_?at")


def of_a_standard(text: str, lines: list[str]) -> EvidenceKind | None:
    """OpenTelemetry, Jaeger, Zipkin, Prometheus: JSON by keys that only they have."""
    if not _in_json(text):
        return None
    if _TRACE_KEYS.search(text):
        return EvidenceKind.TRACES
    if _LOG_RECORD_KEYS.search(text):
        return EvidenceKind.LOGS
    return EvidenceKind.METRICS if _METRIC_KEYS.search(text) else None


_ARROW = re.compile(r"(?m)^[ \t]*-[ \t]+[\"']?[\w./@-]{1,100}[ \t]*->[ \t]*[\w./@-]{1,100}")


def structured(text: str, lines: list[str]) -> EvidenceKind | None:
    """JSON, JSON lines and YAML, by their keys: the head need not parse, since it may be cut."""
    if not _in_json(text) and not _is_yaml(lines):
        return None
    edges = len(_TOPOLOGY_EDGES.findall(text))
    changed = _CHANGE_LISTS.search(text) is not None and _AT_KEYS.search(text) is not None
    told = (
        (all(key.search(text) for key in _KUBERNETES_KEYS), EvidenceKind.KUBERNETES),
        (_is_changes(text), EvidenceKind.CHANGES),
        (edges > 0 and _TOPOLOGY_NODES.search(text) is not None, EvidenceKind.TOPOLOGY),
        (changed, EvidenceKind.CHANGES),
        (_in_json(text) and are_messages(lines), EvidenceKind.LOGS),
        (edges > 1 or (edges > 0 and _ARROW.search(text) is not None), EvidenceKind.TOPOLOGY),
    )
    return next((kind for holds, kind in told if holds), None)


def _in_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _is_changes(text: str) -> bool:
    if _AT_KEYS.search(text) is None:
        return False
    named = _CHANGE_KINDS.search(text) is not None
    if named and _CHANGED_KEYS.search(text) is not None and not _LEVEL_KEYS.search(text):
        return True  # a record of a change may well have a message; a line of a log has a level
    return (named or _CHANGE_KEYS.search(text) is not None) and not _MESSAGE_KEYS.search(text)


def are_messages(lines: list[str]) -> bool:
    """JSON lines, or a list of records, that say something at a time."""
    first = "".join(lines[:20])
    return _MESSAGE_KEYS.search(first) is not None and _TIME_KEYS.search(first) is not None


_YAML_LINE = re.compile(
    r"(?:---|\.\.\.|#.*|[ \t]*-|[ \t]*(?:-[ \t]+)*[\"']?[\w./@ -]{1,100}[\"']?[ \t]*:(?:[ \t].*)?)\Z"
)
_YAML_MORE = re.compile(r"[ \t]*-[ \t]|[ \t]{2,}|[}\]]")


def _is_yaml(lines: list[str]) -> bool:
    """Keys and lists and nothing else. The last line may be cut."""
    return all(_YAML_LINE.match(line) or _YAML_MORE.match(line) for line in lines[:-1])


_TABLE = re.compile(r"(?:NAMESPACE|NAME|LAST SEEN|LASTSEEN|CURRENT|FIRST SEEN|COUNT)(?: {2,}|\t)[A-Z]")
_TABLE_WORDS = re.compile(
    r"\b(?:AGE|READY|RESTARTS|CLUSTER-IP|CPU\(cores\)|MEMORY\(bytes\)|REASON|TARGETS|CAPACITY|STATUS|ROLES|COMPLETIONS"
    r"|SCHEDULE|HOSTS|CLUSTER|DATA|ENDPOINTS|DESIRED|PROVISIONER|STORAGECLASS|VALUE|CREATED AT)(?=\s|\Z)"
)
_DESCRIBE = re.compile(
    r"(?:Namespace|Labels|Annotations|Selector|Containers|Node|Node-Selectors|Tolerations|Conditions|Events"
    r"|Controlled By|QoS Class|Replicas|StrategyType|Roles|Capacity|Allocatable|Start Time|Pod Template|Status|IP"
    r"|Volumes|Priority)"
    r":(?:\s|\Z)"
)
_KUBECTL_SAYS = re.compile(
    r"No resources found\b|Error from server(?: \(\w{1,60}\))?:|error: the server doesn't have a resource type"
    r"|Unable to connect to the server:"
)
_EVENT_LINE = re.compile(r"\d{1,4}[smhd]\S{0,40} +(?:Normal|Warning) +[A-Z]\w{1,60} +\w{1,60}/")


_ROW = re.compile(r"(?:\S{1,100} +){1,2}\d{1,4}/\d{1,4} {2,}[A-Z]\w{2,40}\S{0,40} +\d")
"""A row of `kubectl get pods --no-headers`."""


def kubectl(text: str, lines: list[str]) -> EvidenceKind | None:
    """Tables, `describe`, events, and what kubectl says when there is nothing."""
    first = lines[:12]
    table = any(_TABLE.match(line) and _TABLE_WORDS.search(line) for line in first)
    described = sum(_DESCRIBE.match(line) is not None for line in lines) >= 3
    named = any(line.startswith("Name:") for line in first)
    spoken = any(pattern.match(line) for line in first for pattern in (_KUBECTL_SAYS, _EVENT_LINE, _ROW))
    if table or (described and named) or spoken:
        return EvidenceKind.KUBERNETES
    return None


_TIME_COLUMN = re.compile(
    r"(?:ts|t|time|timestamp|date|datetime|at|_time|time_?stamp|epoch|unix|minute|interval)(?:[_ (].*)?\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?\Z|(?:nan|null|none|n/a|inf|-)\Z", re.IGNORECASE)
_LONG_FORM = {"value", "val", "metric", "metric_name", "series"}
_SAYING_COLUMNS = {"message", "msg", "level", "severity", "log", "text", "line"}
_CHANGE_COLUMNS = {
    *("version", "before", "after", "old", "new", "from", "to", "changed_by", "deployed_by", "author", "category"),
    *("change_id", "change_type", "component", "previous", "ticket", "approved_by", "by", "deployed_at"),
    *("new_version", "old_version", "previous_version", "from_version", "to_version", "new_value", "old_value"),
}
_EXPOSITION = re.compile(r"# (?:HELP|TYPE) [a-zA-Z_:]")


def table_of_numbers(text: str, lines: list[str]) -> EvidenceKind | None:
    """CSV with a time column and numbers, or what a Prometheus exporter says."""
    if any(_EXPOSITION.match(line) for line in lines[:5]):
        return EvidenceKind.METRICS
    # A wide table has a column for each metric of each service: its rows are not cut as lines are.
    rows = [line for line in text[:_WIDEST].splitlines()[:MOST_LINES] if line.strip() and not line.startswith("#")]
    if len(rows) < 2:
        return None
    separator = next((mark for mark in (",", ";", "\t") if rows[0].count(mark) >= 1), None)
    if separator is None:
        return None
    header, values = (_cells(row, separator) for row in rows[:2])
    if not any(_TIME_COLUMN.match(cell) for cell in header) or len(values) != len(header):
        return None
    return _kind_of_table([cell.lower().replace(" ", "_") for cell in header], values)


def _kind_of_table(header: list[str], values: list[str]) -> EvidenceKind | None:
    """By the names of the columns first: a message or a version says more than a number beside it."""
    named = set(header)
    if len(_CHANGE_COLUMNS & named) >= 2:
        return EvidenceKind.CHANGES
    if _SAYING_COLUMNS & named:
        return EvidenceKind.LOGS
    numbers = sum(_NUMBER.match(cell) is not None or not cell for cell in values)
    return EvidenceKind.METRICS if _LONG_FORM & named or numbers >= (len(header) - 1) / 2 else None


def _cells(row: str, separator: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in row.split(separator)]


_STAMPED = re.compile(
    r"\W{0,3}(?:(?:ts|t|time|timestamp)=\"?)?(?:"
    r"\d{4}[-/.]\d\d[-/.]\d\d[T _:]?\s?\d\d:\d\d|"  # ISO 8601 and its relatives
    r"\d\d?[-/. ](?:\d\d?|[A-Z][a-z]{2})[-/. ]\d{2,4}[ :T,]{1,2}\d\d:\d\d|"  # 21/Nov/2026:15:04
    r"(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d|"  # syslog: Nov 21 15:04:25
    r"[IWEF]\d{4} \d\d:\d\d:\d\d\.|"  # klog
    r"[DIWEFA], \[\d{4}-\d\d-\d\dT|"  # Ruby's logger
    r"\d{10}(?:\d{3})?(?:\.\d{1,9})?[\]\s|,]|"  # seconds or milliseconds since 1970
    r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?[\]\s|]|"
    r"<\d{1,3}>\d? ?)"
)
_LEVELLED = re.compile(
    r"\W{0,3}(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|CRIT(?:ICAL)?|FATAL|SEVERE|PANIC)\b[\]\s:|-]"
    r"|(?:\w{1,40}=\S{1,200} ){0,6}(?:level|lvl|severity)=\w"
)
_ACCESS = re.compile(r"\S{1,100} \S{1,60} \S{1,60} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d")
_CONTAINER = re.compile(r"[\w.-]{1,100}\s{0,20}\| \S")
_TRACEBACK = re.compile(
    r"\s+at |\s+File \"|\s{0,8}Caused by: |Traceback \(most|goroutine \d|panic: |Exception in thread|\t"
)


_FAILED = re.compile(
    r"[\w.$]{0,100}(?:Exception|Error)(?:: |\Z)|\S{1,100}: (?:\w{1,40} ){0,3}(?:error|info|warning|fatal): "
)
"""What a program without a logger says when it ends."""


def logged(text: str, lines: list[str]) -> EvidenceKind | None:
    """Lines that begin with a time or a level, some of them with what a stack trace leaves between."""
    if not lines:
        return None
    said = sum(is_logged(line) for line in lines)
    between = sum(_TRACEBACK.match(line) is not None for line in lines)
    failed = sum(_FAILED.match(line) is not None for line in lines)
    if said + failed and (said + failed + between) * 2 >= len(lines):
        return EvidenceKind.LOGS
    return EvidenceKind.LOGS if said >= 10 and said * 5 >= len(lines) else None


def is_logged(line: str) -> bool:
    """Whether a line says when it was written, or how bad it is, as those of logs do."""
    if any(pattern.match(line) for pattern in (_STAMPED, _LEVELLED, _ACCESS)):
        return True
    if line.startswith("{") and _MESSAGE_KEYS.search(line) is not None:
        return True
    container = _CONTAINER.match(line)  # `docker compose logs` puts the service in front
    return container is not None and any(
        pattern.match(line[container.end() - 1 :]) for pattern in (_STAMPED, _LEVELLED, _ACCESS)
    )
