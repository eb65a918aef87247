#!/usr/bin/env bash
# Everything a machine with a CUDA device should be asked once: the tests that need one, rates, a
# profile, training with its curve, and a score, in under 8 minutes: training gets what the stages
# before it leave of the first 7, from 1 to 5 minutes.
#
#   bash benchmarks/gpu.sh [OUT] [WHEELS]
#
# OUT gets seven files of at most a few megabytes: tests.txt, throughput.json, profile.json,
# tables.txt, train.txt, score.json, and run.tar.gz with the curve, the games and the best agent of
# the run, whose folder is RUN. STAGES="tests rates" is the first half, "train score" the second.
# It needs Python (python3, or what PYTHON names) and torch with CUDA; DEVICE=cpu tries the script
# where there is none. Packages that are missing beside it are installed, from the folder WHEELS
# when it is given: on a machine with a network, for the other's Python version,
#   pip download --python-version 3.12 --only-binary :all: -d WHEELS \
#       ale-py gymnasium tensorboard tyro rich safetensors filelock scipy pytest hypothesis
# A stage that fails, or tests and rates that take too long, do not keep the next ones from
# running; the exit code tells.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} device=${DEVICE:-cuda} stages=" ${STAGES:-tests rates train score} "
out=${1:-gpu-results}
wheels=(${2:+--no-index --find-links "$2"})
run=${RUN:-checkpoints/gpu-$(date +%H%M%S)}
failed=0
mkdir -p "$out"
export PYTHONUNBUFFERED=1 # what was printed is kept when somebody ends the script

"$python" -m pip install --quiet "${wheels[@]}" \
    ale-py gymnasium tensorboard tyro rich safetensors filelock scipy pytest hypothesis ||
    echo "pip failed: going on with what is installed"
if [[ $stages == *" tests "* ]]; then
    # Others need packages that are not here, such as a browser.
    mapfile -t files < <(grep -l 'pytest.mark.gpu' tests/test_*.py)
    timeout --kill-after 10 120 \
        "$python" -m pytest -m gpu -rfE --durations=0 -p no:cacheprovider "${files[@]}" 2>&1 |
        tee "$out/tests.txt" || failed=1
fi
if [[ $stages == *" rates "* ]]; then
    timeout --kill-after 10 210 \
        "$python" -m benchmarks.gpu --out "$out" --device "$device" 2>&1 |
        tee "$out/tables.txt" || failed=1
fi
if [[ $stages == *" train "* ]]; then
    left=$((420 - SECONDS))
    left=$((left > 300 ? 300 : left < 60 ? 60 : left))
    # Ended by SIGINT, which writes the last checkpoint; 130 is that signal's exit code.
    timeout --foreground --preserve-status --signal INT "${TRAIN_SECONDS:-$left}" \
        "$python" train.py --preset dopamine --game "${GAME:-Pong}" --num-envs 64 \
        --precision bf16 --eval-every 1000000 --device "$device" --run-dir "$run" 2>&1 |
        tee "$out/train.txt"
    ((PIPESTATUS[0] == 130 || PIPESTATUS[0] == 0)) || failed=1
    kept=()
    for name in config.json metrics.jsonl episodes best; do
        [[ -e $run/$name ]] && kept+=("$name")
    done
    tar -czf "$out/run.tar.gz" -C "$run" "${kept[@]}" || failed=1
fi
if [[ $stages == *" score "* ]]; then
    "$python" evaluate.py score "$run" --episodes 30 --device "$device" \
        --json "$out/score.json" || failed=1
fi
exit $failed
