#!/usr/bin/env bash
# Everything a machine with a CUDA device should be asked once, in under 8 minutes: the tests that
# need one, rates, a profile, and five minutes of training with its curve.
#
#   bash benchmarks/gpu.sh [OUT] [WHEELS]
#
# It needs Python and torch with CUDA. Packages that are missing beside it are installed, from the
# folder WHEELS when it is given: on a machine with a network, for the other's Python version,
#   pip download --python-version 3.12 --only-binary :all: -d WHEELS \
#       ale-py gymnasium tensorboard tyro rich safetensors scipy pytest hypothesis
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-gpu-results}
wheels=(${2:+--no-index --find-links "$2"})
mkdir -p "$out"

python -m pip install --quiet "${wheels[@]}" \
    ale-py gymnasium tensorboard tyro rich safetensors scipy pytest hypothesis
python -m pytest -m gpu -q -p no:cacheprovider | tee "$out/tests.txt"
python -m benchmarks.gpu --out "$out" | tee "$out/tables.txt"
# Ends by SIGINT, which writes the last checkpoint; 130 is that signal's exit code.
timeout --signal INT "${TRAIN_SECONDS:-300}" python train.py --preset dopamine --game "${GAME:-Pong}" \
    --num-envs 64 --precision bf16 --eval-every 1000000 --steps 50000000 --device cuda \
    --run-dir "$out/run" | tee "$out/train.txt" || test $? = 130
python evaluate.py score "$out/run" --episodes 30 --device cuda --json "$out/score.json"
