# make train   set up, train on Pong, score the agent, record a game, say what to do next
# make compare set up, train stride and half_max side by side on GAME, report what differs
# make test    set up, then lint, types and all tests
# make board   TensorBoard on checkpoints/
# make help    this list
# make clean   remove the environment and the caches
#
# Variables of make train, as in: make train GAME="Space Invaders" ARGS="--double --n-step 5"
#   GAME     a game, as people write it                     Pong
#   PRESET   the settings to start from                     quick
#   NETWORK  a network of the table, or module:Class        stride
#   SEED     of everything that is drawn                    0
#   STEPS    length of the run, summed over emulators       the preset's
#   ARGS     more options of train.py                       none
# Of make compare: GAME, PRESET and STEPS, as above, and
#   SEEDS    runs of each network                           4
# Of all targets:
#   PYTHON   3.11 to 3.13; makes the environment            python3

GAME    ?= Pong
PRESET  ?= quick
NETWORK ?= stride
SEED    ?= 0
STEPS   ?=
SEEDS   ?= 4
ARGS    ?=
PYTHON  ?= python3

# As typed: what looks like a variable of make is none, and the shell gets one word of each.
typed    = '$(subst ','\'',$(value $1))'
# Else programs that are called would get them, with what looks like a variable put in.
unexport GAME PRESET NETWORK SEED STEPS SEEDS ARGS PYTHON
MAKEOVERRIDES =
# A network of your own (module:Class) runs its code only where it is named.
OWN      = $(if $(findstring :,$(value NETWORK)),--network $(call typed,NETWORK))
BIN     := .venv/bin
INSTALL  = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: train compare test board help clean again

train: .venv/installed
	@where=$$(mktemp) && trap 'rm -f "$$where"' EXIT INT TERM && \
	$(BIN)/python train.py --game $(call typed,GAME) --network $(call typed,NETWORK) \
		--preset $(call typed,PRESET) --seed $(call typed,SEED) \
		$(if $(value STEPS),--steps $(call typed,STEPS)) $(value ARGS) --run-dir-file "$$where" && \
	run=$$(cat "$$where") && if [ -z "$$run" ]; then exit; fi && \
	$(BIN)/python evaluate.py score "$$run" $(OWN) --episodes 30 --json "$$run/score.json" && \
	$(BIN)/python evaluate.py record "$$run" $(OWN) --episodes 1 --out "$$run/episodes" && \
	echo "watch the curves:    make board, then open http://localhost:6006/#custom_scalars" && \
	echo "train another game:  make train GAME=Breakout"

# Called again, it goes on where it was stopped.
compare: .venv/installed
	@$(BIN)/python evaluate.py compare --out checkpoints/compare/$(call typed,GAME) \
		--games $(call typed,GAME) --networks stride,half_max --seeds $(call typed,SEEDS) \
		--preset $(call typed,PRESET) \
		$(if $(value STEPS),--steps $(call typed,STEPS)) $(value ARGS) --estimate

test: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

board: .venv/installed
	$(BIN)/tensorboard --logdir checkpoints --samples_per_plugin images=100,histograms=100

# The comment at the top of this file.
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# Made anew where it was left half made, moved, or its Python is gone.
.venv/bin/python: $(if $(shell .venv/bin/python -c 'import pip; print(1)' 2>/dev/null),,again)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "unpooled needs Python 3.11 to 3.13: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv --clear .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[video]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) -e '.[video,window,dev]'
	@touch $@
