"""Who types what another program, another command or another unit takes is told how it is here."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

import evaluate
from harness.cli.foreign import ABSENT, ELSEWHERE
from harness.cli.hints import options_of, spelled
from harness.commands.train import TrainCommand, parse_command
from harness.errors import UserError

ABROAD = {
    "CleanRL": "exp_name seed torch_deterministic cuda track wandb_project_name wandb_entity "
    "capture_video save_model upload_model hf_entity env_id total_timesteps learning_rate num_envs "
    "buffer_size gamma tau target_network_frequency batch_size start_e end_e exploration_fraction "
    "learning_starts train_frequency",
    "SB3": "policy env learning_rate buffer_size learning_starts batch_size tau gamma train_freq "
    "gradient_steps optimize_memory_usage n_steps target_update_interval exploration_fraction "
    "exploration_initial_eps exploration_final_eps max_grad_norm stats_window_size tensorboard_log "
    "policy_kwargs verbose seed device n_envs",
    "RL Zoo": "algo env trained_agent n_timesteps num_threads log_interval eval_freq eval_episodes "
    "save_freq save_replay_buffer log_folder vec_env hyperparams conf_file track progress tags "
    "frame_stack load_best",
    "Dopamine": "base_dir gin_files gin_bindings game_name gamma update_horizon min_replay_history "
    "update_period target_update_period epsilon_train epsilon_eval epsilon_decay_period "
    "replay_capacity batch_size num_iterations training_steps evaluation_steps "
    "max_steps_per_episode sticky_actions agent_name",
    "DQN Zoo": "environment_name replay_capacity compress_state min_replay_capacity_fraction "
    "batch_size max_frames_per_episode num_action_repeats num_stacked_frames "
    "exploration_epsilon_begin_value exploration_epsilon_end_value "
    "exploration_epsilon_decay_frame_fraction eval_exploration_epsilon "
    "target_network_update_period learning_rate optimizer_epsilon additional_discount "
    "max_abs_reward grad_error_bound seed num_iterations num_train_frames num_eval_frames "
    "learn_period results_csv_path jax_platform_name environment_height environment_width",
}
"""Options of programs that people come from."""


Hints = Callable[[str], str]


@pytest.fixture
def hints_on(capsys: pytest.CaptureFixture[str]) -> Hints:
    """What is printed after the box with an error, for a command line."""

    def hints(line: str) -> str:
        program, *words = shlex.split(line)
        with pytest.raises(SystemExit, match="2"):
            parse_command(words) if program == "train" else evaluate.parse(words)
        return capsys.readouterr().err.partition("hint: ")[2]

    return hints


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("train --double=False", "--double takes no value: write --no-double"),
        ("train --double yes", "--double takes no value: write --double"),
        ("train --no-clip-rewards=1", "write --no-clip-rewards"),
        ("train --clip_rewards off", "write --no-clip-rewards"),
        ("evaluate score x --random=false", "--random takes no value: leave it out"),
        ("train --track", "curves go to metrics.jsonl and TensorBoard"),
        ("train --capture-video", "evaluate.py replay EPISODE --in video"),
        ("train --cuda false", "--cuda is --device (cuda or cpu) here"),
        ("train --gin_bindings='DQNAgent.gamma = 0.9'", "settings are options here"),
        ("train DQNAgent.min_replay_history=20000", "--min-replay-history is --warmup here"),
        ("train -n 1000", "-n is --steps here"),
        ("train Pong", "write --game Pong"),
        ("evaluate compare --out x --lr 1", "--lr is --learning-rate of train.py"),
        ("evaluate compare --out x --warmup 5", "given as --settings warmup=VALUE"),
        ("evaluate score x --steps 5", "--steps is an option of evaluate.py compare, train.py"),
        ("evaluate score x --in video", "--in is an option of evaluate.py replay"),
        ("train --verify", "--verify is an option of evaluate.py replay"),
        ("train --epsilon-decay 0.1", "0.1 looks like a share, and this is a count (of steps"),
        ("evaluate compare --out x --jobs=.5", ".5 looks like a share"),
        ("train --steps 10M", "write 10e6"),
        ("train --steps=1,000,000", "write 1_000_000"),
        ("train --sticky-actions 25%", "write 0.25"),
        ("evaluate score x --epsilon 5%", "write 0.05"),
        ("train --learning-rate 0,0001", "write 0.0001"),
        ("train --device cuda:0", "write cuda\n"),
        ("evaluate replay x --in html", "write page"),
        ("evaluate replay x --format gif", "--format: --in page or --in video"),
        ("evaluate score x --eval-epsilon 0", "--eval-epsilon is --epsilon here"),
        ("evaluate score x --n-eval-episodes 2", "--n-eval-episodes is --episodes here"),
        ("train --optimizer Adam", "write adam\n"),
    ],
)
def test_a_hint_says_how_it_is_here(line: str, hint: str, hints_on: Hints) -> None:
    assert hint in hints_on(line)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("scor x", "there is no command 'scor': did you mean score?"),
        ("enjoy x", "did you mean replay?"),
        ("train", "did you mean train.py?"),
        ("--json x", "no command '--json': choose from score"),
    ],
)
def test_a_command_that_does_not_exist_leads_to_one_that_does(line: str, remedy: str) -> None:
    with pytest.raises(UserError, match=remedy):
        evaluate.parse(line.split())


def test_a_value_is_no_word_of_its_own(hints_on: Hints) -> None:
    assert "write --game" not in hints_on("train --game Pong --bogus")


@pytest.mark.parametrize(("program", "options"), ABROAD.items())
def test_every_option_of_programs_that_people_come_from_is_known(
    program: str, options: str
) -> None:
    known = {*options_of(TrainCommand), *ELSEWHERE, *ABSENT}
    unknown = [name for name in options.split() if f"--{name.replace('_', '-')}" not in known]
    assert not unknown, program


def test_names_of_elsewhere_lead_to_options() -> None:
    options = options_of(TrainCommand).keys()
    assert {name.partition(" ")[0] for name in ELSEWHERE.values()} <= options
    assert not (ELSEWHERE | ABSENT).keys() & options
    assert not ELSEWHERE.keys() & ABSENT.keys()


@pytest.mark.parametrize("text", ["", "1e6", "0.25", "Pong", "1_000", "%", "M", "a,b", "..%"])
def test_other_texts_are_left_as_they_are(text: str) -> None:
    assert spelled(text) == ""
