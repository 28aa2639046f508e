# shellcheck shell=bash
# A PostgreSQL of our own, in a folder of its own, on a free loopback port. Sourced by ./zoco.

# The folder of the newest PostgreSQL server's programs.
postgres_bin() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) "$(pg_config --bindir 2>/dev/null)"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pgbench" ]; then
      printf '%s\n' "$folder"
      return 0
    fi
  done
  return 1
}

# Runs a server program. PostgreSQL refuses to run as root, so that root becomes the package's user.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
  else
    "$@"
  fi
}

# start_postgres FOLDER SETTING...: starts a server below FOLDER and exports ZOCO_TEST_DATABASE_URL (the superuser
# `zoco`, over TCP, without TLS), ZOCO_TEST_DATABASE_CA (its certificate; the server also speaks TLS as `localhost`)
# and ZOCO_POSTGRES_BIN (pgbench, psql and pg_dump of its version).
#
# Defaults stay, but for: 300 connections (test suites run at the same time, each with its pool), and what the caller
# sets. Tests set fsync=off: the machine's own crash is not among their faults. Benchmarks keep it on.
start_postgres() {
  local folder=$1 bin password port setting attempt options=()
  shift
  bin=$(postgres_bin)
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s\n' "$password" >"$folder/password"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$folder/server.key" -out "$folder/server.crt" 2>/dev/null
  chmod 600 "$folder/server.key" "$folder/password"
  [ "$(id -u)" -ne 0 ] || chown -R postgres: "$folder"
  as_postgres "$bin/initdb" --pgdata="$folder/data" --username=zoco --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync --no-instructions >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; return 1; }
  for setting in "listen_addresses=127.0.0.1" "unix_socket_directories=" "max_connections=300" "ssl=on" \
    "ssl_cert_file=$folder/server.crt" "ssl_key_file=$folder/server.key" "$@"; do
    printf '%s = '"'%s'"'\n' "${setting%%=*}" "${setting#*=}"
  done | as_postgres tee -a "$folder/data/postgresql.conf" >/dev/null
  for attempt in 1 2 3 4 5 6 7 8; do
    port=$((20000 + RANDOM % 12000)) # below the range from which the system takes ports for clients
    options=(--pgdata="$folder/data" --log="$folder/postgres.log" --options="-p $port" --timeout=60 --silent)
    if as_postgres "$bin/pg_ctl" start "${options[@]}" >/dev/null 2>&1; then
      export ZOCO_TEST_DATABASE_URL="postgresql://zoco:$password@127.0.0.1:$port/postgres?sslmode=disable"
      export ZOCO_TEST_DATABASE_CA="$folder/server.crt" ZOCO_POSTGRES_BIN="$bin"
      return 0
    fi
    grep -q "Address already in use" "$folder/postgres.log" || break
    say "port $port is taken, trying another (attempt $attempt)"
  done
  cat "$folder/postgres.log" >&2
  return 1
}

# Stops the server below FOLDER, if it runs. `immediate`: its data is thrown away.
stop_postgres() {
  [ -f "$1/data/postmaster.pid" ] || return 0
  as_postgres "$(postgres_bin)/pg_ctl" stop --pgdata="$1/data" --mode=immediate --silent >/dev/null 2>&1 || true
}
