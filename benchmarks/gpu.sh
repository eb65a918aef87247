#!/usr/bin/env bash
# Everything a machine with a CUDA device should be asked once: the tests that need one, rates, a
# profile, five minutes of training with its curve, and a score. Meant to take 8 minutes.
#
#   bash benchmarks/gpu.sh [OUT] [WHEELS]
#
# It needs Python (python3, or what PYTHON names) and torch with CUDA; DEVICE=cpu tries the script
# where there is none. Packages that are missing beside it are installed, from the folder WHEELS
# when it is given: on a machine with a network, for the other's Python version,
#   pip download --python-version 3.12 --only-binary :all: -d WHEELS \
#       ale-py gymnasium tensorboard tyro rich safetensors scipy pytest hypothesis
# A stage that fails does not keep the next ones from running; the exit code tells.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} device=${DEVICE:-cuda}
out=${1:-gpu-results}
wheels=(${2:+--no-index --find-links "$2"})
run="$out/run-$(date +%H%M%S)"
failed=0
mkdir -p "$out"

"$python" -m pip install --quiet "${wheels[@]}" \
    ale-py gymnasium tensorboard tyro rich safetensors scipy pytest hypothesis ||
    echo "pip failed: going on with what is installed"
"$python" -m pytest -m gpu -q -p no:cacheprovider | tee "$out/tests.txt" || failed=1
"$python" -m benchmarks.gpu --out "$out" --device "$device" | tee "$out/tables.txt" || failed=1
# Ended by SIGINT, which writes the last checkpoint; 130 is that signal's exit code.
timeout --foreground --preserve-status --signal INT "${TRAIN_SECONDS:-300}" \
    "$python" train.py --preset dopamine --game "${GAME:-Pong}" --num-envs 64 --precision bf16 \
    --eval-every 1000000 --device "$device" --run-dir "$run" | tee "$out/train.txt"
((PIPESTATUS[0] == 130 || PIPESTATUS[0] == 0)) || failed=1
"$python" evaluate.py score "$run" --episodes 30 --device "$device" --json "$out/score.json" || failed=1
exit $failed
