"""The report of a comparison, made from results.json alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from envs.games import game_title
from harness.compare.control_sections import control, control_text, tandems
from harness.compare.design import BASELINE, EQUAL
from harness.compare.formatting import INTERVAL, UNIT, Results, interval_text, p_said
from harness.compare.run_sections import clock, curves, scores, sizes
from harness.compare.score_sections import kinds, sums
from harness.compare.statistics import LEARNED, REDRAWS
from harness.compare.verdict_section import compared, outcome, reason, verdicts
from harness.report.blocks import Column, Outcome, Report, Section, Table, Text
from harness.report.page import how_made
from harness.text import counted

TITLE = "Does it matter how the network downsamples?"
NAMED = 4
"""Games that the answer names; more are counted."""


def report(results: Results) -> Report:
    """The page of results.json."""
    sections = (
        verdicts(results),
        curves(results),
        scores(results),
        sums(results),
        kinds(results),
        clock(results),
        tandems(results),
        control(results),
        sizes(results),
        _limits(results),
        _methods(results),
    )
    return Report(TITLE, answer(results), tuple(s for s in sections if s), how_made(results))


def answer(results: Results) -> str:
    """What was found, in a few sentences."""
    margin = results["design"]["margin"]
    said: dict[Outcome, list[str]] = {"supported": [], "refuted": [], "undetermined": []}
    nothing = defaultdict(list)
    for entry in compared(results):
        if entry["difference"]:
            judged = outcome(entry, margin)
            said[judged].append(_finding(entry, judged))
        else:
            nothing[reason(entry)].append(entry["network"])
    sentences = [
        f"{_STARTS[name].format(f'{margin:.0%}')} apart from {BASELINE}: {'; '.join(findings)}."
        for name, findings in said.items()
        if findings
    ]
    sentences += [
        f"Nothing can be said of {', '.join(names)}: {why}." for why, names in nothing.items()
    ]
    return "\n\n".join((_design(results), " ".join(sentences), _checks(results)))


_STARTS: dict[Outcome, str] = {
    "supported": "At least {}",
    "refuted": "Less than {}",
    "undetermined": "Undetermined whether at least {}",
}


def _finding(entry: Results, judged: Outcome) -> str:
    """A difference and the p-value of the test that decided."""
    p = p_said(entry["p_holm"])
    if judged == "refuted":
        p = f"equivalence {p_said(entry['equivalence']['p'])}"
    return f"{entry['network']} {interval_text(entry['difference'], '+.1%', short=True)}, {p}"


def _design(results: Results) -> str:
    design = results["design"]
    titles = [game_title(game) for game in design["games"]]
    games = " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))
    if len(titles) > NAMED:
        games = counted(len(titles), "game")
    done = sum(job["score"] is not None for job in results["jobs"])
    return (
        f"This compares {counted(len(design['networks']), 'network')} on {games}, with "
        f"{counted(design['seeds'], 'seed')} each. Every run has the same settings and takes "
        f"{design['steps']:,} steps; {done} of {counted(len(results['jobs']), 'run')} are "
        f"finished. Differences are shares of "
        f"{UNIT}, with {INTERVAL} and p corrected for the number of networks."
    )


def _checks(results: Results) -> str:
    """Each control in a sentence."""
    if not results["controls"]:
        return "There is no A/A control."
    return " ".join(_check(found) for found in results["controls"])


def _check(found: Mapping[str, Any]) -> str:
    if not found["difference"]:
        return control_text(found)
    said = "finds a false difference" if found["found_a_difference"] else "finds nothing"
    return (
        f"The A/A control {found['network']}, which computes the same function as {BASELINE}, "
        f"{said}: "
        f"{interval_text(found['difference'], '+.1%', short=True)}, "
        f"{p_said(found['difference']['p'])}."
    )


def _limits(results: Results) -> Section:
    notes = [note[0].upper() + note[1:] + "." for note in results["notes"]]
    notes.append(
        "Nothing is said of longer training, other games, or learning rates other than the one "
        "that all networks share."
    )
    return Section("Limits", "", (Text(tuple(notes)),))


def _methods(results: Results) -> Section:
    design = results["design"]
    seeds = "seed 0" if design["seeds"] == 1 else f"seeds 0 to {design['seeds'] - 1}"
    paragraphs = (
        f"Every run has the preset {design['preset']} and the settings below, {seeds} "
        f"the same for every network and game, and its final agent plays "
        f"{counted(design['episodes'], 'whole game')}. The run is the unit of all statistics, "
        "never the game it played.",
        f"A game counts where the mean of all its runs is {LEARNED:g} standard errors above random "
        "play; which network made them plays no part. Intervals are stratified percentile "
        f"bootstraps, p-values stratified permutations ({REDRAWS:,} redraws each), corrected by "
        "Holm over the compared networks (Agarwal et al. 2021; Holm 1979).",
        f"The smallest difference that matters, {design['margin']:.0%}, was written into the "
        "design before the first run. It decides, with p and interval, over each verdict.",
    )
    return Section("Methods", "", (Text(paragraphs), _settings(results)))


def _settings(results: Results) -> Table:
    design = results["design"]
    rows = [
        (name, str(value), "this comparison" if name in design["settings"] else design["preset"])
        for name, value in results["settings"].items()
        if name not in EQUAL
    ]
    rows.insert(0, ("steps", f"{design['steps']:,}", "this comparison"))
    return Table(
        "Settings of all runs", (Column("setting"), Column("value"), Column("from")), tuple(rows)
    )
