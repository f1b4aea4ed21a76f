#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test; arguments go to ctest (./test.sh -R layers).
set -euo pipefail
cd "$(dirname "$0")"

scripts/install.sh
scripts/build.sh dev
status=0
ctest --preset dev --output-on-failure --parallel 2 "$@" || status=$?

# Skipped tests say why, in the words of unittest or as a line "skipped: …"; ctest shows neither when a test passes.
# Neither does it show the table of how the engine's model agrees with other implementations.
grep -hE "\.\.\. skipped '|^ *skipped: " build/dev/Testing/Temporary/LastTest.log | sort -u || true
grep -h "^parity " build/dev/Testing/Temporary/LastTest.log || true
exit $status
