"""Rows of `kubectl get`, read by the names of their columns."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

import re

from domain.troubleshooting.evidence import Sign
from integrations.evidence.kubernetes.names import age, workload_of
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where

_BRANCH = re.compile(r"^[^\w]{1,20}")
"""What draws a tree in front of a name."""


def read_by_heading(line: str, heading: list[str], where: Where, gathered: Gathered, number: int) -> bool:
    """Read a row of a table by the names of its columns; tells whether it was one."""
    cells = [cell for cell in re.split(r"\t+| {2,}", line.strip()[:2_000]) if cell]
    if len(cells) < 2 or len(cells) > len(heading) + 1:
        return False
    row = dict(zip(heading, cells, strict=False))
    kind, _, bare = _BRANCH.sub("", row.get("NAME", "")).rpartition("/")
    name = _BRANCH.sub("", bare)
    namespace = row.get("NAMESPACE") or where.namespace
    told = _told(row, name, kind, heading)
    if told is not None:
        sign, cause, text, strength, about = told
        workload = workload_of(name, "job" if "COMPLETIONS" in heading else kind or "deployment")
        gathered.add(
            Symptom(
                sign,
                cause,
                text,
                strength,
                workload,
                namespace,
                about,
                ago=age(row.get("AGE", "")) if cause == "pending" else None,
                line=number,
            )
        )
    return True


def _told(  # noqa: PLR0911 - one per kind of table
    row: dict[str, str], name: str, kind: str, heading: list[str]
) -> tuple[Sign, str, str, float, str | None] | None:
    share = re.match(r"(\d{1,6})/(\d{1,6})$", row.get("READY", ""))
    if share is not None and ("UP-TO-DATE" in heading or ("STATUS" not in heading and "AGE" in heading)):
        ready, wanted = int(share[1]), int(share[2])
        if ready < wanted:
            return (
                Sign.SCHEDULING,
                "unavailable",
                f"{{who}} has {ready} of {wanted} pods ready.",
                0.7 if not ready else 0.5,
                None,
            )
    if "COMPLETIONS" in heading and row.get("STATUS") == "Failed":
        return Sign.CRASH, "job", "The job {who} failed.", 0.75, None
    if "VOLUME" in heading and row.get("STATUS") in ("Pending", "Lost"):
        return (
            Sign.SCHEDULING,
            "volume",
            f"The volume claim {name} is {row['STATUS']}: no volume fits, or its storage class is missing.",
            0.7,
            None,
        )
    if "ENDPOINTS" in heading and row.get("ENDPOINTS") == "<none>":
        return (
            Sign.UNREACHABLE,
            "endpoints",
            f"The service {name} has no pods behind it: its selector matches none, or none is ready.",
            0.75,
            None,
        )
    if "EXTERNAL-IP" in heading and "TYPE" in heading and row.get("EXTERNAL-IP") == "<pending>":
        return Sign.SCHEDULING, "address", f"The load balancer of the service {name} has no address yet.", 0.5, None
    if "REFERENCE" in heading:
        return _autoscaler(row)
    if "SECRET" in heading and row.get("READY") == "False":
        return (
            Sign.CERTIFICATE,
            "certificate",
            f"The certificate {name} is not ready: cert-manager could not issue or renew it; look at its request and challenge.",
            0.75,
            None,
        )
    if "CPU%" in heading:
        full = [
            word
            for word, column in (("CPU", "CPU%"), ("memory", "MEMORY%"))
            if row.get(column, "0%").rstrip("%").isdigit() and int(row[column].rstrip("%")) >= 90
        ]
        if full:
            return (
                (Sign.MEMORY if "memory" in full else Sign.CPU),
                "node",
                f"The node {name} has hardly any {' and '.join(full)} left.",
                0.65,
                None,
            )
    if "POD-SELECTOR" in heading and re.search(r"(?i)deny|default-deny|isolate", name):
        return (
            Sign.DNS,
            "policy",
            f"The network policy {name} holds back traffic; where it holds back what goes out, names do not resolve unless DNS is let through.",
            0.55,
            name,
        )
    if "READY" in heading and "STATUS" in heading and row.get("STATUS") in ("Error", "CrashLoopBackOff") and kind:
        return Sign.CRASH, "failed", "{who} ended with an error; its log tells why.", 0.55, None
    return None


def _autoscaler(row: dict[str, str]) -> tuple[Sign, str, str, float, str | None] | None:
    if "<unknown>" in row.get("TARGETS", ""):
        return (
            Sign.CONFIGURATION,
            "autoscaler",
            "{who} cannot be scaled by its use: its metrics are unknown; check the metrics server and that the pods request CPU and memory.",
            0.65,
            None,
        )
    if row.get("REPLICAS") and row.get("REPLICAS") == row.get("MAXPODS"):
        use = re.search(r"(\d{1,6})%/(\d{1,6})%", row.get("TARGETS", ""))
        if use is not None and int(use[1]) > int(use[2]):
            return (
                Sign.TRAFFIC,
                "autoscaler",
                f"{{who}} runs at its most ({row['MAXPODS']} pods) and is still above its target ({use[0]}).",
                0.65,
                None,
            )
    return None
