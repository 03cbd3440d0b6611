#!/bin/sh
# Brings Temporal's two databases to the schema of this release. Safe to repeat: what is newer is left alone.
set -eu

SQL_PASSWORD="$(cat /run/secrets/temporal_db_password)"
export SQL_PASSWORD
for part in temporal:temporal visibility:temporal_visibility; do
  folder="/etc/temporal/schema/postgresql/v12/${part%%:*}/versioned"
  database="${part##*:}"
  tool="temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --db $database"
  $tool setup-schema --version 0.0
  $tool update-schema --schema-dir "$folder"
done
