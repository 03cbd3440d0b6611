"""Databases, caches and queues."""

from __future__ import annotations

from sandbox.incidents.voices.voice import Voice

POSTGRES = Voice(
    name="postgres",
    layouts=("postgres",),
    loggers=("postgres",),
    normal=(
        ("log", "duration: {ms}.{mid} ms  execute <unnamed>: SELECT * FROM {table} WHERE id = $1"),
        ("log", "checkpoint complete: wrote {mid} buffers ({few}.{few}%); 0 WAL file(s) added"),
        ("log", "connection authorized: user=app database={table}"),
        ("log", 'automatic vacuum of table "main.public.{table}": index scans: 1'),
    ),
    chatter=(
        ("warn", "there is no transaction in progress"),
        ("log", "could not receive data from client: Connection reset by peer"),
    ),
    mishaps=(
        ("error", 'duplicate key value violates unique constraint "{table}_pkey"'),
        ("error", "canceling autovacuum task"),
    ),
    boot=(("log", "received fast shutdown request"), ("log", "database system is ready to accept connections")),
    faults={
        "slow_dependency": (
            (
                (
                    "log",
                    "duration: {long}.{mid} ms  execute <unnamed>: SELECT * FROM {table} WHERE status = $1 ORDER BY created_at",
                ),
            ),
            (
                ("log", "process {n} still waiting for ShareLock on transaction {big} after 1000.{mid} ms"),
                ("log", "duration: {long}.{mid} ms  statement: UPDATE {table} SET state = $1 WHERE id = $2"),
            ),
        ),
        "disk_full": (
            (
                ("error", 'could not extend file "base/16401/{big}": No space left on device'),
                ("fatal", 'could not write to file "pg_wal/xlogtemp.{n}": No space left on device'),
            ),
        ),
        "connection_pool": (
            (
                ("fatal", "sorry, too many clients already"),
                ("fatal", "remaining connection slots are reserved for roles with the SUPERUSER attribute"),
            ),
        ),
        "certificate": ((("log", "could not accept SSL connection: sslv3 alert certificate expired"),),),
    },
)

REDIS = Voice(
    name="redis",
    layouts=("redis",),
    loggers=("redis",),
    normal=(
        ("info", "{big} changes in 60 seconds. Saving..."),
        ("info", "Background saving terminated with success"),
        ("info", "DB saved on disk"),
        ("debug", "{n} clients connected (0 replicas), {big} bytes in use"),
    ),
    chatter=(("warn", "WARNING Memory overcommit must be enabled! Without it, a background save may fail"),),
    mishaps=(("warn", "Error accepting a client connection: error:0A00010B:SSL routines::wrong version number"),),
    boot=(("info", "User requested shutdown..."), ("info", "Ready to accept connections tcp")),
    faults={
        "slow_dependency": (
            (
                (
                    "warn",
                    "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete",
                ),
                ("warn", "slow command KEYS {table}:* took {long} ms"),
            ),
        ),
        "memory_leak": (
            (
                ("warn", "OOM command not allowed when used memory > 'maxmemory'."),
                ("warn", "evicted {big} keys in the last minute"),
            ),
        ),
        "disk_full": (
            (
                ("warn", "Write error saving DB on disk: No space left on device"),
                (
                    "error",
                    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk",
                ),
            ),
        ),
    },
)

KAFKA = Voice(
    name="kafka",
    layouts=("kafka",),
    loggers=("kafka.log.UnifiedLog", "kafka.coordinator.group.GroupCoordinator", "kafka.server.ReplicaManager"),
    normal=(
        ("info", "[Log partition={table}-{few}, dir=/var/lib/kafka] Rolled new log segment at offset {big}"),
        ("info", "[GroupCoordinator 1]: Stabilized group {table}-consumers generation {n}"),
        ("info", "[ReplicaFetcher replicaId=1] Truncated partition {table}-{few}"),
    ),
    chatter=(
        ("warn", "[GroupCoordinator 1]: Member consumer-{few} in group {table}-consumers has failed, removing it"),
    ),
    mishaps=(("error", "[KafkaApi-1] Unexpected version {few} for request FETCH from {ip}"),),
    boot=(("info", "shutting down"), ("info", "[KafkaServer id=1] started")),
    faults={
        "disk_full": (
            (
                (
                    "error",
                    "Error while writing to checkpoint file /var/lib/kafka/replication-offset-checkpoint: java.io.IOException: No space left on device",
                ),
                ("error", "[Log partition={table}-{few}] Failed to append: No space left on device"),
            ),
        ),
        "slow_dependency": (
            (
                ("warn", "[ReplicaManager broker=1] Shrinking ISR for partition {table}-{few} from 1,2,3 to 1"),
                ("warn", "Produce request {id} took {long} ms"),
            ),
        ),
    },
)

SILENT = Voice(name="silent", layouts=("python",), loggers=("-",), normal=(), chatter=(), mishaps=(), boot=())
"""A vendor outside: nobody has its logs."""
