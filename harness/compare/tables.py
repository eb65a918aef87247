"""What `evaluate.py compare` prints: the design's prospects before, the findings after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envs.games import game_title
from harness.compare.formatting import has_width
from harness.compare.statistics import CONFIDENCE
from harness.console import Table
from harness.text import counted

_NONE = "-"


def power_lines(power: Mapping[str, Any]) -> list[str]:
    """The power of a design in words."""
    spread = f"{power['spread']:.0%} spread between seeds ({power['spread_is']})"
    games, seeds = counted(power["games"], "game"), counted(power["seeds"], "seed")
    lines = [f"power, {games} x {seeds}, {spread}:"]
    for row in power["rows"]:
        among = f", {row['among_all']:.2f} among {power['compared']} compared networks"
        lines.append(
            f"  a difference of {row['effect']:+.0%} is found with probability "
            f"{row['alone']:.2f}{among if power['compared'] > 1 else ''}"
        )
    return lines


def findings(results: Mapping[str, Any]) -> Table:
    """The networks at equal steps, and their differences at equal time."""
    title = f"scores in units of stride above random play; [{CONFIDENCE:.0%} interval]"
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column("network", no_wrap=True)
    for name in (
        *("runs", "IQM", "less stride", "p", "Holm", "better run", "at equal time", "its p"),
        "verdict",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in (*results["networks"], *results["tandems"]):
        found, timed = entry.get("difference"), entry.get("at_equal_time")
        lost = len(entry["missing"])
        role = "A/A control" if entry.get("role") == "control" else ""
        table.add_row(
            entry.get("network", entry.get("tandem")),
            f"{entry['runs']}" + (f" ({lost} missing)" if lost else ""),
            _interval(entry.get("iqm")),
            _interval(found, sign="+"),
            _number(found and found["p"], ".3f"),
            _number(entry.get("p_holm"), ".3f"),
            _number((entry.get("probability_of_improvement") or {}).get("value"), ".2f"),
            _number(timed and timed["value"], "+.2f"),
            _number(timed and timed["p"], ".3f"),
            entry.get("verdict") or role or _NONE,
        )
    return table


def seeds(results: Mapping[str, Any]) -> Table:
    """The score of every run, failed ones by their state."""
    table = Table(title="every seed (points)", title_justify="left", pad_edge=False)
    for name in ("game", "network"):
        table.add_column(name)
    count = results["design"]["seeds"]
    for seed in range(count):
        table.add_column(f"seed {seed}", justify="right")
    rows: dict[tuple[str, str], list[str]] = {}
    for job in results["jobs"]:
        row = rows.setdefault((job["game"], job["arm"]), [_NONE] * count)
        row[job["seed"]] = job["state"] if job["score"] is None else f"{job['score']:,.1f}"
    for (game, arm), row in sorted(rows.items(), key=lambda item: item[0][0]):
        table.add_row(game_title(game), arm, *row)
    return table


def control_lines(results: Mapping[str, Any]) -> list[str]:
    """What each A/A control found."""
    return [_control(found) for found in results["controls"] if found["difference"]]


def _control(control: Mapping[str, Any]) -> str:
    said = "a false difference" if control["found_a_difference"] else "no difference, as it should"
    return (
        f"A/A control: {control['network']} against stride finds {said} "
        f"(p {control['difference']['p']:.3f}); on these runs a {CONFIDENCE:.0%} interval is wrong "
        f"in {control['interval_false_positives']:.0%} of deals"
    )


def _interval(found: Mapping[str, Any] | None, sign: str = "") -> str:
    if not found:
        return _NONE
    value, low, high = (f"{found[name]:{sign}.2f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]" if has_width(found) else f"{value} [none]"


def _number(value: float | None, form: str) -> str:
    return _NONE if value is None else f"{value:{form}}"


def job_count(games: Sequence[str], networks: Sequence[str], count: int) -> str:
    """`3 games x 4 networks x 5 seeds: 60 runs`."""
    factors = counted(len(games), "game"), counted(len(networks), "network"), counted(count, "seed")
    return f"{' x '.join(factors)}: {counted(len(games) * len(networks) * count, 'run')}"
