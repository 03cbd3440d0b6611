"""nginx and envoy: what stands before the services."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

_UP = ', client: {ip}, server: _, request: "{method} {path} HTTP/1.1", upstream: "http://{host}:{port}{path}"'

NGINX = Voice(
    name="nginx",
    layouts=("nginx",),
    loggers=("nginx",),
    normal=(("access", '{ip} - - [{clf}] "{method} {path} HTTP/1.1" {status} {mid} "-" "Mozilla/5.0" rt={sec}'),),
    chatter=(
        (
            "warn",
            "a client request body is buffered to a temporary file /var/cache/nginx/client_temp/{big}, client: {ip}",
        ),
    ),
    mishaps=(
        ("error", "client {ip} sent invalid host header while reading client request headers"),
        ("error", 'open() "/usr/share/nginx/html/robots.txt" failed (2: No such file or directory), client: {ip}'),
    ),
    boot=(
        ("notice", "signal process started"),
        ("notice", "gracefully shutting down"),
        ("notice", "start worker process {n}"),
    ),
    calls={
        "timeout": (
            (
                "error",
                "upstream timed out (110: Connection timed out) while reading response header from upstream" + _UP,
            ),
        ),
        "refused": (("error", "connect() failed (111: Connection refused) while connecting to upstream" + _UP),),
        "failed": (
            ("error", "upstream prematurely closed connection while reading response header from upstream" + _UP),
            (
                "access",
                '{ip} - - [{clf}] "{method} {path} HTTP/1.1" 502 {n} "-" "Mozilla/5.0" rt={sec} upstream={host}:{port}',
            ),
        ),
        "certificate": (
            (
                "error",
                "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream"
                + _UP,
            ),
        ),
        "dns": (("error", "{host} could not be resolved (3: Host not found)" + _UP),),
        "denied": (
            (
                "access",
                '{ip} - - [{clf}] "{method} {path} HTTP/1.1" 401 {n} "-" "Mozilla/5.0" rt={sec} upstream={host}:{port}',
            ),
        ),
        "throttled": (
            (
                "access",
                '{ip} - - [{clf}] "{method} {path} HTTP/1.1" 503 {n} "-" "Mozilla/5.0" rt={sec} upstream={host}:{port}',
            ),
        ),
    },
    vague=(("access", '{ip} - - [{clf}] "{method} {path} HTTP/1.1" 500 {n} "-" "Mozilla/5.0" rt={sec}'),),
    faults={
        "bad_configuration": (
            (
                (
                    "error",
                    'no live upstreams while connecting to upstream, client: {ip}, server: _, request: "{method} {path} HTTP/1.1"',
                ),
            ),
            (("error", 'rewrite or internal redirection cycle while processing "{path}", client: {ip}'),),
        ),
        "traffic_surge": (
            (
                ("error", 'limiting requests, excess: {n}.{mid} by zone "perip", client: {ip}'),
                ("alert", "1024 worker_connections are not enough"),
            ),
        ),
    },
)

ENVOY = Voice(
    name="envoy",
    layouts=("envoy",),
    loggers=("envoy",),
    normal=(
        ("access", '[{iso}] "{method} {path} HTTP/1.1" {status} - 0 {mid} {ms} {ms} "-" "okhttp/4.12" "{id}" "api"'),
    ),
    chatter=(("warn", "[warning][config] gRPC config stream to xds-cluster closed: 13, "),),
    mishaps=(("access", '[{iso}] "{method} {path} HTTP/1.1" 0 DC 0 0 {ms} - "-" "okhttp/4.12" "{id}" "api"'),),
    boot=(
        ("info", "[info][main] starting main dispatch loop"),
        ("info", "[info][config] all dependencies initialized"),
    ),
    calls={
        "timeout": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 504 UT 0 24 {long} - "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}"',
            ),
        ),
        "refused": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 503 UF,URX 0 91 {ms} - "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}"',
            ),
        ),
        "failed": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 500 - 0 {mid} {ms} {ms} "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}"',
            ),
        ),
        "certificate": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 503 UF 0 210 {ms} - "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}" TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:certificate_has_expired',
            ),
        ),
        "dns": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 503 DF 0 0 {ms} - "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}" dns_resolution_failure',
            ),
        ),
        "denied": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 401 - 0 31 {ms} {ms} "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}"',
            ),
        ),
        "throttled": (
            (
                "access",
                '[{iso}] "{method} {path} HTTP/1.1" 503 UO 0 81 {ms} - "-" "okhttp/4.12" "{id}" "api" "outbound|{port}||{host}"',
            ),
        ),
    },
    vague=(("access", '[{iso}] "{method} {path} HTTP/1.1" 500 - 0 {n} {ms} {ms} "-" "okhttp/4.12" "{id}" "api"'),),
    faults={
        "bad_configuration": (
            (
                (
                    "access",
                    '[{iso}] "{method} {path} HTTP/1.1" 404 NR 0 0 0 - "-" "okhttp/4.12" "{id}" "api" route_not_found',
                ),
            ),
            (
                (
                    "access",
                    '[{iso}] "{method} {path} HTTP/1.1" 503 NC 0 0 0 - "-" "okhttp/4.12" "{id}" "api" cluster_not_found',
                ),
                (
                    "warn",
                    "[warning][config] delta config for type.googleapis.com/envoy.config.cluster.v3.Cluster rejected: malformed address {setting}",
                ),
            ),
        ),
        "traffic_surge": (
            (
                (
                    "access",
                    '[{iso}] "{method} {path} HTTP/1.1" 429 RL 0 18 0 - "-" "okhttp/4.12" "{id}" "api" rate_limited',
                ),
            ),
        ),
    },
)
