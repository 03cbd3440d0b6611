"""Rows of kubectl's tables: with their headings, or alone as grep leaves them."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

import re
from datetime import timedelta

from domain.troubleshooting.evidence import Sign
from integrations.evidence.kubernetes.messages import understood
from integrations.evidence.kubernetes.names import age, workload_of
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where
from integrations.evidence.kubernetes.tables import read_by_heading

_SPAN = r"(?:\d{1,6}[ydhms]){1,4}"
_POD = re.compile(
    rf"^(?:([\w.-]{{1,250}})\s+)?([\w.-]{{1,250}})\s+(\d{{1,4}})/(\d{{1,4}})\s+([A-Z][\w:/.-]{{2,60}})\s+(\d{{1,7}})"
    rf"(?: \(({_SPAN}) ago\))?\s+({_SPAN}|<unknown>|<invalid>)(?:\s|$)"
)
_NODE = re.compile(rf"^([\w.-]{{1,250}})\s+((?:Not)?Ready|Unknown)(,SchedulingDisabled)?\s+\S{{1,200}}\s+{_SPAN}\s+v\d")
_EVENT = re.compile(
    rf"^(?:([\w.-]{{1,250}})\s+)?({_SPAN}|<unknown>)(?: \(x(\d{{1,7}}) over ({_SPAN})\))?\s+(Normal|Warning)\s+(\w{{1,80}})"
    r"\s+([A-Za-z.]{1,60})/([\w.:-]{1,250})\s+(.{0,4000})$"
)
_DESCRIBED_EVENT = re.compile(
    rf"^\s+(Normal|Warning)\s+(\w{{1,80}})\s+({_SPAN}|<unknown>)(?: \(x(\d{{1,7}}) over ({_SPAN})\))?\s+(\S{{1,120}}(?: \S{{1,120}}){{0,3}}?)\s{{2,}}(.{{0,4000}})$"
)
_HEADING = re.compile(r"^(?:NAMESPACE|NAME|LAST SEEN|REVISION)\s{2,}[A-Z]")
_RECENT = timedelta(hours=3)


def is_heading(line: str) -> bool:
    """Whether a line is the heading of a table."""
    return _HEADING.match(line) is not None


def read_row(line: str, heading: list[str], where: Where, gathered: Gathered, number: int) -> bool:
    """Read one row; tells whether it was one."""
    event = _EVENT.match(line)
    if event is not None:
        seen, count, over, kind = age(event[2]), float(event[3] or 1), age(event[4] or ""), event[7]
        add_event(
            gathered,
            warning=event[5] == "Warning",
            reason=event[6],
            message=event[9],
            kind=kind,
            name=event[8],
            where=Where(event[1] or where.namespace),
            ago=over or seen,
            count=count,
            line=number,
        )
        return True
    pod = _POD.match(line)
    if pod is not None and "COMPLETIONS" not in heading and "UP-TO-DATE" not in heading:
        _pod(pod, where, gathered, number)
        return True
    node = _NODE.match(line)
    if node is not None:
        _node(node[1], node[2], node[3], gathered, number)
        return True
    if heading:
        return read_by_heading(line, heading, where, gathered, number)
    return False


def read_described_event(line: str, where: Where, gathered: Gathered, number: int) -> bool:
    """An event below `Events:` of `kubectl describe`; tells whether it was one."""
    found = _DESCRIBED_EVENT.match(line)
    if found is None:
        return False
    add_event(
        gathered,
        warning=found[1] == "Warning",
        reason=found[2],
        message=found[7],
        kind="pod",
        name=where.pod or "",
        where=where,
        ago=age(found[5] or found[3]),
        count=float(found[4] or 1),
        line=number,
    )
    return True


def add_event(
    gathered: Gathered,
    *,
    warning: bool,
    reason: str,
    message: str,
    kind: str,
    name: str,
    where: Where,
    ago: timedelta | None = None,
    count: float = 1,
    line: int = 0,
) -> None:
    """What an event says; those that are no warnings say nothing."""
    workload = workload_of(name, kind) if name else where.workload
    if where.workload and where.pod == name:
        workload = where.workload
    if not warning and reason not in ("BackOff", "Killing", "Preempted"):
        return
    plain = message.replace('\\"', '"')
    meaning = understood(plain) or understood(f"{reason}: {plain}")
    if meaning is None:
        if not warning or reason in ("Failed", "FailedSync", "BackOff"):
            return
        text, sign, cause, strength, about = f"{{who}}: {reason}: {plain}", Sign.SCHEDULING, reason, 0.45, None
    else:
        text, sign, cause, strength, about = meaning.text, meaning.sign, meaning.cause, meaning.strength, meaning.about
    if cause == "placing" and where.selector and "selector" in text:
        text = asking_for(text, where.selector)
    if cause == "image":
        about = None
    if reason == "Evicted":
        text = f"{{who}} was evicted. {text}"
    gathered.add(
        Symptom(
            sign, cause, text, strength, workload, where.namespace, about, name or None, ago=ago, count=count, line=line
        )
    )


def asking_for(text: str, selector: str) -> str:
    """What cannot be placed, with the labels that it asks for."""
    return text.replace("affinity asks for;", f"affinity asks for ({selector});", 1)


def _pod(found: re.Match[str], where: Where, gathered: Gathered, number: int) -> None:
    namespace, name, status = found[1] or where.namespace, found[2], found[5]
    ready, wanted, restarts = int(found[3]), int(found[4]), int(found[6])
    gathered.pods[(namespace or "", name)] = status
    workload = workload_of(name)
    gathered.objects.add(workload)
    last, old = age(found[7] or ""), age(found[8])
    told = _status(status, restarts, last)
    if told is None and status == "Running" and ready < wanted:
        told = (
            Sign.SCHEDULING,
            "unready",
            f"{{who}} runs but is not ready ({ready} of {wanted} containers), so it gets no traffic; look at its readiness probe and its log.",
            0.55,
        )
    if told is None and status == "Running" and restarts >= 3 and last is not None and last <= _RECENT:
        told = (
            Sign.CRASH,
            "restarts",
            f"{{who}} was restarted {restarts} times, last {found[7]} before this was printed.",
            0.35,
        )
    if told is None:
        return
    sign, cause, text, strength = told
    ago = old if status in ("Pending", "ContainerCreating", "ImagePullBackOff", "ErrImagePull") else None
    gathered.add(
        Symptom(
            sign,
            cause,
            text,
            strength,
            workload,
            namespace,
            pod=name,
            ago=ago,
            count=float(max(1, restarts)),
            line=number,
        )
    )


def _status(status: str, restarts: int, last: timedelta | None) -> tuple[Sign, str, str, float] | None:  # noqa: PLR0911 - one per status
    bare = status.removeprefix("Init:")
    first = "an init container of " if status != bare else ""
    often = f" ({restarts} restarts)" if restarts else ""
    if bare == "CrashLoopBackOff":
        return (
            Sign.CRASH,
            "crash",
            f"{first}{{who}} crashes again and again{often} (CrashLoopBackOff); its last lines tell why.",
            0.75,
        )
    if bare in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"):
        return (
            Sign.SCHEDULING,
            "image",
            f"{first}{{who}} cannot start: its image cannot be pulled ({bare}); check its name, tag and the pull secret.",
            0.8,
        )
    if bare == "OOMKilled":
        return (
            Sign.MEMORY,
            "memory",
            f"{first}{{who}} was killed for using more memory than its limit{often}; raise the limit or look for a leak.",
            0.85,
        )
    if bare in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"):
        return (
            Sign.CONFIGURATION,
            "configuration",
            f"{first}{{who}} cannot start ({bare}): a secret, configmap, key or command that it refers to is missing or wrong.",
            0.8,
        )
    if bare == "Pending":
        return (
            Sign.SCHEDULING,
            "pending",
            "{who} waits to be placed on a node (Pending); its events tell what is missing.",
            0.55,
        )
    if bare == "Evicted":
        return Sign.MEMORY, "evicted", "{who} was evicted: its node ran short of memory or disk.", 0.6
    if bare in ("Error", "Failed", "ContainerStatusUnknown", "ContainerCannotRun", "DeadlineExceeded"):
        return Sign.CRASH, "failed", f"{first}{{who}} ended with an error{often}; its log tells why.", 0.6
    if bare == "Unknown":
        return Sign.CRASH, "node", "{who}: its node does not answer, so its state is unknown.", 0.6
    if re.match(r"\d+/\d+$", bare) and first and last is None:
        return Sign.SCHEDULING, "unready", "{who} waits for an init container to end.", 0.4
    return None


def _node(name: str, status: str, unschedulable: str | None, gathered: Gathered, number: int) -> None:
    gathered.objects.add(name)
    if status != "Ready":
        text = f"The node {name} is not ready: what runs there is moved away or hangs; look at its kubelet, memory and disk."
        gathered.add(Symptom(Sign.CRASH, "node", text, 0.8, name, line=number))
    elif unschedulable:
        text = f"The node {name} takes no new pods (SchedulingDisabled): it was cordoned."
        gathered.add(Symptom(Sign.SCHEDULING, "cordoned", text, 0.35, name, line=number))
