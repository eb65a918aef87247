# make train   set up, train on Pong, score the agent, record a game, say what to do next
# make test    set up, then lint, types and all tests
# make board   TensorBoard on checkpoints/

GAME    ?= Pong
PRESET  ?= quick
NETWORK ?= stride
SEED    ?= 0
STEPS   ?=
ARGS    ?=
PYTHON  ?= python3

RUN_DIR := checkpoints/$(notdir $(GAME))/$(subst :,.,$(NETWORK))-$(PRESET)-s$(SEED)-$(shell date +%Y%m%d-%H%M%S)
# A network of your own (module:Class) runs its code only where it is named.
OWN     := $(if $(findstring :,$(NETWORK)),--network $(NETWORK))
BIN     := .venv/bin
INSTALL  = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: train test board clean

train: .venv/installed
	$(BIN)/python train.py --game $(GAME) --network $(NETWORK) --preset $(PRESET) --seed $(SEED) \
		--run-dir $(RUN_DIR) $(if $(STEPS),--steps $(STEPS)) $(ARGS)
	$(BIN)/python evaluate.py score $(RUN_DIR) $(OWN) --episodes 30 --json $(RUN_DIR)/score.json
	$(BIN)/python evaluate.py record $(RUN_DIR) $(OWN) --episodes 1 --out $(RUN_DIR)/episodes
	@echo
	@echo "watch the curves:    make board, then open http://localhost:6006/#custom_scalars"
	@echo "replay the episode:  $(BIN)/python evaluate.py replay $$(ls $(RUN_DIR)/episodes/*-seed*.episode | tail -n 1)"
	@echo "train it further:    $(BIN)/python train.py --resume $(RUN_DIR) --steps N"
	@echo "train another game:  make train GAME=Breakout"

test: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

board: .venv/installed
	$(BIN)/tensorboard --logdir checkpoints --samples_per_plugin images=100,histograms=100

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "unpooled needs Python 3.11 to 3.13: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[video]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) -e '.[video,window,dev]'
	@touch $@
