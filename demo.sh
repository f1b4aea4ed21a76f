#!/usr/bin/env bash
# Installs what is missing, builds for speed, and shows the main job from a database to a dataset.
set -euo pipefail
cd "$(dirname "$0")"

scripts/install.sh
scripts/build.sh release assay
exec scripts/demo_run.sh build/release/assay "$@"
