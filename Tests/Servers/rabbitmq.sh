# shellcheck shell=bash
# A RabbitMQ of our own: a private node with its own name, ports, folders and port mapper. Sourced by ./zoco.

# The script that starts a node; not the one in /usr/sbin, which looks after the package's own node.
rabbitmq_server() {
  local program
  for program in /usr/lib/rabbitmq/bin/rabbitmq-server "$(command -v rabbitmq-server 2>/dev/null)"; do
    if [ -x "$program" ] && command -v epmd >/dev/null; then
      printf '%s\n' "$program"
      return 0
    fi
  done
  return 1
}

# Runs a program as the package's user when we are root, as ourselves otherwise; in a session of its own, so that its
# whole group can be ended.
as_rabbitmq() {
  local as=()
  [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups --)
  cd / && exec setsid "${as[@]}" "$@"
}

# start_rabbitmq FOLDER: starts a node below FOLDER and exports ZOCO_TEST_RABBITMQ_URL (the administrator `zoco`, on
# loopback), ZOCO_TEST_RABBITMQ_TLS_URL and ZOCO_TEST_RABBITMQ_CA (its certificate, of `localhost`), and
# ZOCO_RABBITMQ_RESTART (a program that restarts the broker; it returns when the broker is up again).
#
# Distribution and the port mapper (epmd) listen on loopback too, on ports of their own, so that neither another node nor
# the package's own is ever met. Plugins and management stay off.
start_rabbitmq() {
  local folder=$1/rabbitmq password base server attempt
  server=$(rabbitmq_server)
  mkdir -p "$folder/home"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$folder/server.key" -out "$folder/server.crt" 2>/dev/null
  chmod 600 "$folder/server.key"
  for attempt in 1 2 3 4 5; do
    base=$((20000 + RANDOM % 12000 / 4 * 4)) # four ports below the range that the system gives to clients
    rabbitmq_configuration "$folder" "$base" "$password"
    [ "$(id -u)" -ne 0 ] || chown -R rabbitmq: "$folder"
    rabbitmq_environment "$folder" "$base"
    (as_rabbitmq env "${rabbitmq_settings[@]}" epmd -address 127.0.0.1 -port "$((base + 3))") \
      >"$folder/epmd.log" 2>&1 &
    printf '%s\n' "$!" >"$folder/epmd.pid"
    (as_rabbitmq env "${rabbitmq_settings[@]}" "$server") >"$folder/node.log" 2>&1 &
    printf '%s\n' "$!" >"$folder/node.pid"
    if rabbitmq_is_up "$folder" "$base"; then
      export ZOCO_TEST_RABBITMQ_URL="amqp://zoco:$password@127.0.0.1:$base/%2F"
      export ZOCO_TEST_RABBITMQ_TLS_URL="amqps://zoco:$password@localhost:$((base + 1))/%2F"
      export ZOCO_TEST_RABBITMQ_CA="$folder/server.crt" ZOCO_RABBITMQ_RESTART="$folder/restart"
      rabbitmq_restarter "$(dirname "$server")/rabbitmqctl" >"$ZOCO_RABBITMQ_RESTART"
      chmod 700 "$ZOCO_RABBITMQ_RESTART"
      return 0
    fi
    stop_rabbitmq "$1"
    grep -q eaddrinuse "$folder/node.log" "$folder"/log/*.log 2>/dev/null || break
    say "port $base is taken, trying another (attempt $attempt)"
  done
  tail -n 50 "$folder/node.log" >&2
  return 1
}

rabbitmq_configuration() {
  cat >"$1/rabbitmq.conf" <<CONFIGURATION
listeners.tcp.default = 127.0.0.1:$2
listeners.ssl.default = 127.0.0.1:$(($2 + 1))
ssl_options.certfile = $1/server.crt
ssl_options.keyfile = $1/server.key
ssl_options.verify = verify_none
default_user = zoco
default_pass = $3
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 1MB
CONFIGURATION
  chmod 600 "$1/rabbitmq.conf"
  echo "[]." >"$1/enabled_plugins"
}

# Sets `rabbitmq_settings`: what a node needs to be nobody else's.
rabbitmq_environment() {
  rabbitmq_settings=(
    "HOME=$1/home" "RABBITMQ_NODENAME=zoco$2@localhost" "RABBITMQ_CONF_ENV_FILE=$1/none"
    "RABBITMQ_CONFIG_FILE=$1/rabbitmq.conf" "RABBITMQ_ADVANCED_CONFIG_FILE=$1/none"
    "RABBITMQ_ENABLED_PLUGINS_FILE=$1/enabled_plugins" "RABBITMQ_MNESIA_BASE=$1/mnesia"
    "RABBITMQ_LOG_BASE=$1/log" "RABBITMQ_PID_FILE=$1/rabbit.pid" "RABBITMQ_DIST_PORT=$(($2 + 2))"
    "RABBITMQ_GENERATED_CONFIG_DIR=$1/generated" "RABBITMQ_FEATURE_FLAGS_FILE=$1/feature_flags"
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}"
    "ERL_EPMD_PORT=$(($2 + 3))" "ERL_EPMD_ADDRESS=127.0.0.1"
  )
}

# Prints a program that stops and starts the broker inside of its node, with the program CONTROL.
rabbitmq_restarter() {
  local as=()
  [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups --)
  printf '#!/usr/bin/env bash\ncd / && exec'
  printf ' %q' "${as[@]}" env "${rabbitmq_settings[@]}" "$1" --quiet eval 'rabbit:stop(), rabbit:start().'
  printf '\n'
}

# Waits until the node accepts connections: its listeners come last. Fails when the node has ended.
rabbitmq_is_up() {
  local waited=0
  while [ "$waited" -lt 600 ]; do
    kill -0 "$(cat "$1/node.pid")" 2>/dev/null || return 1
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return 0; fi
    sleep 0.1
    waited=$((waited + 1))
  done
  return 1
}

# Stops the node below FOLDER and its port mapper, if they run. At once: its data is thrown away.
stop_rabbitmq() {
  local name pid
  for name in node epmd; do
    [ -f "$1/rabbitmq/$name.pid" ] || continue
    pid=$(cat "$1/rabbitmq/$name.pid")
    rm -f "$1/rabbitmq/$name.pid"
    kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
