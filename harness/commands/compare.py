"""evaluate.py compare: networks against `stride`, over games and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import torch
import tyro

from envs.games import departs_from_id
from harness.cli.parser import Names, option
from harness.compare.budget import clock, fit, hours_of, jobs_at_once, time_networks
from harness.compare.collection import collect
from harness.compare.design import (
    ARROW,
    EPISODES,
    MARGIN,
    Design,
    read_design,
    settle_design,
    teacher_of,
)
from harness.compare.options import game_ids, parse_seeds, parse_settings
from harness.compare.page import report
from harness.compare.power import design_notes, design_power
from harness.compare.rebuild import design_of_runs, has_runs
from harness.compare.results import Results
from harness.compare.results_file import as_json
from harness.compare.runner import Runner
from harness.compare.stages import Stages, run_jobs, standing, unmatched_networks
from harness.compare.status import Status, Watch
from harness.compare.tables import findings, job_count, power_lines, seeds
from harness.compare.verdict_sections import control_text
from harness.console import WHOLE, Console, progress
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.files.lock import wait_for_writers, writing
from harness.files.outputs import check_folder
from harness.process.signals import exit_code
from harness.process.streams import never_wait_long
from harness.report.page import write_page
from harness.run.config import PresetName
from harness.run.hardware import DeviceName, pick_device
from harness.run.presets import PRESETS, decay_note
from harness.text import shell_line


@dataclass(frozen=True)
class CompareCommand:
    """Train every game x network x seed with equal settings, and report which networks score less
    or more than stride.

    What counts of a run is the mean score of its training games once epsilon has its final value.
    Each run has its own folder under DIR/runs. Its initial weights have the scale of `stride`'s.
    Called again with the same --out, it skips what is finished and continues with the rest. Games,
    networks and seeds may be added then, and runs made longer. Separate names by spaces or commas.

    Where DIR has runs but no design.json, --out alone trains nothing: it reports on the runs that
    are there.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder of the comparison."""
    games: Annotated[Names | None, option("GAME ...", "those of --out")] = None
    """Games, the same for every network."""
    networks: Annotated[Names | None, option("NETWORK ...", "those of --out")] = None
    """Networks: stride and what it is compared with. half_sub and dense_sub compute the same
    function as stride: they count as more runs of it, and are its A/A control."""
    seeds: Annotated[Names | None, option("N|NETWORK=N ...", "those of --out, else 5")] = None
    """Runs of each network on each game, with seeds 0 to N - 1; or of single networks, as in
    stride=12,half_max=8."""
    steps: Annotated[int | None, option("STEPS", "those of --out, else the preset's")] = None
    """Length of every run (agent steps)."""
    preset: Annotated[PresetName | None, option("PRESET", "that of --out, else quick")] = None
    """Settings of every run."""
    settings: Annotated[
        tuple[str, ...] | None, option("NAME=VALUE", "those of --out, else the preset's")
    ] = None
    """Settings of train.py that depart from the preset, in every run."""
    tandem: Annotated[Names | None, option("NETWORK ...", "none")] = None
    """Networks that learn passively from what stride saw; `A->B` lets B learn from A."""
    episodes: Annotated[int | None, option("N", "those of --out, else 30")] = None
    """Whole games that score a final agent (count). It is scored only where there are no
    evaluations, and where a network learns passively."""
    margin: Annotated[float | None, option("SHARE", "that of --out, else 0.2")] = None
    """Largest loss that does not matter (share of stride's score above random play)."""
    jobs: Annotated[int | None, option("N", "as many as cores and memory allow")] = None
    """Runs side by side, each on cores of its own (count)."""
    budget: Annotated[float | None, option("HOURS", "no limit")] = None
    """Time networks, then cut steps to half and seeds to 3 at most, until the design fits."""
    estimate: bool = False
    """Time the networks of a new comparison, and say first how long it will take."""
    device: DeviceName = "auto"
    """Where the networks run; auto takes CUDA, then MPS, then the CPU."""

    def run(self) -> int:
        """Train, print, write results.json and report.html; returns the exit code."""
        self._check()
        never_wait_long()
        previous = read_design(self.out)
        asked = (self.games, self.seeds, self.steps, self.preset, self.settings, self.tandem)
        if previous is None and not any(asked) and not self.budget and has_runs(self.out):
            return self._report_on_runs()
        design = self._design(previous)
        self._refuse_foreign_code(design)
        device = pick_device(self.device)
        check_folder(self.out, own=("design.json", "timing"), option="--out")
        unmatched = unmatched_networks(design)
        self._make_folder()
        with writing(self.out):
            at_once = self.jobs or jobs_at_once(design, device)
            watch = Watch(design.steps)
            runner = Runner(at_once, watch)
            notes = []
            try:
                wait_for_writers(self.out, watch.say)
                if self.budget is not None or (self.estimate and previous is None):
                    times = time_networks(self.out, design, self.device, runner, watch)
                    if self.budget is not None:
                        design, decision = fit(design, times, self.budget, at_once)
                        watch.say(decision)
                        notes.append(decision)
                    else:
                        watch.say(f"takes about {clock(hours_of(design, times, at_once))}")
                    watch.expect(design.steps)
                design = settle_design(self.out, design)
                self._announce(design, at_once, watch)
                stages = Stages(self.out, design, self.device, unmatched)
                try:
                    statuses = run_jobs(runner, stages, watch)
                except KeyboardInterrupt as stop:
                    watch.say(f"stopped; go on with: {self._resume_command(design)}")
                    return exit_code(stop)
            finally:
                watch.close()
            results = self._write(design, statuses, unmatched, device, notes)
        self._print(results)
        return 1 if any(status.state == "failed" for status in statuses) else 0

    def _report_on_runs(self) -> int:
        """Report on the runs of a folder without a design, as they are; returns the exit code."""
        design = design_of_runs(self.out, self.episodes, self.margin or MARGIN)
        self._refuse_foreign_code(design)
        device, unmatched = pick_device(self.device), unmatched_networks(design)
        note = "the design was read from the folders of the runs"
        with writing(self.out):
            watch = Watch(design.steps)
            try:
                wait_for_writers(self.out, watch.say)
                watch.say(f"{self.out} has runs but no design.json: {note}; nothing is trained")
                stages = Stages(self.out, design, self.device, unmatched)
                statuses = standing(stages, watch, training_is_enough=True)
            finally:
                watch.close()
            results = self._write(design, statuses, unmatched, device, [note])
        self._print(results)
        return 1 if any(status.state == "failed" for status in statuses) else 0

    def _write(
        self,
        design: Design,
        statuses: Sequence[Status],
        unmatched: frozenset[str],
        device: torch.device,
        notes: Sequence[str],
    ) -> Results:
        """Collect the results, write results.json and report.html."""
        with progress("writing the report"):
            results = collect(self.out, design, statuses, unmatched, device, notes)
            write_json(self.out / "results.json", as_json(results))
            write_page(self.out / "report.html", report(results))
        return results

    def _check(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UserError(f"--jobs must be at least 1, not {self.jobs}")
        if self.budget is not None and not self.budget > 0:
            raise UserError(f"--budget must be positive, not {self.budget:g}")

    def _design(self, previous: Design | None) -> Design:
        """The design that the options ask for, the rest as it was before. Raises UserError."""
        if previous is None and (self.games is None or self.networks is None):
            raise UserError(f"{self.out} holds no comparison yet: give --games and --networks")
        if previous is not None and self.budget is not None:
            raise UserError(f"{self.out} has a design already: leave --budget out")
        preset: Any = self.preset or (previous.preset if previous else "quick")
        departures = parse_settings(self.settings or (), preset)
        if self.settings is None and previous:
            departures = previous.settings
        seeds, seeds_of = parse_seeds(self.seeds or ())
        tandems = tuple(ARROW.join(teacher_of(name)) for name in self.tandem or ())
        design = Design(
            games=game_ids(_chosen(self.games, previous and previous.games, ())),
            networks=_chosen(self.networks, previous and previous.networks, ()),
            seeds=_chosen(seeds, previous and previous.seeds, 5),
            steps=_chosen(self.steps, previous and previous.steps, PRESETS[preset].steps),
            preset=preset,
            settings=departures,
            episodes=_chosen(self.episodes, previous and previous.episodes, EPISODES),
            margin=_chosen(self.margin, previous and previous.margin, MARGIN),
            tandems=tandems if self.tandem or not previous else previous.tandems,
            seeds_of=(previous.seeds_of if previous else {}) | seeds_of,
        )
        ends = design.config.epsilon_ends  # raises for impossible settings
        if design.steps <= ends:
            raise UserError(
                f"runs of {design.steps:,} steps have no outcome: it is the mean score from step "
                f"{ends:,} on, where epsilon has its final value; give more --steps, or "
                "--settings epsilon_decay=N"
            )
        return design

    def _refuse_foreign_code(self, design: Design) -> None:
        """Raise UserError for a user's network that only the folder's design names: it is code."""
        allowed = (*(self.networks or ()), *(self.tandem or ()))
        for network in design.own_networks:
            if not any(network in text for text in allowed):
                raise UserError(
                    f"{self.out} compares the network {network}, which is code of its own: if you "
                    "trust it, name it with --networks"
                )

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot write to {self.out}: {error.strerror}; choose another --out"
            ) from None

    def _announce(self, design: Design, at_once: int, watch: Watch) -> None:
        """Say what will be done, and which differences it can detect."""
        runs = f"{job_count(design)} of {design.steps:,} steps"
        watch.say(f"{runs}, {at_once} at a time, in {self.out}")
        watch.say("\n".join(power_lines(design_power(len(design.games), design))))
        id_notes = [
            departs_from_id(name, design.config.emulators.sticky_actions)
            for name in self.games or ()
        ]
        decay = decay_note(
            design.config, cast(PresetName, design.preset), "--settings epsilon_decay="
        )
        for note in (*id_notes, decay, *design_notes(design)):
            if note:
                watch.say(f"note: {note}")

    def _resume_command(self, design: Design) -> str:
        """The command that resumes the comparison."""
        command = ["compare", "--out", str(self.out)]
        if design.own_networks:
            command += ["--networks", ",".join(design.networks)]
            if design.tandems:
                command += ["--tandem", ",".join(design.tandems)]
        return shell_line("evaluate.py", *command)

    def _print(self, results: Results) -> None:
        console = Console()
        console.width = WHOLE  # the terminal wraps long lines itself
        for table in (seeds(results), findings(results)):
            console.print(table, "")
        console.print(control_text(results.control))
        for note in results.notes:
            console.print(f"note: {note}")
        for entry in (*results.networks, *results.tandems):
            for line in entry.missing:
                console.print(f"missing: {entry.name} {line}")
        files = (self.out / "report.html", self.out / "results.json")
        console.print("report: {}, its numbers: {}".format(*files))


def _chosen(given: Any, previous: Any, default: Any) -> Any:
    return next(value for value in (given, previous, default) if value is not None)
