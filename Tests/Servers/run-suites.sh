#!/usr/bin/env bash
# Runs every test, or those that the arguments for `swift test` name. Started by ./zoco test with its servers up.
#
# Simulations hold their thread until the run is over; on two cores they would starve the live tests of theirs. So the
# integration tests and those that talk to a scripted server on loopback run apart, one after the other; and so does what
# a filter names, which may be both.
set -euo pipefail
tests=(swift test --package-path "$(dirname "${BASH_SOURCE[0]}")/../.." --skip-build --disable-xctest)
if [ $# -gt 0 ]; then exec "${tests[@]}" --no-parallel "$@"; fi
live='^(IntegrationTests|RedisTests)\.'
"${tests[@]}" --skip "$live"
"${tests[@]}" --filter "$live" --no-parallel
