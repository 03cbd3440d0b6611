"""Django or FastAPI behind gunicorn."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

_TRACE = 'Traceback (most recent call last):\n  File "/app/{mod}/views.py", line {line}, in {verb}\n    return self.handle(request)\n  File "/app/{mod}/services.py", line {line}, in handle\n    result = self._{verb}(payload)\n'

PYTHON = Voice(
    name="gunicorn",
    layouts=("python", "gunicorn", "structlog_json", "python_json"),
    loggers=("{mod}.views", "{mod}.services", "django.request", "{mod}.tasks"),
    normal=(
        ("info", '{ip} - "{method} {path} HTTP/1.1" {status} {ms}ms'),
        ("info", "request finished method={method} path={path} status={status} elapsed={ms}ms"),
        ("info", "Task {mod}.tasks.{verb}[{id}] succeeded in {ms}ms"),
        ("debug", "cache get {table}:{user}"),
        ("info", "synced {n} {table} for customer {user}"),
    ),
    chatter=(
        ("warn", "Not Found: /favicon.ico"),
        ("warn", "RemovedInNextVersionWarning: {table}.extra() is deprecated"),
        ("warn", "retrying task {id} in {few}s"),
        ("warn", "Session cookie of user {user} is close to its size limit"),
    ),
    mishaps=(
        ("error", "Invalid HTTP_HOST header: '{ip}:8000'. You may need to add '{ip}' to ALLOWED_HOSTS."),
        ("error", "Bad Request: {path} json decode error at char {n}"),
        ("error", "Ignoring EPIPE while replying to {ip}"),
    ),
    boot=(
        ("info", "Handling signal: term"),
        ("info", "Starting gunicorn 23.0.0"),
        ("info", "Listening at: http://0.0.0.0:8000 (1)"),
        ("info", "Booting worker with pid: {n}"),
        ("info", "release {version} ready"),
    ),
    calls={
        "timeout": (
            ("error", "HTTPConnectionPool(host='{host}', port={port}): Read timed out. (read timeout={few})"),
            ("error", "httpx.ReadTimeout while calling {peer} {path} after {timeout}ms"),
            ("warn", "call to {peer} slow: {long}ms"),
        ),
        "refused": (
            (
                "error",
                "HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: {path} (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
            ),
            (
                "error",
                "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host {host}:{port} ssl:default [Connect call failed]",
            ),
        ),
        "failed": (
            (
                "error",
                "requests.exceptions.HTTPError: 500 Server Error: Internal Server Error for url: http://{host}:{port}{path}",
            ),
            ("error", "{peer} responded with 502 to {method} {path}"),
            ("warn", "giving up on {peer} after 3 attempts, last status 503"),
        ),
        "certificate": (
            (
                "error",
                "HTTPSConnectionPool(host='{host}', port={port}): Max retries exceeded with url: {path} (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1007)')))",
            ),
            (
                "error",
                "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired while talking to {host}",
            ),
        ),
        "dns": (
            (
                "error",
                "HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: {path} (Caused by NameResolutionError(\"Failed to resolve '{host}' ([Errno -2] Name or service not known)\"))",
            ),
            ("error", "socket.gaierror: [Errno -3] Temporary failure in name resolution: {host}"),
        ),
        "denied": (
            ("error", "{peer} refused our token for {path}: 401 The token is not yet valid (iat)"),
            (
                "error",
                "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: http://{host}:{port}{path}",
            ),
        ),
        "throttled": (
            ("warn", "429 from {peer}, backing off {few}s"),
            (
                "error",
                "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: http://{host}:{port}{path}",
            ),
        ),
    },
    store_calls={
        "timeout": (
            ("error", "django.db.utils.OperationalError: canceling statement due to statement timeout ({peer})"),
            ("error", "redis.exceptions.TimeoutError: Timeout reading from {host}:{port}"),
            ("warn", "slow query on {peer}: {long}ms"),
        ),
        "refused": (
            (
                "error",
                'psycopg2.OperationalError: connection to server at "{host}", port {port} failed: Connection refused',
            ),
            ("error", "redis.exceptions.ConnectionError: Error 111 connecting to {host}:{port}. Connection refused."),
        ),
        "failed": (
            ("error", "psycopg2.OperationalError: {host}: statement on {table} failed"),
            ("error", "write to {peer} failed, transaction rolled back"),
        ),
        "crowded": (
            (
                "error",
                'psycopg2.OperationalError: connection to server at "{host}", port {port} failed: FATAL:  sorry, too many clients already',
            ),
        ),
    },
    vague=(
        ("error", "Internal Server Error: {path}"),
        ("error", "request {id} failed with status 500"),
        ("error", "Task {mod}.tasks.{verb}[{id}] raised unexpected error"),
    ),
    faults={
        "bad_deployment": (
            (("error", "Internal Server Error: {path}\n" + _TRACE + "KeyError: 'unit_code'"),),
            (
                (
                    "error",
                    "Internal Server Error: {path}\n"
                    + _TRACE
                    + "AttributeError: 'NoneType' object has no attribute 'amount'",
                ),
            ),
            (
                (
                    "error",
                    "Exception in ASGI application\n"
                    + _TRACE
                    + "TypeError: {verb}() missing 1 required positional argument: 'region'",
                ),
                ("error", "{verb} crashed for {user}"),
            ),
            (
                (
                    "error",
                    "Internal Server Error: {path}\n"
                    + _TRACE
                    + "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
                ),
            ),
        ),
        "connection_pool": (
            (
                (
                    "error",
                    "sqlalchemy.exc.TimeoutError: QueuePool limit of size {pool} overflow 10 reached, connection timed out, timeout 30.00",
                ),
                ("warn", "Connection pool is full, discarding connection. Connection pool size: {pool}"),
            ),
            (
                ("error", "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec"),
                ("error", "asyncpg pool exhausted: {pool} of {pool} in use, {n} waiting"),
            ),
        ),
        "memory_leak": (
            (
                ("error", "Worker (pid:{n}) was sent SIGKILL! Perhaps out of memory?"),
                ("info", "Booting worker with pid: {n}"),
                ("error", "MemoryError: Unable to allocate {mid} KiB"),
            ),
        ),
        "disk_full": (
            (
                (
                    "error",
                    "Internal Server Error: {path}\n"
                    + _TRACE
                    + "OSError: [Errno 28] No space left on device: '/var/lib/{svc}/upload/{id}'",
                ),
                ("error", "could not flush log buffer: [Errno 28] No space left on device"),
            ),
        ),
        "bad_configuration": (
            (("error", "django.core.exceptions.ImproperlyConfigured: The {setting} setting must not be empty."),),
            (
                ("error", "Internal Server Error: {path}\n" + _TRACE + "KeyError: '{setting}'"),
                ("error", "environment variable {setting} is not set"),
            ),
            (
                (
                    "error",
                    "pydantic_core.ValidationError: 1 validation error for Settings\n{setting}\n  Input should be a valid integer, unable to parse string as an integer",
                ),
            ),
        ),
        "traffic_surge": (
            (
                ("warn", "worker queue length {mid} above limit 64, shedding load"),
                ("warn", "Too Many Requests: {path}"),
                ("error", "All {pool} workers are busy, backlog of {mid} connections"),
            ),
        ),
        "clock_skew": (
            (
                (
                    "error",
                    "jwt.exceptions.ImmatureSignatureError: The token is not yet valid (iat), difference {skew}s",
                ),
                ("warn", "system time jumped by {skew} seconds"),
            ),
            (("error", "Signature expired: request date is {skew} seconds away from server time"),),
        ),
        "slow_dependency": ((("warn", "{verb} needed {long}ms"), ("error", "WORKER TIMEOUT (pid:{n})")),),
        "certificate": (
            (
                (
                    "warn",
                    "ssl.SSLError: [SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired from {ip}",
                ),
            ),
        ),
    },
)
