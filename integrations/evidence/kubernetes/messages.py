"""What Kubernetes' messages and programs' last words mean. Every pattern is linear: bounded, without nesting."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.troubleshooting.evidence import Sign

MOST = 1_500
"""Characters of a message that are looked at."""


@dataclass(frozen=True)
class Meaning:
    """What a message says."""

    sign: Sign
    cause: str
    text: str
    """With `{who}`, `{1}`..., and `{message}`."""
    strength: float
    about: int | None = None
    """Which group names the culprit."""


@dataclass(frozen=True)
class Understood:
    """A message that is understood."""

    sign: Sign
    cause: str
    text: str
    strength: float
    about: str | None


_HOST = r"([\w-]{1,63}(?:\.[\w-]{1,63}){0,8}(?::\d{1,5})?)"
_S = Sign
_TABLE: tuple[tuple[str, Meaning], ...] = (
    # Placing
    (r"exceeded quota: ([\w.-]{1,120})", Meaning(_S.SCHEDULING, "quota", "{who}: the quota {1} is used up, so no further pod is made; raise it or ask for less. {message}", 0.9, 1)),
    (r"(?:unbound immediate PersistentVolumeClaims|persistentvolumeclaim \"?([\w.-]{0,120})\"? (?:is )?not (?:found|bound))", Meaning(_S.SCHEDULING, "volume", "{who} waits for its volume: a PersistentVolumeClaim is not bound; check its storage class and whether a volume fits. {message}", 0.85)),
    (r"didn't match Pod's node affinity/selector|didn't match node selector|didn't satisfy .{0,30}affinity", Meaning(_S.SCHEDULING, "placing", "{who} cannot be placed: no node has the labels that its node selector or affinity asks for; label a node or correct the selector. {message}", 0.9)),
    (r"Insufficient ([\w./-]{1,60})", Meaning(_S.SCHEDULING, "placing", "{who} cannot be placed: no node has enough free {1}; lower what it requests or add nodes. {message}", 0.9)),
    (r"(?:had (?:untolerated )?taints?(?: \{([^}]{0,120})\})?|taints? that the pod didn't tolerate)", Meaning(_S.SCHEDULING, "placing", "{who} cannot be placed: the nodes have taints that it does not tolerate. {message}", 0.8)),
    (r"volume node affinity conflict", Meaning(_S.SCHEDULING, "volume", "{who} cannot be placed: its volume lies in another zone than the free nodes. {message}", 0.8)),
    (r"Too many pods|didn't have free ports", Meaning(_S.SCHEDULING, "placing", "{who} cannot be placed: the nodes are full. {message}", 0.8)),
    (r"Multi-Attach error|FailedAttachVolume|Unable to attach or mount|MountVolume\.SetUp failed for volume \"?([\w.-]{0,120})(?!.{0,400}(?:secret|configmap))", Meaning(_S.SCHEDULING, "volume", "{who} cannot start: a volume cannot be attached or mounted. {message}", 0.8)),
    (r"ProvisioningFailed|storageclass[\w.]{0,30} \"?([\w.-]{1,120})\"? not found|no persistent volumes available", Meaning(_S.SCHEDULING, "volume", "The volume of {who} cannot be made: check its storage class. {message}", 0.85)),
    # Images
    (r"(?:pull(?:ing)? (?:and unpack )?image|image) \\?\"([^\"\\]{1,250})\\?\".{0,600}(?:pull access denied|authorization failed|unauthorized|401|403|denied)", Meaning(_S.SCHEDULING, "image", "{who} cannot start: the image {1} cannot be pulled, for it does not exist or the registry denies access; check its name and the pull secret.", 0.9)),
    (r"(?:pull(?:ing)? (?:and unpack )?image|image) \\?\"([^\"\\]{1,250})\\?\".{0,600}(?:not found|manifest unknown|does not exist)", Meaning(_S.SCHEDULING, "image", "{who} cannot start: the image {1} does not exist in the registry; check its name and tag.", 0.9)),
    (r"(?:pull(?:ing)? (?:and unpack )?image|image) \\?\"([^\"\\]{1,250})\\?\".{0,600}(?:timeout|no such host|connection refused|x509|toomanyrequests)", Meaning(_S.SCHEDULING, "image", "{who} cannot start: the registry of the image {1} does not give it. {message}", 0.85)),
    (r"(?:Failed to pull image|Back-off pulling image) \\?\"([^\"\\]{1,250})\\?\"", Meaning(_S.SCHEDULING, "image", "{who} cannot start: pulling the image {1} fails; check its name, tag and the registry's credentials.", 0.85)),
    (r"is waiting to start: (?:trying and failing to pull image|image can't be pulled)|ErrImagePull|ImagePullBackOff", Meaning(_S.SCHEDULING, "image", "{who} cannot start: its image cannot be pulled; check its name, its tag and the registry's credentials. {message}", 0.7)),
    (r"InvalidImageName|couldn't parse image reference", Meaning(_S.CONFIGURATION, "image", "{who} cannot start: the image's name is not a valid one. {message}", 0.9)),
    # Settings
    (r"(secret|configmap)s? \\?\"([\w.-]{1,200})\\?\" (?:is )?not found", Meaning(_S.CONFIGURATION, "configuration", "{who} cannot start: the {1} {2} that it refers to is not there; make it or correct the name.", 0.9, 2)),
    (r"couldn't find key ([\w./-]{1,120}) in (ConfigMap|Secret) ([\w./-]{1,200})", Meaning(_S.CONFIGURATION, "configuration", "{who} cannot start: the {2} {3} has no key {1}; add it or correct the name.", 0.9, 3)),
    (r"(?i)environment variable[s]? ['\"`]?([A-Z][A-Z0-9_]{1,80})['\"`]? (?:is|was|are)? ?(?:undefined|not set|missing|required|unset|empty)", Meaning(_S.CONFIGURATION, "configuration", "{who} does not run: the environment variable {1} is missing; set it.", 0.85, 1)),
    (r"(?i)(?:missing|undefined|unset|required|must set|no value for) (?:required )?(?:env(?:ironment)? (?:variable|var)|setting|config(?:uration)?(?: key| value)?)[: ]{1,3}['\"`]?([\w.]{2,80})", Meaning(_S.CONFIGURATION, "configuration", "{who} does not run: the setting {1} is missing; set it. {message}", 0.8, 1)),
    (r"(?i)KeyError: ['\"]([A-Z][A-Z0-9_]{2,80})['\"]", Meaning(_S.CONFIGURATION, "configuration", "{who} does not run: the environment variable {1} seems to be missing.", 0.7, 1)),
    (r"(?i)(?:executable file not found|exec format error|no such file or directory\)?: unknown|command not found|RunContainerError|StartError|CreateContainerError)", Meaning(_S.CONFIGURATION, "start", "{who} cannot start: its command cannot be run in the image. {message}", 0.8)),
    (r"runAsNonRoot|violates PodSecurity", Meaning(_S.PERMISSION, "start", "{who} cannot start: the security policy does not allow it. {message}", 0.85)),
    (r"(?i)/(?:bin/)?(?:ba|da|z)?sh: .{0,40}?(syntax error[^\n]{0,160})", Meaning(_S.CONFIGURATION, "log", "{who} fails in its own script: {message}", 0.8)),
    # Memory, disk, eviction, nodes
    (r"(?i)OOMKill|out of memory|cannot allocate memory|java\.lang\.OutOfMemoryError|heap out of memory", Meaning(_S.MEMORY, "memory", "{who} is killed for using more memory than its limit; raise the limit or look for a leak. {message}", 0.85)),
    (r"low on resource: ephemeral-storage", Meaning(_S.DISK, "disk", "{who} is evicted or about to be: its node is low on ephemeral storage; free space on the node, or set requests and limits for ephemeral-storage. {message}", 0.9)),
    (r"(?i:disk ?pressure|no space left on device|ENOSPC|imagefs|nodefs)", Meaning(_S.DISK, "disk", "{who}: the node or volume has too little ephemeral storage or disk space left; free space or set limits. {message}", 0.8)),
    (r"low on resource: memory|(?i:MemoryPressure)", Meaning(_S.MEMORY, "node memory", "{who}: the node has too little memory left. {message}", 0.75)),
    (r"(?i)PIDPressure", Meaning(_S.SCHEDULING, "node", "{who}: the node has no process ids left. {message}", 0.7)),
    (r"FailedCreatePodSandBox|failed to (?:set up|setup) (?:sandbox|network)|network plugin .{0,60}(?:not ready|failed)|cni plugin not initialized", Meaning(_S.SCHEDULING, "network", "{who} cannot start: the node's network plugin fails. {message}", 0.75)),
    (r"Node .{0,120}(?:is not ready|NotReady)|NodeNotReady|Kubelet stopped posting node status", Meaning(_S.CRASH, "node", "{who}: the node is not ready. {message}", 0.75)),
    # Probes and restarts
    (r"(Readiness|Startup) probe (?:failed|errored)(?::| and) ?(.{0,300})", Meaning(_S.SCHEDULING, "probe", "{who} gets no traffic: its {1} probe fails: {2}; check the probe's port and path, and whether the program listens.", 0.75)),
    (r"Liveness probe (?:failed|errored)(?::| and) ?(.{0,300})", Meaning(_S.CRASH, "probe", "{who} is restarted because its liveness probe fails: {1}; check the probe, or why the program does not answer.", 0.8)),
    (r"Back-off restarting failed container ?=?([\w.-]{0,120})", Meaning(_S.CRASH, "crash", "{who} crashes again and again, and its restarts are delayed (CrashLoopBackOff); its last lines tell why.", 0.75)),
    (r"CrashLoopBackOff|PodCrashLooping", Meaning(_S.CRASH, "crash", "{who} crashes again and again, and its restarts are delayed (CrashLoopBackOff); its last lines tell why.", 0.7)),
    (r"KubeJobFailed|[Jj]ob [\w./-]{1,200} failed to complete", Meaning(_S.CRASH, "job", "The job {who} failed to complete; the logs of its pods tell why.", 0.75)),
    (r"BackoffLimitExceeded|reached the specified backoff limit", Meaning(_S.CRASH, "job", "The job {who} failed: it used up its retries.", 0.8)),
    (r"DeadlineExceeded|active longer than specified deadline", Meaning(_S.TIMEOUT, "job", "The job {who} failed: it took longer than its deadline.", 0.75)),
    (r"ProgressDeadlineExceeded|exceeded its progress deadline", Meaning(_S.SCHEDULING, "unavailable", "The rollout of {who} does not get on: its new pods do not become ready.", 0.7)),
    # Access
    (r"Error from server \(Forbidden\).{0,40}?([\w.]{1,80}) (?:\"[^\"]{0,120}\" )?is forbidden: User \"([^\"]{1,160})\" cannot (\w{1,20}) resource \"([^\"]{1,80})\"(.{0,160})", Meaning(_S.PERMISSION, "access", "Access denied: {2} may not {3} {4} {5}; give it a role that allows that, or ask somebody who has it.", 0.85, 4)),
    (r"is forbidden: User \"([^\"]{1,160})\" cannot (\w{1,20}) resource \"([^\"]{1,80})\"(.{0,160})", Meaning(_S.PERMISSION, "access", "{who}: access denied, {1} may not {2} {3} {4}; bind a role that allows that.", 0.85, 3)),
    (r"Error from server \(Forbidden\)|(?i:\bforbidden\b.{0,80}\b(?:user|serviceaccount)\b)", Meaning(_S.PERMISSION, "access", "Access denied: {message}", 0.75)),
    (r"Error from server \(NotFound\): ([\w.]{1,80}) \\?\"([\w.:-]{1,200})\\?\" not found", Meaning(_S.CONFIGURATION, "missing", "The {1} {2} does not exist where it was looked for; check its name and namespace, or whether it was deleted.", 0.6, 2)),
    (r"\| ?grep (?:-\w{1,8} )?['\"]?([\w.-]{1,200})['\"]?[`'\"]{0,2} failed with return code 1", Meaning(_S.CONFIGURATION, "missing", "Nothing that was looked through has the name {1}; check the name and the namespace.", 0.45, 1)),
    (r"CPUThrottlingHigh", Meaning(_S.CPU, "throttled", "{who} is held back by its CPU limit; raise its CPU limit.", 0.7)),
    (r"(\d{1,3}(?:\.\d{1,4})?) ?% (?:CPU )?throttl(?:ing|ed)", Meaning(_S.CPU, "throttled", "{who} is held back by its CPU limit (throttling {1} %); raise its CPU limit. {message}", 0.8)),
    # Names, certificates, services
    (r"(?i)(?:lookup|resolve host:?|resolve|resolution of|getaddrinfo[\w ]{0,20}) ['\"]?" + _HOST + r".{0,120}(?:no such host|server misbehaving|i/o timeout|NXDOMAIN|SERVFAIL|timed out|failure in name resolution)", Meaning(_S.DNS, "dns", "{who} cannot resolve the name {1}; check the name, CoreDNS, and network policies that hold back DNS. {message}", 0.75, 1)),
    (r"(?i)no such host|could(?: not|n't) resolve|NXDOMAIN|SERVFAIL|Name or service not known|failure in name resolution|ENOTFOUND|EAI_AGAIN", Meaning(_S.DNS, "dns", "{who} cannot resolve a name; check CoreDNS and network policies that hold back DNS. {message}", 0.7)),
    (r"(?i)certificate[^.\n]{0,60}(?:has )?expired|expired[^.\n]{0,20}certificate|x509: certificate|CERTIFICATE_VERIFY_FAILED|CertificateExpired|ExpiredCert", Meaning(_S.CERTIFICATE, "certificate", "{who}: a certificate is expired or not trusted; renew it. {message}", 0.85)),
    (r"no endpoints available for service \"?([\w.-]{1,120})", Meaning(_S.UNREACHABLE, "endpoints", "The service {1} has no pods behind it: its selector matches none, or none is ready.", 0.8, 1)),
    (r"(?i)FailedGetResourceMetric|FailedComputeMetricsReplicas|unable to (?:get|fetch) (?:resource )?metrics|missing request for (cpu|memory)|Metrics API not available", Meaning(_S.CONFIGURATION, "autoscaler", "{who} cannot be scaled by its use: metrics are missing; check the metrics server and that the pods request CPU and memory. {message}", 0.65)),
    (r"(?i)(?:failed|fails|unable|error|refused|could not|cannot)[^\n]{0,60}connect(?:ion|ing)?[^\n]{0,40}? (?:to|with) (?:the )?(?:\w{1,20} )?(?:at )?['\"`]?" + _HOST, Meaning(_S.UNREACHABLE, "log", "{who} cannot reach {1}: {message}", 0.65, 1)),
    (r"(?i)tried: " + _HOST, Meaning(_S.UNREACHABLE, "log", "{who} cannot connect to {1}: {message}", 0.7, 1)),
    (r"(?i)dial tcp:? (?:lookup )?" + _HOST + r".{0,120}(?:refused|timeout|no route|unreachable)", Meaning(_S.UNREACHABLE, "log", "{who} cannot reach {1}: {message}", 0.7, 1)),
    (r"(?i)connection refused|ECONNREFUSED|connection reset|no route to host", Meaning(_S.UNREACHABLE, "log", "{who} cannot reach what it calls: {message}", 0.6)),
    (r"(?i)\b(?:timed out|timeout|deadline exceeded)\b", Meaning(_S.TIMEOUT, "log", "{who} waits too long for what it calls: {message}", 0.5)),
    (r"(?i)permission denied|access denied|EACCES", Meaning(_S.PERMISSION, "log", "{who} is denied access: {message}", 0.6)),
    (r"(?i)(?:duplicate key|unique constraint|syntax error at or near|deadlock detected|relation .{0,80} does not exist|unknown column)", Meaning(_S.DATA, "log", "{who} has trouble with its data: {message}", 0.6)),
)  # fmt: skip
_PATTERNS = tuple((re.compile(pattern), meaning) for pattern, meaning in _TABLE)
_ERROR = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERG|Traceback|panic:|fatal:|error:)|(?i:level[\"']?[=:] ?[\"']?(?:error|fatal|crit))"
    r"|\[(?:error|fatal|critical)\]|[a-z](?:Exception|Error)\b|\b[A-Z][a-z]{1,30} Exception:|^E\d{4} "
)
_HARMLESS = re.compile(r"(?i)\b(?:no|0|without|zero)[ =]{1,3}(?:error|exception|failure)s?\b|\berrors?[=:] ?(?:0|none|null|nil|false)\b|\b(?:info|debug|trace)\b(?!.{0,60}(?:error|exception))")  # fmt: skip


def understood(message: str) -> Understood | None:
    """What a message of Kubernetes, or a program's line, says; None when it is none of those that are known."""
    text = message[:MOST]
    for pattern, meaning in _PATTERNS:
        found = pattern.search(text)
        if found is not None:
            words = meaning.text.replace("{message}", text.strip()[:260])
            for place, group in enumerate(found.groups(), start=1):
                words = words.replace(f"{{{place}}}", (group or "").strip())
            about = found[meaning.about] if meaning.about is not None else None
            return Understood(meaning.sign, meaning.cause, words, meaning.strength, about or None)
    return None


def is_error(line: str) -> bool:
    """Whether a program's line reports an error."""
    return _ERROR.search(line[:MOST]) is not None and _HARMLESS.search(line[:MOST]) is None


_EXITS = {
    0: "its program ends by itself without an error, so there is nothing left to run; it may need to keep running",
    1: "its program ended with an error",
    126: "its command may not be run",
    127: "its command is not in the image",
    134: "its program aborted",
    137: "it was killed: for lack of memory, or because it did not answer its liveness probe or end in time",
    139: "its program crashed (segmentation fault)",
    143: "it was told to end",
}


def of_exit(code: int) -> str:
    """What an exit code means."""
    return _EXITS.get(code, f"its program ended with exit code {code}")
