#!/bin/sh
# Starts Temporal with the password of its database, which it takes from its environment only, out of a file.
set -eu

POSTGRES_PWD="$(cat /run/secrets/temporal_db_password)"
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
