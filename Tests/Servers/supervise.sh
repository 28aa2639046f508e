# shellcheck shell=bash
# Runs one command between the start and the end of its servers, whatever ends it. Sourced by ./zoco.

servers_folder="" command_group=""

# with_servers SERVERS SETTING COMMAND...: starts the servers that SERVERS names in its order ("postgres redis rabbitmq";
# PostgreSQL, with SETTING, comes first, as it takes the folder for its user), runs COMMAND, removes everything, and exits
# as COMMAND did: also after Ctrl-C, TERM and HUP.
with_servers() {
  local servers=$1 setting=$2 server started status=0
  shift 2
  trap 'tear_down' EXIT
  trap 'interrupted INT 130' INT
  trap 'interrupted TERM 143' TERM
  trap 'interrupted HUP 129' HUP
  servers_folder=$(mktemp -d "${TMPDIR:-/tmp}/zoco-servers.XXXXXXXX")
  chmod 755 "$servers_folder"
  for server in $servers; do
    started=$(milliseconds)
    case $server in
      postgres) start_postgres "$servers_folder" "$setting" ;;
      *) "start_$server" "$servers_folder" ;;
    esac || fail "$server did not start"
    say "$server is up in $(($(milliseconds) - started)) ms"
  done
  # A process group of its own: a signal from the terminal reaches this shell only, which then ends the whole group.
  set -m
  "$@" </dev/null &
  command_group=$!
  set +m
  wait "$command_group" || status=$?
  command_group=""
  exit "$status"
}

# A signal came: the command ends first, then the servers (tear_down, by the trap on EXIT).
interrupted() {
  trap '' INT TERM HUP
  if [ -n "$command_group" ]; then
    kill "-$1" -- "-$command_group" 2>/dev/null || true
    local waited=0
    while kill -0 -- "-$command_group" 2>/dev/null && [ "$waited" -lt 50 ]; do
      sleep 0.1
      waited=$((waited + 1))
    done
    kill -KILL -- "-$command_group" 2>/dev/null || true
  fi
  exit "$2"
}

tear_down() {
  local status=$? server
  trap '' INT TERM HUP EXIT
  if [ -n "$servers_folder" ]; then
    for server in rabbitmq redis postgres; do "stop_$server" "$servers_folder"; done
    rm -rf "$servers_folder"
  fi
  exit "$status"
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
