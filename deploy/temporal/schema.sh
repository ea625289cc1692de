#!/bin/sh
# Makes Temporal's two databases and brings their schemas up to this version; what is there already stays.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres-password)
export SQL_PASSWORD

for part in temporal:temporal temporal_visibility:visibility; do
  database=${part%:*}
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/${part#*:}"
done
