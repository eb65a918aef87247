"""The design of a comparison: what is asked for, what may change later, what fits a budget."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import UnknownNetwork
from envs.games import UnknownGame
from harness.commands.compare import CompareCommand
from harness.compare.budget import EXTRA, fit, hours_of
from harness.compare.design import (
    read_design,
    role_of,
    settle_design,
    teacher_of,
)
from harness.compare.options import game_ids, parse_seeds, parse_settings
from harness.compare.power import design_notes, design_power
from harness.errors import UserError
from support.compare_samples import DESIGN

# What is asked for


def test_jobs_are_balanced_from_the_first_seed_on():
    jobs = DESIGN.jobs
    assert len(jobs) == len(set(jobs)) == 30
    assert {job.seed for job in jobs[:6]} == {0}
    assert {(job.game, job.network) for job in jobs[:6]} == {
        (game, network) for game in DESIGN.games for network in DESIGN.networks
    }


def test_a_tandem_learns_from_stride_unless_it_says_otherwise():
    assert teacher_of("half_max") == ("stride", "half_max")
    assert teacher_of("half_max->dial:1,2") == ("half_max", "dial:1,2")
    design = replace(DESIGN, tandems=("stride->half_max",))
    assert [job.arm for job in design.tandem_jobs[:1]] == ["stride->half_max"]
    assert str(design.tandem_jobs[0]) == "Pong stride->half_max seed 0"


def test_networks_may_have_seeds_of_their_own():
    design = replace(DESIGN, seeds=2, seeds_of={"stride": 3}, tandems=("stride->half_max",))
    arms = [(job.network, job.seed) for job in design.jobs if job.game == "pong"]
    assert arms == [
        *((network, seed) for seed in (0, 1) for network in DESIGN.networks),
        ("stride", 2),
    ]
    assert [job.seed for job in design.tandem_jobs if job.game == "pong"] == [0, 1, 2]
    assert (design.most_seeds, design.runs) == (3, 2 * (7 + 3))


def test_seeds_are_read_by_network():
    assert parse_seeds(("5",)) == (5, {})
    assert parse_seeds(("stride=12", "dial:1,2=8")) == (None, {"stride": 12, "dial:1,2": 8})
    assert parse_seeds(("4", "stride=6")) == (4, {"stride": 6})
    with pytest.raises(UserError, match=r"--seeds \.5: \.5 looks like a share"):
        parse_seeds((".5",))
    for wrong in ("five", "stride=", "stride=x", "=5=x"):
        with pytest.raises(UserError, match="give 5, or NETWORK=5"):
            parse_seeds((wrong,))


def test_final_agents_are_scored_where_nothing_else_says_how_good_they_are():
    stride, dense_sub, *_ = DESIGN.jobs
    assert not DESIGN.scores(stride)
    passive = replace(DESIGN, tandems=("stride->half_max",))
    assert passive.scores(stride)
    assert passive.scores(passive.tandem_jobs[0])
    assert not passive.scores(dense_sub)
    assert replace(DESIGN, settings={"eval_episodes": 0}).scores(dense_sub)


def test_games_are_named_as_people_do():
    assert game_ids(["SpaceInvaders", "ALE/Pong-v5", "pong"]) == ("space_invaders", "pong")
    with pytest.raises(UnknownGame, match="Pong"):
        game_ids(["Pnog"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"networks": ("half_max",)}, "must have stride"),
        ({"networks": ()}, "needs games and networks"),
        ({"networks": ("stride", "stride")}, "named twice"),
        ({"networks": ("stride", "dial:.5,1", "dial:0.5,1.0")}, "named twice"),
        ({"networks": ("stride", "mine:Net", "mine:net")}, "named twice"),
        ({"games": ("adventure",)}, "no published random score"),
        ({"seeds": 0}, "--seeds must be at least 1"),
        ({"seeds_of": {"half_max": 0}}, "--seeds half_max=0: must be at least 1"),
        ({"seeds_of": {"half_min": 3}}, "half_min is none of --networks"),
        ({"seeds_of": {"half_max": 1_001}}, "at most 1000"),
        ({"episodes": 0}, "--episodes"),
        ({"margin": 0.0}, "--margin"),
        ({"margin": float("nan")}, "--margin"),
        ({"preset": "fast"}, "quick"),
        ({"tandems": ("half_avg->stride",)}, "its teacher is none of"),
    ],
)
def test_designs_that_cannot_be_are_refused(change, says):
    with pytest.raises(UserError, match=says):
        replace(DESIGN, **change)


@pytest.mark.parametrize("name", ["strid", "../x:Y", "a/b:C", "a:b:c", "dial:1"])
def test_network_names_become_folders_and_are_checked(name):
    with pytest.raises(UnknownNetwork):
        replace(DESIGN, networks=("stride", name))


def test_settings_have_the_types_of_the_preset():
    found = parse_settings(["n-step=3", "--gamma=0.9", "double=true", "init=torch"], "quick")
    assert found == {"n_step": 3, "gamma": 0.9, "double": True, "init": "torch"}


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("n-step", "NAME=VALUE"),
        ("nstep=3", "train.py --help"),
        ("n-step=x", "must be a whole number"),
        ("n-step=3,gamma=0.9", "must be a whole number: put spaces between pairs"),
        ("epsilon_decay=0.1", "looks like a share"),
        ("gamma=90%", "must be a number: write 0.9"),
        ("lr=0.1", "with --learning-rate as the name"),
        ("double=1", "true or false"),
        ("seed=3", "decided by the design"),
        ("scale-match=false", "decided by the design"),
    ],
)
def test_settings_that_cannot_be_are_refused(pair, says):
    with pytest.raises(UserError, match=says):
        parse_settings([pair], "quick")


def test_a_setting_that_a_short_comparison_cannot_have_is_told_with_how_to_change_it(tmp_path):
    command = CompareCommand(tmp_path, games=("Pong",), networks=("stride",), steps=1500)
    with pytest.raises(UserError, match=r"lower warmup .*, with --settings warmup=VALUE$"):
        command.run()


def test_roles():
    assert [role_of(name) for name in DESIGN.networks] == ["baseline", "twin", "compared"]


# The design on disk


def test_a_design_is_read_as_it_was_written(tmp_path):
    assert read_design(tmp_path) is None
    assert settle_design(tmp_path, DESIGN) == DESIGN
    assert read_design(tmp_path) == DESIGN
    written = (tmp_path / "design.json").stat().st_mtime_ns
    settle_design(tmp_path, DESIGN)
    assert (tmp_path / "design.json").stat().st_mtime_ns == written


def test_an_earlier_design_has_equal_seeds(tmp_path):
    settle_design(tmp_path, DESIGN)
    file = tmp_path / "design.json"
    content = json.loads(file.read_text())
    del content["seeds_of"]
    file.write_text(json.dumps(content))
    assert read_design(tmp_path) == DESIGN


def test_a_design_may_grow_and_keeps_its_order(tmp_path):
    settle_design(tmp_path, DESIGN)
    grown = replace(
        DESIGN,
        games=("boxing", "breakout", "pong"),
        networks=("half_avg", *DESIGN.networks),
        seeds=7,
        steps=30_000,
        episodes=100,
    )
    settled = settle_design(tmp_path, grown)
    assert settled.games == ("pong", "breakout", "boxing")
    assert settled.networks == (*DESIGN.networks, "half_avg")
    assert set(DESIGN.jobs) < set(settled.jobs)
    assert read_design(tmp_path) == settled


@pytest.mark.parametrize(
    "change",
    [
        {"games": ("pong",)},
        {"networks": ("stride", "half_max")},
        {"seeds": 4},
        {"seeds_of": {"half_max": 4}},
        {"steps": 19_000},
        {"preset": "dopamine"},
        {"settings": {}},
        {"margin": 0.1},
    ],
)
def test_a_design_does_not_change_otherwise(tmp_path, change):
    settle_design(tmp_path, DESIGN)
    before = (tmp_path / "design.json").read_bytes()
    with pytest.raises(
        UserError,
        match=rf"holds another comparison \({next(iter(change)).removesuffix('_of')}: .*--out",
    ):
        settle_design(tmp_path, replace(DESIGN, **change))
    assert (tmp_path / "design.json").read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        {"seeds": "5"},
        {"networks": ["stride", "../../x:Y"]},
        {"games": ["../pong"]},
        {"preset": 3},
        {"more": 1},
        {"format": 99},
    ],
)
def test_a_damaged_design_is_one_clear_line(tmp_path, damage):
    settle_design(tmp_path, DESIGN)
    file = tmp_path / "design.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | damage))
    with pytest.raises(UserError, match="is not a design"):
        read_design(tmp_path)


def test_a_file_is_no_folder_of_a_comparison(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file is a file: give a folder"):
        read_design(tmp_path / "file")


# The command


def command(tmp_path: Path, **options) -> CompareCommand:
    return CompareCommand(out=tmp_path / "out", **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "give --games and --networks"),
        ({"games": ("Pong",)}, "give --games and --networks"),
        ({"games": ("Pong",), "networks": ("half_max",)}, "must have stride"),
        ({"games": ("Pong",), "networks": ("stride",), "jobs": 0}, "--jobs"),
        ({"games": ("Pong",), "networks": ("stride",), "budget": 0.0}, "--budget"),
        ({"games": ("Pong",), "networks": ("stride",), "steps": 100}, "warmup"),
        ({"games": ("Pong",), "networks": ("stride",), "settings": ("gamma=7",)}, "gamma"),
    ],
)
def test_commands_that_cannot_be_leave_nothing_behind(tmp_path, options, says):
    with pytest.raises(UserError, match=says):
        command(tmp_path, **options).run()
    assert not (tmp_path / "out").exists()


def test_a_mistyped_network_is_named_before_one_that_is_missing(tmp_path):
    with pytest.raises(UnknownNetwork, match="did you mean stride"):
        command(tmp_path, games=("Pong",), networks=("strid", "half_max")).run()
    assert not (tmp_path / "out").exists()


def test_code_that_only_the_folder_names_is_not_run(tmp_path):
    design = replace(DESIGN, networks=("stride", "their:Network"))
    (tmp_path / "out").mkdir()
    settle_design(tmp_path / "out", design)
    with pytest.raises(UserError, match="their:Network, which is code of its own"):
        command(tmp_path).run()


def test_a_budget_is_for_a_new_design(tmp_path):
    (tmp_path / "out").mkdir()
    settle_design(tmp_path / "out", DESIGN)
    with pytest.raises(UserError, match="leave --budget out"):
        command(tmp_path, budget=1.0).run()


# Prospects


def test_notes_say_what_a_design_lacks():
    assert design_notes(replace(DESIGN, seeds=5)) == []
    networks = ("stride", "half_max")
    lacking = " ".join(design_notes(replace(DESIGN, games=("pong",), networks=networks, seeds=3)))
    assert "no A/A control: it takes 4 seeds of stride" in lacking
    assert "no p-value can be below 0.10" in lacking
    single = " ".join(design_notes(replace(DESIGN, seeds_of={"half_max": 1})))
    assert "a single seed has no interval" in single


def test_one_network_is_compared_with_nothing():
    assert design_notes(replace(DESIGN, networks=("stride",))) == [
        "only stride is trained and nothing compared: name more --networks"
    ]
    tandem = replace(DESIGN, networks=("stride",), tandems=("stride->half_max",))
    assert "nothing compared" not in " ".join(design_notes(tandem))


def test_power_is_that_of_the_network_with_the_fewest_seeds_against_the_pool():
    found = design_power(4, replace(DESIGN, seeds_of={"half_max": 3, "stride": 8}))
    assert (found.runs, found.baseline_runs, found.variation_is) == (3, 13, "assumed")
    assert [row.finding for row in found.rows] == [
        *("does not cost score", "helps", "lowers the score"),
    ]
    none, more, less = (row.chance for row in found.rows)
    assert none == pytest.approx(more)  # log(1 / 0.8) is log(1.25)
    assert more < less


# The budget

STEP_SECONDS = {"stride": 0.01, "dense_sub": 0.05, "half_max": 0.02}


def test_time_of_a_design_by_hand():
    # 0.08 s for a step of each network, 20,000 steps, 5 seeds, 2 games, 2 at a time.
    hours = 0.08 * 20_000 * 5 * 2 / 2 / 3600 * EXTRA
    assert hours_of(DESIGN, STEP_SECONDS, 2) == pytest.approx(hours)
    passive = replace(DESIGN, tandems=("stride->half_max",))
    assert hours_of(passive, STEP_SECONDS, 2) == pytest.approx(hours * 0.10 / 0.08)


@pytest.mark.parametrize(
    ("share", "steps", "seeds"),
    [
        (1.0, 20_000, 5),
        (2.0, 20_000, 5),
        (0.8, 16_000, 5),
        (0.5, 10_000, 5),
        (0.4, 10_000, 4),
        (0.3, 10_000, 3),
        (0.35, 11_000, 3),
    ],
)
def test_a_budget_cuts_steps_to_half_and_then_seeds_to_three(share, steps, seeds):
    hours = share * hours_of(DESIGN, STEP_SECONDS, 2) * 1.000001
    cut, line = fit(DESIGN, STEP_SECONDS, hours, 2)
    assert (cut.steps, cut.seeds) == (steps, seeds)
    assert hours_of(cut, STEP_SECONDS, 2) <= hours
    assert "budget" in line


def test_a_budget_that_is_far_too_small_is_refused():
    with pytest.raises(UserError, match="3 seeds of 10,000 steps take about"):
        fit(DESIGN, STEP_SECONDS, 0.01, 2)


def test_a_budget_leaves_runs_that_have_stopped_exploring():
    """Warm-up and decay are 12,000 steps: no run may be as short."""
    design = replace(DESIGN, settings={"epsilon_decay": 7_000})
    cut, _ = fit(design, STEP_SECONDS, 0.4 * hours_of(design, STEP_SECONDS, 2), 2)
    assert cut.steps > 12_000
    assert cut.seeds == 3


def test_a_budget_takes_seeds_from_the_network_that_has_most():
    design = replace(DESIGN, seeds_of={"stride": 9})
    cut, line = fit(design, STEP_SECONDS, 0.4 * hours_of(design, STEP_SECONDS, 2), 2)
    assert (cut.seeds, cut.seeds_of) == (4, {"stride": 4})
    assert "from 9 to 4 seeds" in line


def test_a_budget_takes_no_seeds_from_a_design_of_two():
    small = replace(DESIGN, seeds=2)
    hours = hours_of(small, STEP_SECONDS, 1) * 0.4
    with pytest.raises(UserError, match="2 seeds"):
        fit(small, STEP_SECONDS, hours, 1)
