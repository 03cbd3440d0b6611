#!/bin/sh
# Runs once, when PostgreSQL's data folder is new: one role and its own databases for Temporal, one for Surehand's store.
set -eu

secrets="${SECRETS_DIR:-/run/secrets}"
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set=temporal_password="$(cat "$secrets/temporal_db_password")" \
  --set=store_password="$(cat "$secrets/store_db_password")" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE ROLE surehand LOGIN PASSWORD :'store_password';
CREATE DATABASE surehand OWNER surehand;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, surehand FROM PUBLIC;
SQL
