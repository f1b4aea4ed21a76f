#!/usr/bin/env bash
# Installs what building and testing assay needs and this machine lacks, from Debian's own packages. No GPU, no CUDA.
# As root, or through sudo. Where nothing is missing it only looks, which takes a few milliseconds.
set -euo pipefail

packages=(
  g++ cmake ninja-build git python3 ca-certificates    # to build and to run the tests
  nlohmann-json3-dev libsimdjson-dev libsqlite3-dev    # JSON, answers from outside, databases
  libcurl4-openssl-dev libssl-dev libzstd-dev          # HTTP, SHA-256, compressed segments
  libgecode-dev libcli11-dev                           # the constraint solver, the command line
  libexpat1-dev                                        # test reports in XML
  libseccomp-dev bubblewrap                            # the sandbox, and what users without root have instead
  libboost-dev libboost-filesystem-dev                 # programs of this machine, in processes of their own
  libgit2-dev zlib1g-dev                               # the history of repositories, binary patches
  libtomlplusplus-dev                                  # what projects in Python declare
  libpcre2-dev libutf8proc-dev                         # the words of a tokenizer, and its composed characters
  python3-ipykernel python3-jupyter-client             # the code interpreter, and what its tasks compute with:
  python3-numpy python3-pandas python3-scipy python3-sympy python3-matplotlib
  catch2                                               # tests only, and what repositories that they make are tested with:
  python3-pytest nodejs cargo make autoconf automake meson
  chromium                                             # tests only: the pages of reports are looked at in a browser
  zsh fish                                             # tests only: completions are typed into them
  slurmctld slurmd slurm-client munge                  # tests only: a cluster of one node is started
)

if ! command -v apt-get >/dev/null; then
  echo "install: this script knows apt (Debian 12); install what corresponds to these packages: ${packages[*]}" >&2
  exit 1
fi

missing=()
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
for package in "${packages[@]}"; do
  grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "install: nothing is missing"
  exit 0
fi

echo "install: missing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install: neither root nor sudo; have an administrator run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "install: installing them with apt-get, and what they depend on"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
echo "install: installed: ${missing[*]}"
