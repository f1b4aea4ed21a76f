#!/usr/bin/env bash
# What needs a GPU, on a machine that may have nothing but the CUDA toolkit, CMake and the headers of Catch2, nlohmann/json and OpenSSL: builds
# the kernels, the model and the runtime as tests/alone does, and runs their tests, which take the device as one more. Where $ASSAY names the
# program, with the libraries it needs in reach, it plays whole rollouts too.
#
#   ./test-gpu.sh                                # tests
#   ./test-gpu.sh memcheck synccheck racecheck   # the kernels under these tools of compute-sanitizer instead; they take minutes
#
# $CMAKE_ARGS goes to CMake: -DCATCH_INCLUDE_DIR=… and its like, where headers are not where CMake looks.
set -euo pipefail
cd "$(dirname "$0")"
export ASSAY_SOURCE=$PWD
nvidia-smi -L   # without a device there is nothing to test

read -ra cmake_args <<<"${CMAKE_ARGS:-}"
cmake -S tests/alone -B build/alone -DCMAKE_BUILD_TYPE=Release "${cmake_args[@]}"
cmake --build build/alone --parallel

# Every test that comes to the device. A race is looked for in one that meets every kernel's paths; where that has many cases, in some of them.
sanitize() {
  local tool=$1
  shift
  echo "$tool: $*"
  compute-sanitizer --tool "$tool" --error-exitcode 1 build/alone/test_kernels "$@"
}
races() {
  local test
  for test in "elementwise kernels agree*,norms agree*,every rotary*,angles are*,in FP8 a NaN*,a row without a slot*,the gate chooses*,forced experts*,pairs are listed*" \
      "what a row selected*,matrix products agree*,grouped products agree*,problems whose rows*,indexer logits agree*,attention over chosen*,NaN and infinities reach*" \
      "a row's wide product*,attention of many rows*,every table refuses*" "a long row of the largest size*"; do
    sanitize racecheck "$test"
  done
  for case in 0 2 5; do sanitize racecheck "every top-k chooses*" -c "case $case"; done
  sanitize racecheck "every table draws*" -c "vocabulary 64, few levels"
}

if [ $# -eq 0 ]; then
  build/alone/test_kernels
  [ ! -x build/alone/test_model ] || build/alone/test_model
  [ -z "${ASSAY:-}" ] || python3 -m unittest -v tests/engine/dsa_rollout_test.py
fi
for tool in "$@"; do
  if [ "$tool" = racecheck ]; then races
  else sanitize "$tool" "~*of a processor*,~cache layouts*,~an E4M3 cache*"
  fi
done
