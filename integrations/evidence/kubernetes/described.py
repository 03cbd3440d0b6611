"""The text of `kubectl describe`: one object after the other, a line at a time."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

import re
from datetime import datetime

from domain.troubleshooting.evidence import Sign
from integrations.evidence.kubernetes.messages import of_exit, understood
from integrations.evidence.kubernetes.names import workload_of
from integrations.evidence.kubernetes.rows import asking_for, read_described_event
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where
from integrations.evidence.moments import moment

_FIELD = re.compile(r"^(\s{0,20})([A-Z][\w .()/-]{0,60}?):\s*(.{0,2000})$")
_CONDITION = re.compile(r"^\s{1,6}(\w{3,40})\s{2,}(True|False|Unknown)(?:\s{2,}(.{0,1500}))?$")
_STATUSES = re.compile(r"(\d{1,6}) (Failed)")
_TINY_CPU = re.compile(r"^(\d{1,5})m$")


class Described:
    """The object that is being described, from its `Name:` to the next."""

    def __init__(self, name: str, gathered: Gathered, line: int) -> None:
        self._gathered = gathered
        self._name = name
        self._line = line
        self._namespace: str | None = None
        self._workload = workload_of(name)
        self._kind = "pod"
        self._selector: str | None = None
        self._image: str | None = None
        self._container: str | None = None
        self._last = False
        self._section = ""
        self._reason = ""
        self._finished: datetime | None = None
        self._code: int | None = None
        self._ended: str | None = None
        self._restarts = 0
        self._waiting: set[str] = set()

    @property
    def where(self) -> Where:
        """Whose lines these are."""
        return Where(self._namespace, self._workload, self._name, self._selector)

    def read(self, line: str, number: int) -> bool:
        """Take one line; tells whether it belongs to the description."""
        if read_described_event(line, self.where, self._gathered, number):
            return True
        condition = _CONDITION.match(line)
        if condition is not None:
            self._condition(condition, number)
            return True
        field = _FIELD.match(line)
        if field is not None:
            self._field(len(field[1]), field[2], field[3].strip(), number)
            return True
        return line[:1] in (" ", "\t") or not line.strip()

    def _field(self, indent: int, key: str, value: str, number: int) -> None:
        if indent == 0:
            self._section = key
            self._head(key, value, number)
        elif key in ("State", "Last State"):
            self._last, self._reason = key == "Last State", ""
            if value == "Terminated":
                self._reason = "Terminated"
        elif key == "Reason" and self._section in ("Containers", "Init Containers", "Status"):
            self._waits(value, number)
        elif key == "Exit Code" and value.isdigit() and int(value) < 256:
            self._code = int(value)
        elif key in ("Finished", "Started"):
            at = moment(value)
            if at is not None:
                self._gathered.moments.append(at)
                self._finished = at if key == "Finished" else self._finished
        elif key == "Restart Count" and value.isdigit():
            self._restarts = max(self._restarts, int(value[:9]))
        elif key == "Image":
            self._image = value
        elif key == "cpu" and (tiny := _TINY_CPU.match(value)) and int(tiny[1]) <= 50:
            text = f"{{who}} may use only {value} of CPU, so it is throttled as soon as it has something to do; raise its CPU limit."
            self._add(Sign.CPU, "throttled", text, 0.5, number)
        elif key == "Message" and value:
            self._message(value, number)
        elif key in ("RenewTime", "AcquireTime") and (at := moment(value)) is not None:
            self._gathered.moments.append(at)

    def _head(self, key: str, value: str, number: int) -> None:
        if key == "Namespace":
            self._namespace = value or None
        elif key == "Controlled By" and "/" in value:
            kind, _, owner = value.partition("/")
            self._workload = workload_of(owner.strip(), kind)
        elif key in ("Roles", "Taints", "Unschedulable"):
            self._kind, self._workload = "node", self._name
        elif key == "Node-Selectors" and value not in ("", "<none>"):
            self._selector = value
            self._gathered.symptoms[:] = [
                one
                if one.cause != "placing" or one.pod != self._name or "selector" not in one.text or value in one.text
                else _with_selector(one, value)
                for one in self._gathered.symptoms
            ]
        elif key == "Pods Statuses":
            self._kind, self._workload = "job", workload_of(self._name, "job")
            failed = _STATUSES.search(value)
            if failed is not None and int(failed[1]):
                self._add(
                    Sign.CRASH,
                    "job",
                    f"The job {{who}} failed to complete: {failed[1]} of its pods failed; their logs tell why.",
                    0.75,
                    number,
                )
        elif key == "Endpoints" and value in ("<none>", ""):
            self._add(
                Sign.UNREACHABLE,
                "endpoints",
                f"The service {self._name} has no pods behind it: its selector matches none, or none is ready.",
                0.8,
                number,
            )
        elif key in ("Status", "Message", "Reason") and value:
            self._message(value, number)
        elif key == "Start Time" and (at := moment(value)) is not None:
            self._gathered.moments.append(at)
        self._gathered.objects.add(self._workload)

    def _waits(self, reason: str, number: int) -> None:
        if reason in ("Error", "OOMKilled", "ContainerCannotRun", "StartError", "Completed") or self._reason:
            self._ended = reason
            if reason == "OOMKilled":
                self._add(
                    Sign.MEMORY,
                    "memory",
                    "{who} is killed for using more memory than its limit (OOMKilled); raise the limit or look for a leak.",
                    0.9,
                    number,
                )
            return
        self._waiting.add(reason)
        if reason in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName"):
            image = f" {self._image}" if self._image else ""
            self._add(
                Sign.SCHEDULING,
                "image",
                f"{{who}} cannot start: pulling the image{image} fails; check its name, tag and the registry's credentials.",
                0.85,
                number,
            )
        elif reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
            self._add(
                Sign.CONFIGURATION,
                "configuration",
                f"{{who}} cannot start ({reason}): a secret, configmap, key or command is missing or wrong.",
                0.75,
                number,
            )
        elif reason == "Evicted":
            self._add(Sign.MEMORY, "evicted", "{who} was evicted: its node ran short of memory or disk.", 0.6, number)

    def _message(self, value: str, number: int) -> None:
        meaning = understood(value)
        if meaning is not None and meaning.cause != "log":
            about = None if meaning.cause == "image" else meaning.about
            self._add(meaning.sign, meaning.cause, meaning.text, meaning.strength, number, about=about)

    def _condition(self, found: re.Match[str], number: int) -> None:
        name, value, rest = found[1], found[2], found[3] or ""
        for part in re.split(r"\s{2,}", rest):
            if len(part) > 20 and (at := moment(part)) is not None:
                self._gathered.moments.append(at)
        if name.endswith("Pressure") and value == "True":
            sign = {"DiskPressure": Sign.DISK, "MemoryPressure": Sign.MEMORY}.get(name, Sign.SCHEDULING)
            self._add(
                sign,
                "node",
                f"The node {self._name} reports {name}: it has too little left and evicts pods.",
                0.8,
                number,
            )
        elif name == "Ready" and value != "True" and self._kind == "node":
            self._add(Sign.CRASH, "node", f"The node {self._name} is not ready.", 0.8, number)
        elif name in ("Available", "Progressing") and value == "False":
            self._add(Sign.SCHEDULING, "unavailable", f"{{who}} is not available: {rest}", 0.6, number)

    def finish(self) -> None:
        """Conclude from what only the whole description tells."""
        if "CrashLoopBackOff" in self._waiting or (self._restarts >= 3 and self._ended in ("Error", "Completed")):
            why = f": {of_exit(self._code)} (exit code {self._code})" if self._code is not None else ""
            loop = " (CrashLoopBackOff)" if "CrashLoopBackOff" in self._waiting else ""
            text = f"{{who}} crashes again and again{loop}, {self._restarts} restarts{why}; its last lines tell more."
            strength = 0.8 if loop else 0.55
            self._gathered.add(
                Symptom(
                    Sign.CRASH,
                    "crash",
                    text,
                    strength,
                    self._workload,
                    self._namespace,
                    pod=self._name,
                    until=self._finished,
                    count=float(max(1, self._restarts)),
                    line=self._line,
                )
            )

    def _add(
        self, sign: Sign, cause: str, text: str, strength: float, number: int, *, about: str | None = None
    ) -> None:
        pod = self._name if self._kind == "pod" else None
        self._gathered.add(
            Symptom(sign, cause, text, strength, self._workload, self._namespace, about, pod, line=number)
        )


def _with_selector(symptom: Symptom, selector: str) -> Symptom:
    return Symptom(**{**vars(symptom), "text": asking_for(symptom.text, selector)})
