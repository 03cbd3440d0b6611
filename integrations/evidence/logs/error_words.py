"""The words that software of every kind uses for what went wrong: a pattern for each sign, the narrower ones first."""

from __future__ import annotations

import re

from domain.troubleshooting.evidence import Sign

_STATUS = re.compile(r"\{(\d[\d\[\]]{2,5})\}")


def _pattern(words: str) -> re.Pattern[str]:
    """In braces stands an HTTP status: not a part of another number, of a place in code or of a size."""
    return re.compile(
        _STATUS.sub(r"(?<![\\w:./-])\1(?!\\w|[.:]\\d| ?(?:ms|s|bytes|rows|items)\\b)", words), re.IGNORECASE
    )


PATTERNS: tuple[tuple[Sign, re.Pattern[str]], ...] = (
    # The narrower the meaning, the earlier: an expired certificate also ends in "connection failed".
    (
        Sign.CERTIFICATE,
        _pattern(
            r"x509|certificate|\bcert\b.{0,40}expir|sslhandshake|ssl handshake|tls handshake|tls: |pkix|ssl_error"
            r"|sslerror"
            r"|unable to get local issuer|notafter|not_?after|ssl routines"
        ),
    ),
    (
        Sign.CLOCK,
        _pattern(
            r"clock.{0,3}skew|clock.{0,30}(?:drift|ahead|behind|differ|out of sync|jump)|not yet valid"
            r"|issued in the future"
            r"|in the future|used before issued|\bnbf\b|\biat\b.{0,30}future|future timestamp"
            r"|timestamp.{0,40}(?:future|too old"
            r"|outside|window|ahead)|ntp.{0,40}(?:unsync|lost|fail|offset|step)|time.{0,10}offset|immature ?signature"
            r"|signature (?:has )?(?:expired|not yet)|difference between the request ?time"
            r"|\d ?(?:s|sec|seconds|ms|minutes) (?:away|apart|off|different) from"
            r"|clocks? (?:of|on|is|are) .{0,40}(?:apart|off)"
            r"|timestamp.{0,40}(?:bounds|skew|tolerance)|request ?time ?too ?skewed"
            r"|expired \d{1,9} ?s(?:econds)? ago.{0,40}issued|system (?:time"
            r"|clock) (?:changed|moved)"
        ),
    ),
    (
        Sign.MEMORY,
        _pattern(
            r"outofmemory|out of memory|out-of-memory|oom[- _]?kill|\boom\b|heap (?:space|limit|usage|exhaust|size|at)"
            r"|java heap|gc overhead|cannot allocate memory|enomem|memory (?:limit|pressure|usage|exhaust|high|leak)"
            r"|allocation fail|full gc|long gc|gc pause|garbage collect|memoryerror|std::bad_alloc|exit code 137"
            r"|\brss\b"
        ),
    ),
    (
        Sign.DISK,
        _pattern(
            r"no space left|enospc|disk (?:is )?(?:full|usage|space|quota|pressure)|disk.{0,20}(?:full|exhaust)|edquot"
            r"|quota exceeded.{0,30}disk|read-only file ?system|erofs|volume.{0,20}full|not enough space"
            r"|low on (?:disk|space)"
            r"|could not (?:write|extend) (?:to )?file|filesystem.{0,20}full|flood[- ]stage|insufficient (?:disk"
            r"|storage)"
        ),
    ),
    (
        Sign.POOL_EXHAUSTED,
        _pattern(
            r"pool.{0,40}(?:exhaust|timed? ?out|full|empty|limit|depleted|no (?:free|available|idle)|wait|max)"
            r"|(?:exhaust|no (?:free|available|idle|more)|obtain|acquir|borrow|waiting for|wait for|get|out of)"
            r".{0,30}(?:connections?|pool)\b.{0,40}(?:pool|available|free|timed? ?out|slot|exhaust|within|after)"
            r"|too many (?:connections|clients|open connections)|remaining connection slots|connection limit"
            r"|connection is not available|could not (?:obtain|acquire|get) (?:a |jdbc )?connection|max_?connections"
            r"|max(?:imum)? (?:number of )?connections|no connections? available|cannot (?:get|acquire) a? ?connection"
            r"|queuepool limit|resourcepool|no (?:free|available) connections?|all connections (?:are )?(?:in use|busy)"
        ),
    ),
    (
        Sign.DNS,
        _pattern(
            r"unknown ?host|nxdomain|eai_again|enotfound|servfail|no such host|name or service not known|getaddrinfo"
            r"|name resolution|could not resolve(?! placeholder)|cannot resolve|failed to resolve"
            r"|unresolved (?:host|address)|\bdns\b"
            r"|nodename nor servname|host not found|resolve host|lookup .{0,60}(?:fail|timeout|error|no such)"
        ),
    ),
    (
        Sign.PERMISSION,
        _pattern(
            r"permission denied|access ?denied|forbidden|{403}|unauthori[sz]ed|{401}|not authori[sz]ed|eacces|eperm"
            r"|insufficient (?:privilege|permission|scope)|authentication failed|invalid (?:api key|credential"
            r"|token|password)"
            r"|password authentication|not permitted|login failed"
        ),
    ),
    (
        Sign.THROTTLED,
        _pattern(
            r"{429}|too many requests|rate.?limit|(?<!cpu )throttl|quota exceeded|slow ?down|circuit.{0,20}rejected"
            r"|concurrency limit|load.?shed|over capacity|overloaded|server (?:is )?busy"
        ),
    ),
    (
        Sign.SCHEDULING,
        _pattern(
            r"failedscheduling|imagepullbackoff|errimagepull|(?:readiness|liveness|startup) probe"
            r"|insufficient (?:cpu|memory)"
            r"|unschedulable|failedmount|evict|backoff pulling|node(?: is)? not ?ready"
        ),
    ),
    (
        Sign.DATA,
        _pattern(
            r"deadlock|lock wait|lock timeout|could not serialize|(?:column|relation|table"
            r"|field).{0,60}(?:does not exist|missing"
            r"|not found|unknown|doesn't exist)|unknown column|no such (?:table|column)|undefinedcolumn|undefinedtable"
            r"|duplicate key|constraint|schema|migration|deserializ|unmarshal|malformed|corrupt|integrityerror"
            r"|sqlgrammar"
            r"|invalid (?:json|payload|format)|parse error|syntax error|unexpected (?:field|token|end)|checksum"
        ),
    ),
    (
        Sign.QUEUE,
        _pattern(
            r"queue.{0,30}(?:full|depth|backlog|length|size|lag|grow|limit|overflow)|backlog|consumer lag"
            r"|\blag\b.{0,30}\d"
            r"|rejectedexecution|dead.?letter|backpressure|partition.{0,20}behind"
        ),
    ),
    (
        Sign.CPU,
        _pattern(
            r"cpu.{0,30}(?:throttl|high|satur|usage|load|limit|100|9\d)|load average|event loop|starvation|hung task"
        ),
    ),
    (
        Sign.CONFIGURATION,
        _pattern(
            r"validation errors? for \w{0,60}(?:settings|config)|no enum constant.{0,120}(?:config|propert|setting)"
            r"|configurationproperties|failed to bind properties|"
            r"(?:missing|invalid|unknown|required|undefined|unset|bad|wrong|unrecognized|unsupported|empty).{0,40}"
            r"(?:config|setting|environment|env(?:ironment)? var|\benv\b|\bproperty\b|parameter|option|flag"
            r"|key [A-Z_]{4})"
            r"|(?:config|setting|environment variable|property).{0,60}(?:missing|invalid|not set|not found"
            r"|is required|must be"
            r"|unknown|malformed|undefined|rejected)|could not resolve placeholder|misconfigur|no value for"
            r"|(?-i:(?:[Pp]ars(?:e|ing)|value (?:of|for)) [\"']?[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{2})"
            r"|missing unit in duration|invalid duration"
            r"|(?-i:KeyError: '[A-Z][A-Z0-9_]{2})"
            r"|configuration ?error|configerror|failed to (?:load|parse|read) config|is not set\b|not configured"
        ),
    ),
    (
        Sign.UNREACHABLE,
        _pattern(
            r"refused|econnreset|connection (?:was )?(?:reset|closed|aborted|lost|dropped)|unreachable"
            r"|no route to host|broken pipe"
            r"|epipe|socket hang up|no healthy upstream|unavailable|{50[23]}|bad gateway|failed to connect"
            r"|cannot connect"
            r"|could not connect|unexpected eof|connection (?:failed|error)|not reachable|circuit.{0,60}open"
            r"|host is down"
            r"|peer closed|unable to connect|connect(?:ion)? fail"
        ),
    ),
    (
        Sign.TIMEOUT,
        _pattern(
            r"time[d-]?[ -]?out|deadline ?exceeded|deadline exceeded|{504}|etimedout|took too long"
            r"|no (?:response|reply|answer)"
            r" (?:from|within|after)|did not (?:respond|answer)|not respond|gave up (?:waiting|after)"
            r"|exceeded.{0,20}\d{1,9} ?m?s"
        ),
    ),
    (
        Sign.CRASH,
        _pattern(
            r"\bpanic\b|panicked|segfault|segmentation fault|sigsegv|sigabrt|sigkill|core dumped|crash"
            r"|exit(?:ed)? (?:with )?"
            r"(?:code|status) [1-9]|terminated unexpectedly|died|restart(?:ed|ing)|back-off restarting"
            r"|fatal error|aborting"
            r"|unexpectedly (?:closed|exited|stopped)|child process.{0,20}(?:exit|kill)"
        ),
    ),
    (
        Sign.LATENCY,
        _pattern(r"\bslow\b|took \d|latency|response time|degraded|slower than|exceed.{0,30}(?:threshold|slo|budget)"),
    ),
)


_WORDS = {
    Sign.CERTIFICATE: "x509 cert ssl tls pkix issuer after",
    Sign.CLOCK: (
        "clock valid future issued nbf timestamp ntp offset immature skew time signature away apart off different"
    ),
    Sign.MEMORY: "memory oom heap gc garbage enomem alloc 137 rss",
    Sign.DISK: ("space enospc edquot disk quota read-only erofs volume write extend filesystem flood storage"),
    Sign.POOL_EXHAUSTED: "pool connection clients slots",
    Sign.DNS: "host nxdomain eai_again enotfound servfail known getaddrinfo resol dns servname lookup",
    Sign.PERMISSION: (
        "permission denied forbidden 403 401 authori eacces eperm privilege scope authent invalid permitted login"
    ),
    Sign.THROTTLED: "429 many rate throttl quota slow circuit concurrency shed capacity overloaded busy",
    Sign.SCHEDULING: "sched pull probe insufficient mount evict node",
    Sign.DATA: (
        "lock serializ column relation table field duplicate constraint schema migration "
        "unmarshal malformed corrupt integrity sqlgrammar invalid parse syntax unexpected "
        "checksum"
    ),
    Sign.QUEUE: "queue backlog lag rejectedexec dead backpressure partition",
    Sign.CPU: "cpu load loop starvation hung",
    Sign.CONFIGURATION: "config setting env propert parameter option flag key placeholder value set enum pars duration",
    Sign.UNREACHABLE: (
        "refused econnreset connect unreachable route pipe socket upstream unavailable 502 503 "
        "gateway eof reach circuit host peer"
    ),
    Sign.TIMEOUT: "time deadline 504 long response reply answer respond gave exceeded",
    Sign.CRASH: "panic seg sig core crash exit terminated died restart fatal abort unexpected child",
    Sign.LATENCY: "slow took latency response degraded exceed",
}
WORDS: dict[Sign, tuple[str, ...]] = {sign: tuple(words.split()) for sign, words in _WORDS.items()}
"""Each match of a pattern above holds one of its sign's words here: looking for words is fast, patterns are not."""
