"""What helps against which fault, in the order in which it is proposed, and what people do by hand.

Sources: the usual mitigations of on-call practice (undo the change, add capacity, restart), by how little they risk.
"""

from __future__ import annotations

from domain.model import Term
from domain.troubleshooting.hypotheses import FaultKind


class Remedy(Term):
    """A kind of fix."""

    ROLL_BACK = "roll_back"
    CONFIGURATION = "configuration"
    """Put the configuration before back in force."""
    SCALE = "scale"
    RESTART = "restart"
    MANUAL = "manual"


PLAYBOOKS: dict[Remedy, tuple[str, ...]] = {
    Remedy.ROLL_BACK: ("roll-back-deployment",),
    Remedy.CONFIGURATION: ("configuration-rollback",),
    Remedy.SCALE: ("scale-out", "scale-service"),
    Remedy.RESTART: ("service-restart", "restart-service"),
}
"""Names under which the library may have it, the preferred first."""

UNDOES: dict[str, Remedy] = {"deployment": Remedy.ROLL_BACK, "configuration": Remedy.CONFIGURATION}
"""Kind of change -> what takes it back."""

MITIGATIONS: dict[FaultKind, tuple[Remedy, ...]] = {
    FaultKind.BAD_DEPLOYMENT: (Remedy.RESTART,),
    FaultKind.BAD_CONFIGURATION: (),
    FaultKind.CONNECTION_POOL: (Remedy.RESTART,),
    FaultKind.CERTIFICATE: (),
    FaultKind.MEMORY_LEAK: (Remedy.RESTART, Remedy.SCALE),
    FaultKind.SLOW_DEPENDENCY: (),
    FaultKind.DISK_FULL: (),
    FaultKind.TRAFFIC_SURGE: (Remedy.SCALE,),
    FaultKind.CLOCK_SKEW: (),
    FaultKind.DNS_FAILURE: (),
    FaultKind.CPU_SATURATION: (Remedy.SCALE, Remedy.RESTART),
    FaultKind.CRASH_LOOP: (Remedy.RESTART,),
    FaultKind.OUTAGE: (Remedy.RESTART,),
    FaultKind.PERMISSION: (),
    FaultKind.SCHEDULING: (),
    FaultKind.DATA: (),
    FaultKind.QUEUE_BACKLOG: (Remedy.SCALE, Remedy.RESTART),
}
"""What may help beside taking the change back. A fault that is not here has no known fix."""

WATCH_MINUTES: dict[FaultKind, int] = {
    FaultKind.MEMORY_LEAK: 120,
    FaultKind.DISK_FULL: 120,
    FaultKind.TRAFFIC_SURGE: 60,
    FaultKind.QUEUE_BACKLOG: 60,
    FaultKind.CONNECTION_POOL: 60,
    FaultKind.CERTIFICATE: 15,
    FaultKind.DNS_FAILURE: 15,
    FaultKind.OUTAGE: 15,
}
"""How long an outcome is watched: what builds up slowly comes back slowly."""
USUAL_WATCH_MINUTES = 30

RISKS: dict[Remedy, str] = {
    Remedy.ROLL_BACK: "What the newer version brought is gone again; data that it wrote in a new form may not be read.",
    Remedy.CONFIGURATION: "Every setting goes back to the version before, not only the one that is suspected.",
    Remedy.SCALE: "It costs more, and puts more load on databases and other services behind it.",
    Remedy.RESTART: "Requests under way end or are repeated; the trouble may come back, for its cause stays.",
    Remedy.MANUAL: "People do it by hand, so nothing is taken back by itself.",
}
UNDOS: dict[Remedy, str] = {
    Remedy.ROLL_BACK: "The version that runs now is put back.",
    Remedy.CONFIGURATION: "The configuration that is in force now is put back.",
    Remedy.SCALE: "The number of replicas of now is set again.",
    Remedy.RESTART: "Nothing is to be undone: version and configuration stay the same.",
    Remedy.MANUAL: "Write down what you change, and take it back yourself if it does not help.",
}

STEPS: dict[FaultKind, tuple[str, ...]] = {
    FaultKind.BAD_DEPLOYMENT: (
        "Bring back the version of {service} that ran before{version}.",
        "Stop further roll-outs of it until the fault is understood.",
    ),
    FaultKind.BAD_CONFIGURATION: (
        "Compare the configuration of {service} with the one that was in force before{change}.",
        "Put the earlier values back, and restart {service} if it reads them at its start only.",
    ),
    FaultKind.CONNECTION_POOL: (
        "Look which calls of {service} hold connections: long queries, open transactions, missing time-outs.",
        "End what hangs, then restart {service} or raise the limit of its pool, if the server has room for it.",
    ),
    FaultKind.CERTIFICATE: (
        "Look at the certificate that {service} shows or trusts: until when, for which names, by whom.",
        "Issue a new one, put it in place, and have {service} load it.",
        "Set up an alarm for 30 days before it ends.",
    ),
    FaultKind.MEMORY_LEAK: (
        "Take a heap dump of one instance of {service} before anything else, for it is lost afterwards.",
        "Restart the instances of {service} one after the other.",
    ),
    FaultKind.SLOW_DEPENDENCY: (
        "Ask whoever runs {service}, and look at its status page.",
        "Shorten the time-out of those who call it, and let them answer without it where that is possible.",
    ),
    FaultKind.DISK_FULL: (
        "Find what fills the volume of {service}: logs, temporary files, old backups.",
        "Move it away or enlarge the volume; delete only what is known to be safe.",
        "Restart what stopped writing.",
    ),
    FaultKind.TRAFFIC_SURGE: (
        "Find where the requests to {service} come from, and whether they are wanted.",
        "Add replicas, or limit the rate of those who send too many.",
    ),
    FaultKind.CLOCK_SKEW: (
        "Compare the clocks of the hosts of {service} with each other.",
        "Start time synchronisation again where it stopped, and restart what holds old times.",
    ),
    FaultKind.DNS_FAILURE: (
        "Resolve the names that {service} calls, from its own hosts.",
        "Correct the record or the resolver; wait for the time to live, or clear caches.",
    ),
    FaultKind.CPU_SATURATION: (
        "Find what uses the processors of {service}: a profile of one instance.",
        "Add replicas, or take away the load that is not needed.",
    ),
    FaultKind.CRASH_LOOP: (
        "Read the last lines that {service} wrote before it ended, and its exit code.",
        "Give it what it misses, or bring back the version before.",
    ),
    FaultKind.OUTAGE: (
        "Look whether {service} runs at all, and whether its hosts can be reached.",
        "Start it again, and read the first lines that it writes.",
    ),
    FaultKind.PERMISSION: (
        "Look which right {service} was denied, and since when.",
        "Give back the right, the role or the credential that it had before{change}.",
    ),
    FaultKind.SCHEDULING: (
        "Read the events of the workloads of {service}: image, quota, node, volume, probe.",
        "Give what is missing, or lower what they ask for.",
    ),
    FaultKind.DATA: (
        "Stop what writes to the data in question, if it makes the harm grow.",
        "Find the statement, the lock or the migration at {service}, and end or correct it; take a backup first.",
    ),
    FaultKind.QUEUE_BACKLOG: (
        "Look whether the consumers of {service} run, and what each message takes them.",
        "Add consumers; set aside messages that fail again and again.",
    ),
    FaultKind.UNKNOWN: (
        "Look at the first error after the onset, and at what changed shortly before.",
        "Ask whoever knows the affected services.",
    ),
}
"""By hand; `{service}`, `{version}` and `{change}` are filled in."""


def watch_minutes(fault: FaultKind) -> int:
    """How long the outcome of a fix for a fault is watched."""
    return WATCH_MINUTES.get(fault, USUAL_WATCH_MINUTES)


def by_hand(
    fault: FaultKind, service: str | None, *, version: str | None = None, change: str | None = None
) -> tuple[str, ...]:
    """What people do, in order.

    Args:
        fault: what is wrong.
        service: with whom; None when nobody knows.
        version: to go back to.
        change: id of the change that brought it about.
    """
    filled = {
        "service": service or "the service",
        "version": f" ({version})" if version else "",
        "change": f" {change}" if change else "",
    }
    return tuple(_filled(step, filled) for step in STEPS.get(fault, STEPS[FaultKind.UNKNOWN]))


def _filled(step: str, values: dict[str, str]) -> str:
    # One pass over the template: braces in a service's name are text and never a further field.
    return step.format_map(values)
