#!/bin/sh
# Makes the two roles and the database, once, on an empty data directory.
#
# turnlog_owner   owns the database; runs `turnlog db migrate` and nothing else.
# turnlog_writer  what services run as. It owns nothing: the migration grants it SELECT on turnlog's
#                 tables and the function that appends, so a running process can neither rewrite the
#                 log nor step around its order.
set -eu

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
    --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" \
    --set=owner_password="$TURNLOG_OWNER_PASSWORD" \
    --set=writer_password="$TURNLOG_WRITER_PASSWORD" <<'SQL'
CREATE ROLE turnlog_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE turnlog_writer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'writer_password';
CREATE DATABASE turnlog OWNER turnlog_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE turnlog FROM PUBLIC;
GRANT CONNECT ON DATABASE turnlog TO turnlog_writer;
SQL
