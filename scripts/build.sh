#!/usr/bin/env bash
# scripts/build.sh PRESET [TARGET...]: configures and builds into build/PRESET, with as many compilers at once as the
# machine has processors, but no more than one for every 2 GB of free memory.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?usage: scripts/build.sh dev|release|asan|tsan [TARGET...]}
shift
jobs=$(nproc)
free_gb=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo)
if [ "$jobs" -gt $((free_gb / 2)) ]; then
  jobs=$((free_gb / 2 > 0 ? free_gb / 2 : 1))
fi

cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
