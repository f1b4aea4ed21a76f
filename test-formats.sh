#!/usr/bin/env bash
# Loads an export in every format with the library that reads it, and runs the README's example. Not part of ./test.sh: the first run
# downloads some 3 GB of Python packages into build/formats, later ones use them.
set -euo pipefail
cd "$(dirname "$0")"

venv=$PWD/build/formats/venv
wanted=$(sha256sum tests/formats/*.txt)
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet -r tests/formats/requirements.txt
  # Harbor asks for Python 3.12; what is loaded of it here runs on 3.11.
  "$venv/bin/pip" install --quiet --no-deps --ignore-requires-python -r tests/formats/readers.txt
  echo "$wanted" > "$venv/installed"
fi
scripts/install.sh
scripts/build.sh dev
exec "$venv/bin/python" tests/formats/load_formats.py "$@"
