"""Services in Go."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

GO = Voice(
    name="go",
    layouts=("logfmt", "zap_json", "slog_json", "klog"),
    loggers=("{mod}/server.go", "{mod}/handler.go", "{mod}/client.go", "middleware.go"),
    normal=(
        ("info", "request completed method={method} path={path} status={status} dur={ms}ms"),
        ("info", "served {path} in {ms}ms"),
        ("info", "{verb} ok id={id}"),
        ("debug", "fetched {n} {table}"),
        ("info", "consumed message offset={big} partition={few}"),
    ),
    chatter=(
        ("warn", "http: superfluous response.WriteHeader call from middleware"),
        ("warn", "retry {few}/5 for job {id}"),
        ("warn", "deprecated header X-Client-Id from {ip}"),
    ),
    mishaps=(
        ("error", "decode request body: unexpected EOF"),
        ("error", "write tcp {ip}:443: write: broken pipe"),
        ("error", "job {id}: context canceled by client"),
    ),
    boot=(
        ("info", "received signal terminated, draining"),
        ("info", "starting {svc} version={version} commit={id}"),
        ("info", "listening on :8080"),
    ),
    calls={
        "timeout": (
            (
                "error",
                'Post "http://{host}:{port}{path}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            ),
            ("error", "rpc error: code = DeadlineExceeded desc = context deadline exceeded calling {peer}"),
            ("warn", "{peer} call took {long}ms"),
        ),
        "refused": (
            ("error", "dial tcp {ip}:{port}: connect: connection refused (upstream {host})"),
            (
                "error",
                'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp: {host}:{port}: connect: connection refused"',
            ),
        ),
        "failed": (
            ("error", "rpc error: code = Internal desc = {peer}: internal error"),
            ("error", "unexpected status 500 from http://{host}:{port}{path}"),
            ("warn", "{peer} returned 502, attempt {few}"),
        ),
        "certificate": (
            (
                "error",
                'Post "https://{host}:{port}{path}": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time is after {notafter}',
            ),
            (
                "error",
                "rpc error: code = Unavailable desc = authentication handshake failed with {host}: x509: certificate has expired",
            ),
        ),
        "dns": (
            ("error", 'Get "http://{host}:{port}{path}": dial tcp: lookup {host} on 10.96.0.10:53: no such host'),
            ("error", "dial tcp: lookup {host}: i/o timeout"),
        ),
        "denied": (
            ("error", "rpc error: code = Unauthenticated desc = {peer}: token is not valid yet"),
            ("error", "unexpected status 401 from http://{host}:{port}{path}"),
        ),
        "throttled": (
            ("warn", "rpc error: code = ResourceExhausted desc = {peer}: too many requests"),
            ("error", "unexpected status 503 from http://{host}:{port}{path}"),
        ),
    },
    store_calls={
        "timeout": (
            ("error", "query {table} on {peer}: context deadline exceeded"),
            ("error", "read tcp {ip}:{port}: i/o timeout (store {host})"),
            ("warn", "slow query peer={peer} dur={long}ms"),
        ),
        "refused": (
            (
                "error",
                "failed to connect to `host={host} database={table}`: dial error (dial tcp {ip}:{port}: connect: connection refused)",
            ),
        ),
        "failed": (
            ("error", "insert into {table} on {peer}: ERROR: internal error (SQLSTATE XX000)"),
            ("error", "produce to {host}:{port}: broker returned an error"),
        ),
        "crowded": (
            ("error", "failed to connect to `host={host}`: FATAL: sorry, too many clients already (SQLSTATE 53300)"),
        ),
    },
    vague=(
        ("error", "request failed status=500 id={id}"),
        ("error", "handler returned error for {path}"),
    ),
    faults={
        "bad_deployment": (
            (
                (
                    "error",
                    "http: panic serving {ip}:5{mid}: runtime error: invalid memory address or nil pointer dereference",
                ),
            ),
            (("error", "json: cannot unmarshal string into Go struct field {cap}Request.quantity of type int64"),),
            (
                ("error", "panic: runtime error: index out of range [{few}] with length {few}"),
                ("error", "recovered from panic in {verb}, id={id}"),
            ),
            (("error", "{verb}: unsupported schema version 7"),),
        ),
        "connection_pool": (
            (
                (
                    "error",
                    "acquire connection: timed out waiting for a free connection, pool_size={pool} in_use={pool} waiting={n}",
                ),
            ),
            (
                ("error", "redis: connection pool timeout"),
                ("warn", "pool stats hits={big} timeouts={n} total={pool} idle=0"),
            ),
        ),
        "memory_leak": (
            (
                ("error", "fatal error: runtime: out of memory"),
                ("warn", "memory usage at 9{few}% of limit, heap={big}KiB"),
                ("info", "starting {svc} version={version} commit={id}"),
            ),
        ),
        "disk_full": (
            (
                ("error", "write /data/{svc}/wal/{id}.seg: no space left on device"),
                ("error", "snapshot failed: no space left on device"),
            ),
        ),
        "bad_configuration": (
            (("error", "config: required key {setting} missing value"), ("error", '{verb}: invalid {setting}: ""')),
            (("error", 'parse {setting}: time: missing unit in duration "30"'),),
            (("error", 'unknown value "strickt" for {setting}, want one of [strict lenient]'),),
        ),
        "traffic_surge": (
            (
                ("warn", "concurrency limit reached, rejecting request inflight={mid} limit=256"),
                ("error", "429 too many requests path={path} rps={big}"),
            ),
        ),
        "clock_skew": (
            (("error", "token used before issued: iat is {skew}s ahead of local time"),),
            (
                ("error", "signature verification failed: timestamp outside of tolerance ({skew}s)"),
                ("warn", "ntp: offset {skew}.{n}s exceeds threshold"),
            ),
        ),
        "slow_dependency": ((("warn", "slow handler {verb} dur={long}ms"),),),
        "certificate": (
            (("error", "http: TLS handshake error from {ip}:4{mid}: remote error: tls: expired certificate"),),
        ),
    },
)
