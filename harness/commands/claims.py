"""evaluate.py claims: what networks lose by pooling and by striding, claim by claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from agent.networks import dial_of, make_network
from agent.scales import matchable
from envs.games import game_id, game_title
from envs.labels import GAMES, labels_of
from harness.claims.budget import BUDGETS, DIAL, Budget, BudgetName
from harness.claims.judgement import judge, pictures
from harness.claims.measurements import agent_measurements, measurements, other_games, profiles
from harness.claims.page import report
from harness.claims.preregistration import read_preregistration
from harness.claims.results import JudgedPart, Results, as_json
from harness.claims.runner import work
from harness.cli.parser import Names, option
from harness.console import Console, progress, say
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.files.lock import writing
from harness.files.outputs import check_folder
from harness.process.signals import exit_code
from harness.process.streams import never_wait_long
from harness.report.markup import is_interval
from harness.report.page import write_page
from harness.run.hardware import usable_cores
from replay.placement import room_for

WORKER_BYTES = 3_500_000_000
"""Approximate main memory of a measuring process (bytes)."""


@dataclass(frozen=True)
class ClaimsCommand:
    """Measure what networks that pool and networks that stride know about a picture: location,
    presence, count, tilt, response to movement, reconstruction. Networks are untrained, trained to
    locate and to count, and trained agents if some are given; with a longer budget some learn to
    play by imitating a scripted expert.

    The claims, the smallest effects that matter and the rule of the verdicts are in
    harness/claims/preregistration.toml. Called again with the same --out, it continues with what
    is left. Agents and networks may be added.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder of results.json, report.html and the measurements they are made of."""
    budget: BudgetName = "quick"
    """quick: about 30 minutes on two cores; answer: about 8 hours, what docs/answer.md rests on;
    full: days, ten seeds, more networks."""
    agents: Annotated[tuple[Path, ...], option("RUN ...", "none")] = ()
    """Trained agents to probe, too (run or checkpoint folders)."""
    networks: Annotated[Names, option("NETWORK ...", "the budget's alone")] = ()
    """More networks: names of the table, your own module:Class made from agent.networks.QNetwork,
    dial:SIGMA,BETA (untrained only), or `dial` for eight of those."""
    games: Annotated[Names | None, option("GAME ...", "the budget's")] = None
    """Games with labels whose states are probed."""
    jobs: Annotated[int | None, option("N", "one a core")] = None
    """Measurements to make side by side (count)."""

    def run(self) -> int:
        """Measure, judge the claims, write results.json and report.html; returns the exit code."""
        never_wait_long()
        budget = self._budget()
        most_jobs = max(1, min(usable_cores(), room_for(WORKER_BYTES, torch.device("cpu"))))
        jobs = most_jobs if self.jobs is None else self.jobs
        if jobs < 1:
            raise UserError(f"--jobs must be at least 1, not {jobs}")
        planned = measurements(budget, agent_measurements(self.agents))
        preregistration = read_preregistration()
        folder = self.out / f"units-{self.budget}"
        check_folder(self.out, own=(folder.name,), option="--out")
        with writing(self.out):
            if (games := other_games(folder, budget)) is not None:
                raise UserError(
                    f"{self.out} holds measurements of {', '.join(games)}, which would be lost: "
                    "choose another --out"
                )
            self._announce(budget, len(planned), jobs)
            try:
                failed = work(folder, planned, budget, jobs)
            except KeyboardInterrupt as stop:
                say(f"stopped; call it again to go on with what is left in {self.out}")
                return exit_code(stop)
            with progress("writing the report"):
                done = dict(profiles(folder, planned, budget))
                missing = {unit: failed.get(unit, "") for unit in planned if unit not in done}
                shots = pictures(budget.extent)
                results = judge(self.budget, budget, preregistration, done.items(), missing, shots)
                write_json(self.out / "results.json", as_json(results))
                write_page(self.out / "report.html", report(results))
        self._print(results)
        return 1 if failed else 0

    def _announce(self, budget: Budget, count: int, jobs: int) -> None:
        """Say what will be measured."""
        say(
            f"{count} measurements, {jobs} at a time, in {self.out}: networks "
            f"{', '.join(budget.networks)}; {budget.seeds} seeds; planted patterns and "
            f"{', '.join(budget.extent.games)}\n"
            "Ctrl-C loses only what is being measured; call it again to go on"
        )

    def _budget(self) -> Budget:
        """The budget, with the networks and games of the options. Raises UnknownNetwork,
        UnknownGame, NoLabels."""
        budget = BUDGETS[self.budget]
        added = [
            member for name in self.networks for member in (DIAL if name == "dial" else (name,))
        ]
        for name in added:
            matchable(make_network(name, 2))
        to_train = [name for name in added if not dial_of(name)]
        games = budget.extent.games if self.games is None else self.games
        for game in games:
            labels_of(game)
        # Always in the same order: measurements of the same games are found again.
        ids = {game_id(game) for game in games}
        titles = tuple(game_title(game) for game in GAMES if game in ids)
        return replace(
            budget,
            networks=tuple(dict.fromkeys((*budget.networks, *added))),
            taught=tuple(dict.fromkeys((*budget.taught, *to_train))),
            extent=replace(budget.extent, games=titles),
        )

    def _print(self, results: Results) -> None:
        console = Console()
        for claim in results.claims:
            console.print(f"{claim.id:<15}{claim.verdict}")
            for part in claim.parts:
                verdict = part.verdict if len(claim.parts) > 1 else ""
                console.print(f"    {verdict:<14}{_effect(part)}")
        for unit in results.missing:
            name = f"{unit.training} {unit.network} seed {unit.seed}"
            console.print(f"missing: {name} {unit.reason}")
        console.print(f"report: {self.out / 'report.html'}")


def _effect(part: JudgedPart) -> str:
    """What a part compares, its effect with its interval, and the smallest effect that matters."""
    sign = "" if part.against is None or part.ratio else "+"
    between = "/" if part.ratio else "-"
    pair = part.network + (f" {between} {part.against}" if part.against else "")
    if part.mean is None:
        return f"{pair}: not measured"
    ends = part.interval or (None, None)
    interval = " to ".join(f"{end:{sign}.2f}" for end in ends) if is_interval(*ends) else ""
    effect = f"{part.mean:{sign}.2f} {part.unit} ({interval or 'no interval'})"
    return f"{pair}: {effect}, matters from {part.matters:g}"
