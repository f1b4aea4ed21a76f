#!/usr/bin/env bash
# scripts/demo_run.sh PATH_TO_ASSAY [OUTDIR]: the main job from a database to a dataset, in a fresh folder (default demo-out).
set -euo pipefail

assay=$(realpath "${1:?usage: scripts/demo_run.sh PATH_TO_ASSAY [OUTDIR]}")
out=${2:-demo-out}
marker=.assay-demo
if [ -e "$out" ] && [ ! -e "$out/$marker" ]; then
  echo "demo: $out exists and was not made by this demo; name another folder: ${BASH_SOURCE[0]} $1 FOLDER" >&2
  exit 2
fi
rm -rf "$out"
mkdir -p "$out"
touch "$out/$marker"
cd "$out"

step() {
  echo
  echo "== $1"
  shift
  echo "\$ assay $*"
  "$assay" "$@" | sed '/^next:/,$d'
}

step "Make ten tasks of the report's trip planning, and prove each one sound" synth travel --preset report --count 10
step "Make fifty more, ten of each difficulty" synth travel --preset difficulty --count 50
step "Play each task's gold, found by a program that sees only the tools" rollout --policy gold
step "Let two policies attempt each task four times" rollout --policy random,greedy --group 4
step "Judge every stored attempt again" verify
step "Compute some certificates again, and compare them byte for byte" audit --limit 5
step "Try every known way to cheat on each task" attack
step "Write what the gold policy did as chat data" export --format openai_chat --policy gold --out openai_chat
step "Write the tasks as prompts with a reward module" export --format grpo --out grpo

echo
echo "== What there is now"
"$assay" show store
task=$("$assay" list tasks --limit 1 | awk 'NR == 2 { print $1 }')
cat <<END
datasets     $PWD/openai_chat and $PWD/grpo

Try next, in $PWD:
  $assay show task $task
  $assay list rollouts --policy random --limit 5
  $assay rollout --policy openai:http://localhost:8000/v1 --model NAME --group 4 --limit 5
END
