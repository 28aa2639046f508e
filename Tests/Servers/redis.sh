# shellcheck shell=bash
# A Redis of our own, in a folder of its own, on a free loopback port. Sourced by ./zoco.

# start_redis FOLDER: starts a server below FOLDER and exports ZOCO_TEST_REDIS_URL (with a password, over TCP) and
# ZOCO_REDIS_SERVER (the program, for the tests that start replicas and sentinels of their own).
#
# It writes nothing to disk and takes nothing from the package's configuration, whose own service does not matter.
start_redis() {
  local folder=$1/redis password port attempt
  mkdir -p "$folder"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  for attempt in 1 2 3 4 5 6 7 8; do
    port=$((20000 + RANDOM % 12000)) # below the range from which the system takes ports for clients
    {
      printf 'port %s\nbind 127.0.0.1\ndir %s\npidfile %s\nlogfile %s\n' \
        "$port" "$folder" "$folder/redis.pid" "$folder/redis.log"
      printf 'requirepass %s\ndaemonize yes\nsave ""\nappendonly no\n' "$password"
    } >"$folder/redis.conf"
    chmod 600 "$folder/redis.conf"
    : >"$folder/redis.log"
    if redis-server "$folder/redis.conf" >/dev/null 2>&1 && redis_answers "$folder" "$port" "$password"; then
      export ZOCO_TEST_REDIS_URL="redis://:$password@127.0.0.1:$port/0"
      ZOCO_REDIS_SERVER=$(command -v redis-server)
      export ZOCO_REDIS_SERVER
      return 0
    fi
    grep -q "Address already in use" "$folder/redis.log" || break
    say "port $port is taken, trying another (attempt $attempt)"
  done
  cat "$folder/redis.log" >&2
  return 1
}

# Whether the server of FOLDER answers, within five seconds.
redis_answers() {
  local waited=0
  while [ "$waited" -lt 100 ]; do
    if [ "$(REDISCLI_AUTH=$3 redis-cli -h 127.0.0.1 -p "$2" ping 2>/dev/null)" = PONG ]; then return 0; fi
    if grep -q "Address already in use" "$1/redis.log"; then return 1; fi
    sleep 0.05
    waited=$((waited + 1))
  done
  return 1
}

# Stops the server below FOLDER, if it runs.
stop_redis() {
  local pid
  pid=$(cat "$1/redis/redis.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}
