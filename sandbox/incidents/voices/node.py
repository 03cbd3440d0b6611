"""Services in Node."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

_AT = "\n    at {verb} (/srv/{svc}/dist/{mod}.js:{line}:17)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"

NODE = Voice(
    name="node",
    layouts=("pino_json", "winston", "winston_json", "syslog"),
    loggers=("{mod}", "http", "{mod}:worker"),
    normal=(
        ("info", "request completed {method} {path} {status} {ms}ms"),
        ("info", "{method} {path} {status} - {ms} ms"),
        ("info", "{verb} done for {user}"),
        ("debug", "job {id} picked up"),
        ("info", "emitted {table}.updated {id}"),
    ),
    chatter=(
        (
            "warn",
            "(node:1) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 listeners added",
        ),
        ("warn", "deprecated: use of callback style in {verb}"),
        ("warn", "retrying {id} in {mid}ms"),
        ("warn", "event loop delay {n}ms"),
    ),
    mishaps=(
        ("error", "SyntaxError: Unexpected token < in JSON at position {n}"),
        ("error", "Error: aborted by client {ip}"),
        ("error", "invalid csrf token for session {id}"),
    ),
    boot=(
        ("info", "SIGTERM received, closing server"),
        ("info", "{svc}@{version} start"),
        ("info", "server listening at http://0.0.0.0:3000"),
    ),
    calls={
        "timeout": (
            ("error", "AxiosError: timeout of {timeout}ms exceeded calling http://{host}:{port}{path}" + _AT),
            ("error", "Error: ETIMEDOUT {peer} {path}"),
            ("warn", "{peer} responded slowly ({long}ms)"),
        ),
        "refused": (
            ("error", "Error: connect ECONNREFUSED {ip}:{port} ({host})" + _AT),
            ("error", "FetchError: request to http://{host}:{port}{path} failed, reason: connect ECONNREFUSED"),
        ),
        "failed": (
            ("error", "AxiosError: Request failed with status code 500 (POST http://{host}:{port}{path})" + _AT),
            ("error", "{peer} replied 502 Bad Gateway"),
            ("warn", "breaker for {peer} half-open, last error HTTP 500"),
        ),
        "certificate": (
            ("error", "Error: certificate has expired: https://{host}:{port}{path} code: 'CERT_HAS_EXPIRED'"),
            ("error", "FetchError: request to https://{host}:{port}{path} failed, reason: certificate has expired"),
        ),
        "dns": (
            ("error", "Error: getaddrinfo ENOTFOUND {host}"),
            ("error", "FetchError: request to http://{host}:{port}{path} failed, reason: getaddrinfo EAI_AGAIN {host}"),
        ),
        "denied": (
            ("error", "AxiosError: Request failed with status code 401 (POST http://{host}:{port}{path})"),
            ("error", "{peer} says: jwt not active"),
        ),
        "throttled": (
            ("warn", "{peer} replied 429, will retry after {few}s"),
            ("error", "AxiosError: Request failed with status code 503 (GET http://{host}:{port}{path})"),
        ),
    },
    store_calls={
        "timeout": (
            ("error", "Error: Query read timeout ({peer})" + _AT),
            ("error", "MongoNetworkTimeoutError: connection timed out to {host}:{port}"),
            ("warn", "slow query {table} {long}ms on {peer}"),
        ),
        "refused": (("error", "Error: connect ECONNREFUSED {host}:{port}"),),
        "failed": (
            ("error", "SequelizeDatabaseError: statement failed on {table} ({host})"),
            ("error", "KafkaJSProtocolError: {host}:{port} could not append the record"),
        ),
        "crowded": (("error", "error: sorry, too many clients already ({host}:{port})" + _AT),),
    },
    vague=(
        ("error", "unhandled error in {method} {path}"),
        ("error", "request {id} errored with 500"),
    ),
    faults={
        "bad_deployment": (
            (("error", "TypeError: Cannot read properties of undefined (reading 'total')" + _AT),),
            (("error", "TypeError: this.{mod}.{verb} is not a function" + _AT),),
            (("error", "ReferenceError: {cap} is not defined" + _AT), ("error", "{method} {path} 500 - {ms} ms")),
            (("error", "UnhandledPromiseRejection: RangeError: Invalid time value" + _AT),),
        ),
        "connection_pool": (
            (
                ("error", "TimeoutError: ResourceRequest timed out" + _AT),
                ("error", "SequelizeConnectionAcquireTimeoutError: Operation timeout"),
            ),
            (
                (
                    "error",
                    "KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full. Are you missing a .transacting(trx) call?",
                ),
            ),
        ),
        "memory_leak": (
            (
                ("error", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
                ("warn", "heap used {big} MB, gc mark-sweep {long}ms"),
                ("info", "{svc}@{version} start"),
            ),
        ),
        "disk_full": ((("error", "Error: ENOSPC: no space left on device, write '/tmp/{svc}/{id}'" + _AT),),),
        "bad_configuration": (
            (("error", "Error: Missing required environment variable {setting}" + _AT),),
            (("error", 'ConfigError: {setting}: must be of type Integer: value was "abc"'),),
            (("error", "TypeError: Invalid URL: input '' ({setting})" + _AT),),
        ),
        "traffic_surge": (
            (
                ("warn", "under pressure: eventLoopDelay {long}ms, heapUsed {big}KB"),
                ("error", "503 Service Unavailable: too many pending requests ({mid})"),
                ("warn", "rate limit hit by {ip}"),
            ),
        ),
        "clock_skew": (
            (("error", "JsonWebTokenError: jwt not active, nbf is {skew} s ahead" + _AT),),
            (
                (
                    "error",
                    "RequestTimeTooSkewed: The difference between the request time and the current time is too large ({skew}s)",
                ),
            ),
        ),
        "slow_dependency": ((("warn", "slow response {method} {path} {long}ms"),),),
        "certificate": ((("error", "tlsClientError: ssl/tls alert certificate expired from {ip}"),),),
    },
)
