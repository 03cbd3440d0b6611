"""Objects as `kubectl get -o yaml` and `-o json` print them."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.troubleshooting.evidence import Sign
from integrations.evidence.kubernetes.messages import of_exit, understood
from integrations.evidence.kubernetes.names import workload_of
from integrations.evidence.kubernetes.rows import add_event
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where
from integrations.evidence.moments import moment

_MOST_RESTARTS = 10**7


def is_object(value: Any) -> bool:
    """Whether a value is an object of Kubernetes or a list of some."""
    return (
        isinstance(value, dict) and isinstance(value.get("kind"), str) and ("apiVersion" in value or "items" in value)
    )


def read_object(value: Mapping[str, Any], gathered: Gathered) -> None:
    """Take what is wrong with an object, or with each of a list."""
    items = value.get("items")
    if isinstance(items, list):
        for one in items[:20_000]:
            if isinstance(one, dict):
                read_object({"kind": value["kind"].removesuffix("List") or "Pod", **one}, gathered)
        return
    _Object(value, gathered).read()


def _map(value: Any, *path: str) -> Mapping[str, Any]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _each(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (value if isinstance(value, list) else [])[:1_000] if isinstance(one, dict))


def _number(value: Any) -> int:
    try:
        return max(0, min(int(str(value)[:12]), _MOST_RESTARTS))
    except ValueError:
        return 0


class _Object:
    def __init__(self, value: Mapping[str, Any], gathered: Gathered) -> None:
        self._value = value
        self._gathered = gathered
        self._kind = str(value["kind"])[:60]
        metadata = _map(value, "metadata")
        self._name = str(metadata.get("name", ""))[:250]
        namespace = metadata.get("namespace")
        self._namespace = str(namespace)[:250] if namespace else None
        owner = next(_each(metadata.get("ownerReferences")), None)
        if owner is not None and owner.get("name"):
            self._workload = workload_of(str(owner["name"])[:250], str(owner.get("kind", "")))
        else:
            self._workload = workload_of(self._name, self._kind)
        self._labels = {str(key): str(one) for key, one in _map(metadata, "labels").items()}

    def read(self) -> None:
        kind = self._kind.lower()
        if kind != "event" and self._workload:
            self._gathered.objects.add(self._workload)
        reader = {
            "pod": self._pod,
            "event": self._event,
            "node": self._node,
            "service": self._service,
            "endpoints": self._endpoints,
            "networkpolicy": self._policy,
            "persistentvolumeclaim": self._claim,
        }.get(kind, self._conditions)
        reader()

    def _add(
        self,
        sign: Sign,
        cause: str,
        text: str,
        strength: float,
        *,
        at: Any = None,
        about: str | None = None,
        count: int = 1,
    ) -> None:
        when = moment(at)
        if when is not None:
            self._gathered.moments.append(when)
        pod = self._name if self._kind == "Pod" else None
        self._gathered.add(
            Symptom(
                sign,
                cause,
                text,
                strength,
                self._workload or None,
                self._namespace,
                about,
                pod,
                when,
                count=float(count),
            )
        )

    def _pod(self) -> None:
        status = _map(self._value, "status")
        phase = str(status.get("phase", "Unknown"))
        self._gathered.pods[(self._namespace or "", self._name)] = str(status.get("reason") or phase)
        self._gathered.labels.append(self._labels)
        for word in ("containerStatuses", "initContainerStatuses"):
            for one in _each(status.get(word)):
                self._container(one, "an init container of " if word.startswith("init") else "")
        for condition in _each(status.get("conditions")):
            if condition.get("type") == "PodScheduled" and condition.get("status") in ("False", False):
                self._message(
                    str(condition.get("message") or "Pending"), condition.get("lastTransitionTime"), "pending"
                )
        if status.get("reason") == "Evicted":
            self._message(str(status.get("message") or "Evicted"), status.get("startTime"), "evicted")
        selector = ", ".join(f"{key}={one}" for key, one in list(_map(self._value, "spec", "nodeSelector").items())[:5])
        if selector:
            places = self._gathered.symptoms
            for at, symptom in enumerate(places):
                if symptom.pod == self._name and symptom.cause == "placing" and "selector" in symptom.text:
                    places[at] = Symptom(**{**vars(symptom), "text": f"{symptom.text} It asks for {selector}."})
        for container in _each(_map(self._value, "spec").get("containers")):
            limit = str(_map(container, "resources", "limits").get("cpu", ""))
            if limit.endswith("m") and limit[:-1].isdigit() and int(limit[:-1][:6]) <= 50:
                self._add(
                    Sign.CPU,
                    "throttled",
                    f"{{who}} may use only {limit} of CPU, so it is throttled as soon as it has something to do; raise its CPU limit.",
                    0.5,
                )

    def _container(self, one: Mapping[str, Any], first: str) -> None:
        restarts = _number(one.get("restartCount", 0))
        image = str(one.get("image", ""))[:250]
        for place in ("state", "lastState"):
            ended = _map(one, place, "terminated")
            if ended.get("reason") == "OOMKilled":
                self._add(
                    Sign.MEMORY,
                    "memory",
                    f"{first}{{who}} is killed for using more memory than its limit (OOMKilled), {restarts} restarts; raise the limit or look for a leak.",
                    0.9,
                    at=ended.get("finishedAt"),
                    count=max(1, restarts),
                )
        waiting = _map(one, "state", "waiting")
        reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        last = _map(one, "lastState", "terminated")
        if reason == "CrashLoopBackOff":
            code = _number(last["exitCode"]) if "exitCode" in last else None
            why = f": {of_exit(code)} (exit code {code})" if code is not None else ""
            self._add(
                Sign.CRASH,
                "crash",
                f"{first}{{who}} crashes again and again (CrashLoopBackOff), {restarts} restarts{why}; its last lines tell more.",
                0.8,
                at=last.get("finishedAt"),
                count=max(1, restarts),
            )
            if last.get("message"):
                self._message(str(last["message"]), last.get("finishedAt"), "log")
        elif reason in ("ImagePullBackOff", "ErrImagePull"):
            self._add(
                Sign.SCHEDULING,
                "image",
                f"{first}{{who}} cannot start: pulling the image {image} fails ({reason}); check its name, tag and the registry's credentials. {message[:200]}",
                0.88,
            )
        elif reason and reason not in ("ContainerCreating", "PodInitializing"):
            self._message(f"{reason}: {message}", None, "configuration")
        ended = _map(one, "state", "terminated")
        code = _number(ended.get("exitCode", 0))
        if code and ended.get("reason") != "OOMKilled":
            self._add(
                Sign.CRASH,
                "failed",
                f"{first}{{who}} failed: {of_exit(code)} (exit code {code}).",
                0.65,
                at=ended.get("finishedAt"),
            )

    def _message(self, message: str, at: Any, cause: str) -> None:
        meaning = understood(message)
        if meaning is None:
            self._add(
                Sign.SCHEDULING if cause == "pending" else Sign.CONFIGURATION,
                cause,
                f"{{who}}: {message[:300]}",
                0.6,
                at=at,
            )
            return
        about = None if meaning.cause == "image" else meaning.about
        self._add(meaning.sign, meaning.cause, meaning.text, meaning.strength, at=at, about=about)

    def _event(self) -> None:
        value = self._value
        involved = _map(value, "involvedObject") or _map(value, "regarding")
        at = moment(value.get("firstTimestamp") or value.get("eventTime") or value.get("deprecatedFirstTimestamp"))
        before = len(self._gathered.symptoms)
        add_event(
            self._gathered,
            warning=value.get("type") == "Warning",
            reason=str(value.get("reason", ""))[:80],
            message=str(value.get("message") or value.get("note") or "")[:4_000],
            kind=str(involved.get("kind", "Pod")),
            name=str(involved.get("name", ""))[:250],
            where=Where(str(involved.get("namespace") or "") or self._namespace),
            count=float(max(1, _number(value.get("count", 1)))),
        )
        for place in range(before, len(self._gathered.symptoms)):
            symptom = self._gathered.symptoms[place]
            last = moment(value.get("lastTimestamp"))
            self._gathered.symptoms[place] = Symptom(**{**vars(symptom), "at": at, "until": last})

    def _node(self) -> None:
        for condition in _each(_map(self._value, "status").get("conditions")):
            name, bad = str(condition.get("type", "")), condition.get("status")
            at = condition.get("lastTransitionTime")
            if name == "Ready" and str(bad) not in ("True", "true"):
                self._add(
                    Sign.CRASH,
                    "node",
                    f"The node {self._name} is not ready: {str(condition.get('message', ''))[:200]}",
                    0.8,
                    at=at,
                )
            elif name.endswith("Pressure") and str(bad) in ("True", "true"):
                sign = {"DiskPressure": Sign.DISK, "MemoryPressure": Sign.MEMORY}.get(name, Sign.SCHEDULING)
                self._add(
                    sign,
                    "node",
                    f"The node {self._name} reports {name}: it has too little left and evicts pods.",
                    0.8,
                    at=at,
                )

    def _service(self) -> None:
        selector = {str(key): str(one) for key, one in _map(self._value, "spec", "selector").items()}
        if selector:
            self._gathered.selectors[self._name] = selector

    def _endpoints(self) -> None:
        if not any(list(_each(one.get("addresses"))) for one in _each(self._value.get("subsets"))):
            self._add(
                Sign.UNREACHABLE,
                "endpoints",
                f"The service {self._name} has no pods behind it: its selector matches none, or none is ready.",
                0.8,
            )

    def _policy(self) -> None:
        spec = _map(self._value, "spec")
        if "Egress" in (spec.get("policyTypes") or ()) and not spec.get("egress"):
            self._add(
                Sign.DNS,
                "policy",
                f"The network policy {self._name} lets nothing out, DNS included: names do not resolve and no call gets through; let port 53 to CoreDNS through, and what is needed.",
                0.8,
                about=self._name,
            )

    def _claim(self) -> None:
        phase = _map(self._value, "status").get("phase")
        if phase in ("Pending", "Lost"):
            self._add(
                Sign.SCHEDULING,
                "volume",
                f"The volume claim {self._name} is {phase}: no volume fits, or its storage class is missing.",
                0.7,
            )

    def _conditions(self) -> None:
        spec, status = _map(self._value, "spec"), _map(self._value, "status")
        if "replicas" in spec and self._kind in ("Deployment", "StatefulSet", "ReplicaSet"):
            wanted, ready = (
                _number(spec["replicas"]),
                _number(status.get("readyReplicas") or status.get("availableReplicas") or 0),
            )
            if ready < wanted:
                self._add(
                    Sign.SCHEDULING,
                    "unavailable",
                    f"{{who}} has {ready} of {wanted} pods ready.",
                    0.7 if not ready else 0.5,
                )
        for condition in _each(status.get("conditions")):
            kind, value = str(condition.get("type", "")), str(condition.get("status"))
            words = f"{condition.get('reason', '')}: {str(condition.get('message', ''))[:300]}"
            at = condition.get("lastTransitionTime")
            if self._kind == "Certificate" and kind == "Ready" and value.lower() == "false":
                self._add(
                    Sign.CERTIFICATE, "certificate", f"The certificate {self._name} is not ready: {words}", 0.8, at=at
                )
            elif kind == "Failed" and value.lower() == "true":
                self._message(words, at, "job")
            elif kind in ("Progressing", "ScalingActive", "ReplicaFailure") and value.lower() == (
                "true" if kind == "ReplicaFailure" else "false"
            ):
                self._message(words, at, "unavailable")
