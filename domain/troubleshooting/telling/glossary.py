"""What common words of failures mean, for people who ask. The third and fourth of the model's fallbacks."""

from __future__ import annotations

import re

from domain.troubleshooting.terms import TechnicalDomain

MEANINGS: tuple[tuple[str, str], ...] = (
    (
        "econnrefused|connection refused",
        "Nothing listens at that address and port: the service is down, or the port is wrong.",
    ),
    (
        "econnreset|connection reset",
        "The other side closed the connection in the middle: it crashed, restarted, or a proxy cut it.",
    ),
    (
        "etimedout|time-?outs?|timed out",
        "No answer came in the time allowed: the other side is slow, overloaded or cannot be reached.",
    ),
    (
        "nxdomain|does not resolve",
        "The name does not exist in DNS: a typing error, a removed record, or the wrong resolver.",
    ),
    ("servfail", "The DNS server could not answer: it cannot reach the servers of that name, or a signature is wrong."),
    (
        "oomkilled|out of memory|oom",
        "The process used more memory than its limit and was killed. A leak grows slowly; a big job, at once.",
    ),
    (
        "crashloopbackoff|crash loop",
        "A container ends soon after each start, so Kubernetes waits longer before the next one.",
    ),
    (
        "imagepullbackoff|errimagepull",
        "The image cannot be fetched: a wrong name or tag, no access to the registry, or no network.",
    ),
    (
        "429|too many requests|throttled",
        "Somebody sends more requests than the limit allows: slow down, or raise the limit.",
    ),
    ("401|unauthori[sz]ed", "Nobody knows who is asking: the token is missing, wrong or expired."),
    (
        "403|forbidden|permission denied|access denied",
        "Who is asking is known and may not do this: a right or a role is missing.",
    ),
    ("404|not found", "There is nothing at that address: a wrong path, or it was removed."),
    ("500|internal server error", "The service failed at its own work: its logs of that moment say why."),
    (
        "502|bad gateway",
        "A proxy got no proper answer from the service behind it: that one crashed or closed the connection.",
    ),
    (
        "503|service unavailable",
        "The service takes no requests now: it is overloaded, starting, or has no healthy instance.",
    ),
    ("504|gateway time-?out", "A proxy waited too long for the service behind it: that one is slow or hangs."),
    ("enospc|no space left|disk full", "The volume is full: nothing can be written until space is freed or added."),
    (
        "deadlocks?",
        "Two transactions wait for each other's locks; the database ends one. Lock in the same order everywhere.",
    ),
    (
        "connection pools?|pool exhausted",
        "A fixed number of connections is shared; when all are taken, requests wait. Look who holds them.",
    ),
    ("dead[ -]letters?", "Messages or calls that failed too often are set aside there, for a person to look at."),
    (
        "circuit breakers?",
        "After several failures, calls are refused at once for a while, so that the other side can recover.",
    ),
    (
        "garbage collections?|gc",
        "A runtime frees memory and stops the program meanwhile; long pauses say that memory is short.",
    ),
    (
        "certificates?|x509|tls|ssl",
        "It proves who a server is, until a date. Expired, for another name, or by an unknown issuer: refused.",
    ),
    (
        "clock skew|clock drift",
        "Clocks of hosts differ, so tokens and records seem to come from the future or to be expired.",
    ),
    (
        "canary|canaries",
        "A new version gets a small share of the traffic first, so that a fault hurts few and is seen early.",
    ),
    ("latency|p95|p99", "How long answers take. The 95th percentile: 95 of 100 answers are faster than this."),
    ("blast radius", "Which services an incident reaches: those with symptoms, and those that depend on them."),
    ("root cause", "The first thing in the chain that was wrong: without it nothing else would have happened."),
)
"""A pattern of whole words, and what it means."""

FIRST_STEPS: dict[TechnicalDomain, tuple[str, ...]] = {
    TechnicalDomain.APPLICATION: (
        "Compare the time of the first error with the last deployments and configuration changes.",
        "Read the first error of that time, not the most frequent one.",
    ),
    TechnicalDomain.DATABASE: (
        "Look at the longest running queries, at locks, and at the number of connections against the limit.",
        "See whether a migration or a new version began shortly before.",
    ),
    TechnicalDomain.NETWORK: (
        "Try the connection from where the caller runs: name, address, port, certificate, one after the other.",
        "See which callers fail and which do not: what they share is where to look.",
    ),
    TechnicalDomain.KUBERNETES: (
        "Look at `kubectl get pods`, `kubectl describe` of one that fails, and the events of its namespace.",
        "An exit code of 137 is memory; failing probes are slowness or a wrong port.",
    ),
    TechnicalDomain.STORAGE: (
        "Look how full each volume is and how fast it fills, and at free inodes.",
        "Move old files away before anything is deleted.",
    ),
    TechnicalDomain.MESSAGING: (
        "Compare what comes in with what is worked off, and look for a message that fails again and again.",
        "See whether the consumers run, and since when they do not.",
    ),
    TechnicalDomain.SECURITY: (
        "See until when certificates and credentials are valid, and what changed in rights.",
        "If somebody may have got in, tell the security team before anything is changed.",
    ),
    TechnicalDomain.INFRASTRUCTURE: (
        "Look at processors, memory, disks and clocks of the hosts concerned.",
        "See whether only one host, zone or region is affected.",
    ),
    TechnicalDomain.EXTERNAL: (
        "Look at the vendor's status page, and at your own time-outs and limits towards it.",
        "Decide what your service does without it.",
    ),
    TechnicalDomain.GENERAL: (
        "Write down what fails, since when, for whom, and what changed shortly before.",
        "Upload logs, metrics, the changes of the last day, and who calls whom.",
    ),
}
PRACTICES: dict[TechnicalDomain, tuple[str, ...]] = {
    TechnicalDomain.APPLICATION: (
        "Bring changes to a small share of the traffic first, and go back by machine when errors rise.",
        "Give every call a time-out, few retries with growing pauses, and a key that makes a repeat harmless.",
    ),
    TechnicalDomain.DATABASE: (
        "Make every schema change work with the version before and after it; watch locks while it runs.",
        "Limit the time of queries and of idle transactions; size the pools of all instances together.",
    ),
    TechnicalDomain.KUBERNETES: (
        "Set requests and limits from what was measured, a readiness probe per dependency that is needed to answer, "
        "and no liveness probe that depends on others.",
    ),
    TechnicalDomain.MESSAGING: (
        "Let consumers take a message twice without harm; set poison messages aside; watch the oldest one's age.",
    ),
    TechnicalDomain.SECURITY: ("Renew certificates and credentials by machine, with an alarm well before their end.",),
    TechnicalDomain.STORAGE: ("Set an alarm on how full a volume is and on when it will be full at this speed.",),
    TechnicalDomain.EXTERNAL: ("Use a circuit breaker towards every vendor, and decide what happens without it.",),
    TechnicalDomain.GENERAL: (
        "Keep records of every change with its time, its author and the version before.",
        "Rehearse the way back as often as the way forward.",
    ),
}
_COMPILED = tuple((re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I), meaning) for pattern, meaning in MEANINGS)
_LOOKED_AT = 4_000
_MOST = 3


def meanings_in(text: str) -> tuple[str, ...]:
    """What the words of a question mean, at most three of them: `nxdomain: The name does not exist ...`."""
    head = text[:_LOOKED_AT]
    found = []
    for pattern, meaning in _COMPILED:
        match = pattern.search(head)
        if match is not None:
            found.append((match.start(), f"{match.group().lower()}: {meaning}"))
    return tuple(line for _, line in sorted(found)[:_MOST])
