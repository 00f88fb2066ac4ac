#!/usr/bin/env bash
# From programs to a corpus, to a tiny model, to a monologue that is checked: the whole way, on a CPU.
# The model has random weights and learns three programs by heart; it shows the way, not what a model can do.
# Usage: examples/finetune_cpu.sh [DIRECTORY]   (needs pip install "pytrace_mono[all]")
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-finetune-demo}

pytrace-mono synth "$here/programs" --out "$work/corpus" --limit 3 --quiet
settings=(--set data="$work/corpus" --set output="$work/run" --set epochs=40 --set held_out=0)
pytrace-mono train tiny-cpu "${settings[@]}" --dry-run
pytrace-mono train tiny-cpu "${settings[@]}"
pytrace-mono generate "$work/run/model" --task forward --program "$here/programs/binary_search.py" \
  --max-tokens 500 --call "first_at_least([2, 3, 5, 7, 11, 13], 6)"
echo "The model is in $work/run/model; see $work/run/loss.png and $work/run/log.jsonl."
