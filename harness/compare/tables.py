"""What `evaluate.py compare` prints: the design's prospects before, the findings after."""

from __future__ import annotations

from collections.abc import Sequence

from envs.games import game_title
from harness.compare.control_sections import control_text
from harness.compare.formatting import has_width
from harness.compare.results import ControlResult, NetworkResult, Power, Results
from harness.compare.statistics import CONFIDENCE, Interval
from harness.console import Table
from harness.text import counted

_NONE = "-"


def power_lines(power: Power) -> list[str]:
    """The power of a design in words."""
    spread = f"{power.spread:.0%} spread between seeds ({power.spread_is})"
    games, seeds = counted(power.games, "game"), counted(power.seeds, "seed")
    lines = [f"power, {games} x {seeds}, {spread}:"]
    for row in power.rows:
        among = f", {row.among_all:.2f} among {power.compared} compared networks"
        lines.append(
            f"  a difference of {row.effect:+.0%} is found with probability "
            f"{row.alone:.2f}{among if power.compared > 1 else ''}"
        )
    return lines


def findings(results: Results) -> Table:
    """The networks at equal steps, and their differences at equal time."""
    title = f"scores in units of stride above random play; [{CONFIDENCE:.0%} interval]"
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column("network", no_wrap=True)
    for name in (
        *("runs", "IQM", "less stride", "p", "Holm", "better run", "at equal time", "its p"),
        "finding",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in (*results.networks, *results.tandems):
        network = entry if isinstance(entry, NetworkResult) else None
        difference, better = entry.difference, entry.probability_of_improvement
        timed, p_holm = (network.at_equal_time, network.p_holm) if network else (None, None)
        role = "A/A control" if network and network.role == "control" else ""
        lost = len(entry.missing)
        table.add_row(
            entry.name,
            f"{entry.runs}" + (f" ({lost} missing)" if lost else ""),
            _interval(entry.iqm),
            _interval(difference, sign="+"),
            _number(difference.p if difference else None, ".3f"),
            _number(p_holm, ".3f"),
            _number(better.value if better else None, ".2f"),
            _number(timed.value if timed else None, "+.2f"),
            _number(timed.p if timed else None, ".3f"),
            (network and network.finding) or role or _NONE,
        )
    return table


def seeds(results: Results) -> Table:
    """The score of every run, failed ones by their state."""
    table = Table(title="every seed (points)", title_justify="left", pad_edge=False)
    for name in ("game", "network"):
        table.add_column(name)
    count = results.design.seeds
    for seed in range(count):
        table.add_column(f"seed {seed}", justify="right")
    rows: dict[tuple[str, str], list[str]] = {}
    for job in results.jobs:
        row = rows.setdefault((job.game, job.arm), [_NONE] * count)
        row[job.seed] = job.state if job.score is None else f"{job.score:,.1f}"
    for (game, arm), row in sorted(rows.items(), key=lambda item: item[0][0]):
        table.add_row(game_title(game), arm, *row)
    return table


def control_lines(controls: Sequence[ControlResult]) -> list[str]:
    """What each A/A control found."""
    return [control_text(control) for control in controls if control.difference]


def _interval(interval: Interval | None, sign: str = "") -> str:
    if not interval:
        return _NONE
    value, low, high = (f"{x:{sign}.2f}" for x in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]" if has_width(interval) else f"{value} [none]"


def _number(value: float | None, form: str) -> str:
    return _NONE if value is None else f"{value:{form}}"


def job_count(games: Sequence[str], networks: Sequence[str], count: int) -> str:
    """`3 games x 4 networks x 5 seeds: 60 runs`."""
    factors = counted(len(games), "game"), counted(len(networks), "network"), counted(count, "seed")
    return f"{' x '.join(factors)}: {counted(len(games) * len(networks) * count, 'run')}"
