"""Spring Boot."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

_AT = "\n\tat {pkg}.service.{cap}Service.{verb}({cap}Service.java:{line})\n\tat {pkg}.web.{cap}Controller.{verb}({cap}Controller.java:{line})\n\tat java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)"
_SERVLET = "Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception"

JAVA = Voice(
    name="spring",
    layouts=("boot", "boot_offset", "logback_json", "logstash_json"),
    loggers=(
        "{pkg}.web.{cap}Controller",
        "{pkg}.service.{cap}Service",
        "{pkg}.client.RestGateway",
        "o.s.web.servlet.DispatcherServlet",
    ),
    normal=(
        ("info", "Completed {method} {path} status={status} duration={ms}ms"),
        ("info", "{method} {path} -> {status} ({ms} ms)"),
        ("info", "Handled {verb} for account {user} in {ms} ms"),
        ("debug", "Loaded {n} rows from {table}"),
        ("info", "Published event {id} to topic {table}-events"),
        ("debug", "Cache hit for key {table}:{user}"),
    ),
    chatter=(
        (
            "warn",
            "Resolved [org.springframework.web.HttpRequestMethodNotSupportedException: Request method 'HEAD' is not supported]",
        ),
        ("warn", "Parameter 'locale' is deprecated and will be removed in the next major version"),
        ("warn", "Slow query detected on {table}: {mid} ms"),
        ("warn", "HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta=1m{n}s{mid}ms)."),
        ("warn", "Retrying request {id}, attempt 2 of 3"),
    ),
    mishaps=(
        ("error", "Could not parse Accept-Language header of request {id}: Illegal group: 'xx-'"),
        ("error", "Broken pipe while writing response for {path}: org.apache.catalina.connector.ClientAbortException"),
        ("error", "Validation failed for object='{table}Form'. Error count: {few}"),
    ),
    boot=(
        ("info", "Commencing graceful shutdown. Waiting for active requests to complete"),
        ("info", "Starting {cap}Application v{version} using Java 21.0.{n}"),
        ("info", "Tomcat initialized with port 8080 (http)"),
        ("info", "Started {cap}Application in {few}.{mid} seconds (process running for {few}.{mid})"),
    ),
    calls={
        "timeout": (
            (
                "error",
                'I/O error on POST request for "http://{host}:{port}{path}": Read timed out'
                + _AT
                + "\nCaused by: java.net.SocketTimeoutException: Read timed out",
            ),
            ("error", "Call to {peer} did not complete within {timeout}ms: java.util.concurrent.TimeoutException"),
            ("warn", "CircuitBreaker '{peer}' recorded a slow call of {long} ms"),
        ),
        "refused": (
            (
                "error",
                'I/O error on GET request for "http://{host}:{port}{path}": Connection refused'
                + _AT
                + "\nCaused by: java.net.ConnectException: Connection refused",
            ),
            ("error", "Connect to http://{host}:{port} failed: Connection refused"),
            ("warn", "CircuitBreaker '{peer}' is OPEN and does not permit further calls"),
        ),
        "failed": (
            (
                "error",
                "{peer} answered 500 INTERNAL_SERVER_ERROR for {path}: org.springframework.web.client.HttpServerErrorException$InternalServerError",
            ),
            ("error", "[500] during [POST] to [http://{host}:{port}{path}] [{cap}Client#{verb}]"),
            ("warn", "Fallback used, upstream {peer} returned HTTP 503 for {path}"),
        ),
        "certificate": (
            (
                "error",
                'I/O error on POST request for "https://{host}:{port}{path}": PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed\nCaused by: java.security.cert.CertificateExpiredException: NotAfter: {notafter}',
            ),
            (
                "error",
                "javax.net.ssl.SSLHandshakeException: PKIX path validation failed for {host}: validity check failed",
            ),
        ),
        "dns": (
            (
                "error",
                'I/O error on GET request for "http://{host}:{port}{path}": {host}\nCaused by: java.net.UnknownHostException: {host}: Name or service not known',
            ),
            (
                "error",
                "io.netty.resolver.dns.DnsNameResolverTimeoutException: [{host}] query timed out after 5000 milliseconds",
            ),
        ),
        "denied": (
            ("error", "{peer} answered 401 UNAUTHORIZED for {path}: token rejected"),
            (
                "error",
                '[401] during [POST] to [http://{host}:{port}{path}]: {"error":"invalid_token","error_description":"Jwt used before its not-before time"}',
            ),
        ),
        "throttled": (
            ("warn", "{peer} answered 429 TOO_MANY_REQUESTS for {path}"),
            ("error", "[503] during [GET] to [http://{host}:{port}{path}]: server is overloaded"),
        ),
    },
    store_calls={
        "timeout": (
            (
                "error",
                "org.postgresql.util.PSQLException: An I/O error occurred while sending to the backend {host}:{port} (Read timed out)",
            ),
            ("error", "Statement on {peer} cancelled after {timeout} ms: canceling statement due to user request"),
            ("warn", "Query against {peer} took {long} ms"),
        ),
        "refused": (
            ("error", "Connection to {host}:{port} refused. Check that the hostname and port are correct"),
            ("error", "io.lettuce.core.RedisConnectionException: Unable to connect to {host}:{port}"),
        ),
        "failed": (
            ("error", "{peer} rejected a write to {table}, transaction rolled back"),
            (
                "error",
                "org.springframework.dao.DataAccessResourceFailureException: unable to execute statement on {host}:{port}",
            ),
        ),
        "crowded": (
            ("error", "org.postgresql.util.PSQLException: FATAL: sorry, too many clients already ({host}:{port})"),
            ("error", "Failed to obtain JDBC Connection from {host}: FATAL: remaining connection slots are reserved"),
        ),
    },
    vague=(
        ("error", _SERVLET),
        ("error", "Request {id} failed: Internal Server Error"),
        ("error", "Unexpected error while handling {method} {path}"),
    ),
    faults={
        "bad_deployment": (
            (
                (
                    "error",
                    _SERVLET
                    + ' [Request processing failed: java.lang.NullPointerException: Cannot invoke "{cap}Item.getPrice()" because "item" is null] with root cause'
                    + _AT,
                ),
                ("error", "Failed to {verb} {id}: java.lang.NullPointerException"),
            ),
            (
                (
                    "error",
                    'com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException: Unrecognized field "unit_code" (class {pkg}.model.{cap}Request)'
                    + _AT,
                ),
            ),
            (
                (
                    "error",
                    "Handler dispatch failed: java.lang.NoSuchMethodError: 'java.util.List {pkg}.core.Rules.active()'"
                    + _AT,
                ),
            ),
            (
                (
                    "error",
                    "java.lang.ClassCastException: class java.lang.Integer cannot be cast to class java.lang.Long"
                    + _AT,
                ),
                ("error", "Could not {verb} {table} {user}"),
            ),
        ),
        "connection_pool": (
            (
                (
                    "error",
                    "HikariPool-1 - Connection is not available, request timed out after 30{mid}ms (total={pool}, active={pool}, idle=0, waiting={n})",
                ),
                (
                    "error",
                    "org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain JDBC Connection",
                ),
            ),
            (
                (
                    "error",
                    "Timeout waiting for connection from pool (leased: {pool}; pending: {n}; available: 0; max: {pool})",
                ),
                (
                    "error",
                    "org.apache.http.conn.ConnectionPoolTimeoutException: Timeout waiting for connection from pool",
                ),
            ),
        ),
        "memory_leak": (
            (
                ("error", 'Exception in thread "http-nio-8080-exec-{few}" java.lang.OutOfMemoryError: Java heap space'),
                ("warn", "GC overhead: Pause Full (G1 Compaction Pause) 40{few}1M->40{few}0M(4096M) {long}ms"),
                (
                    "error",
                    _SERVLET + " [Handler dispatch failed: java.lang.OutOfMemoryError: GC overhead limit exceeded]",
                ),
            ),
        ),
        "disk_full": (
            (
                ("error", "java.io.IOException: No space left on device" + _AT),
                ("error", "Could not write /var/lib/{svc}/spool/{id}.tmp: No space left on device"),
            ),
        ),
        "bad_configuration": (
            (
                ("error", "Could not resolve placeholder '{setting}' in value \"${{setting}}\""),
                (
                    "error",
                    "Failed to {verb} {id}: java.lang.IllegalStateException: required property {setting} is missing",
                ),
            ),
            (
                (
                    "error",
                    'java.lang.NumberFormatException: For input string: "30s" while reading property {setting}' + _AT,
                ),
            ),
            (
                ("error", "No enum constant {pkg}.config.Mode.STRICKT for {setting}"),
                ("error", "Invalid configuration of {cap}Properties: {setting} must not be negative"),
            ),
        ),
        "traffic_surge": (
            (
                ("warn", "Executor http-nio-8080-exec is saturated: active=200 queued={mid} rejected={n}"),
                (
                    "error",
                    "org.springframework.core.task.TaskRejectedException: ExecutorService in active state did not accept task",
                ),
                ("warn", "Rate limit exceeded for client {ip}: {big} requests in the last minute"),
            ),
        ),
        "clock_skew": (
            (
                (
                    "error",
                    "Jwt verification failed: JWT used before its not-before time (nbf), current time differs by {skew} s",
                ),
                ("warn", "Token {id} was issued {skew} seconds in the future"),
            ),
            (
                (
                    "error",
                    "JWT expired {skew}000 milliseconds ago at {notafter}. Allowed clock skew: 60000 milliseconds.",
                ),
            ),
        ),
        "slow_dependency": (
            (
                ("warn", "{verb} took {long} ms, threshold is 2000 ms"),
                ("warn", "Request {id} still running after {long} ms"),
            ),
        ),
        "certificate": (
            (
                (
                    "warn",
                    "TLS handshake failed with /{ip}: javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_expired",
                ),
            ),
        ),
    },
)
