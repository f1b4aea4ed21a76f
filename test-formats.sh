#!/usr/bin/env bash
# Loads an export in every format with the library that reads it, and runs the README's example. Not part of ./test.sh: the first run
# downloads some 3 GB of Python packages into build/formats, later ones use them. Arguments: the formats to load (all).
set -euo pipefail
cd "$(dirname "$0")"

venv=$PWD/build/formats/venv
wanted=$(sha256sum tests/formats/requirements.txt)
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --no-deps --ignore-requires-python -r tests/formats/requirements.txt
  echo "$wanted" > "$venv/installed"
fi
scripts/install.sh
cmake --preset dev -DASSAY_PYARROW="$("$venv/bin/python" -c 'import pyarrow; print(pyarrow.__path__[0])')"
scripts/build.sh dev assay assay-launcher assay-parquet
exec "$venv/bin/python" tests/formats/load_formats.py "$@"
