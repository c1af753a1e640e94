#!/usr/bin/env bash
# At the first start: a role and a database for each service, which no other role may enter.
set -euo pipefail
passwords=${ROLE_PASSWORDS:-/run/secrets/postgres}
for file in "$passwords"/*; do
    ROLE=$(basename "$file")
    PASSWORD=$(<"$file")
    export ROLE PASSWORD
    [ "$ROLE" != postgres ] || continue
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
        --dbname postgres <<'SQL'
\getenv role ROLE
\getenv password PASSWORD
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
