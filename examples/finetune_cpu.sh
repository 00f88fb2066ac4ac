#!/usr/bin/env bash
# From a program to a corpus, to a tiny model, to a monologue that is checked: the whole way, on a CPU.
# The model has random weights and learns what is said of one program by heart; it shows the way, not what
# a model can do.
# Usage: examples/finetune_cpu.sh [DIRECTORY]   (needs pip install ".[all]" in the checkout)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-finetune-demo}
export OMP_NUM_THREADS=1  # for matrices as small as these, more threads cost more than they give

program="$here/programs/binary_search.py"
pytrace-mono synth "$program" --out "$work/corpus" --quiet
settings=(--set data="$work/corpus" --set output="$work/run" --set epochs=80 --set samples_per_step=2
  --set held_out=0)
pytrace-mono train tiny-cpu "${settings[@]}" --dry-run
pytrace-mono train tiny-cpu "${settings[@]}"
pytrace-mono generate "$work/run/model" --task forward --program "$program" --max-tokens 1000 \
  --call "first_at_least([2, 3, 5, 7, 11, 13], 6)"
echo "The model is in $work/run/model; see $work/run/loss.png and $work/run/log.jsonl."
