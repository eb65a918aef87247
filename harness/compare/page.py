"""The report of a comparison, made from results.json alone: the answer, one picture of it, a line
a network, and everything else folded below."""

from __future__ import annotations

from collections import Counter

from envs.games import game_title
from harness.compare.design import BASELINE, EQUAL, TWINS
from harness.compare.formatting import effect_row, effect_text, effects, seeds_text
from harness.compare.results import NetworkResult, Results
from harness.compare.run_sections import clock, curves, scores, sizes
from harness.compare.score_sections import differences
from harness.compare.statistics import FLOOR, REDRAWS
from harness.compare.verdict_sections import control, loss, tandems, verdicts
from harness.report.blocks import Column, Intervals, Report, Section, Table
from harness.text import counted

TITLE = "Does it matter how the network downsamples?"
NAMED = 4
"""Games or networks that the answer names; more are counted."""


def report(results: Results) -> Report:
    """The page of results.json."""
    sections = (
        verdicts(results),
        differences(results),
        curves(results),
        scores(results),
        clock(results),
        tandems(results),
        control(results),
        sizes(results),
        _limits(results),
        _methods(results),
    )
    made = results.provenance.pairs()
    return Report(TITLE, answer(results), tuple(filter(None, sections)), made, picture(results))


def answer(results: Results) -> str:
    """What each network does to the score, what the control found, what was compared."""
    design, control = results.design, results.control
    clauses = [_clause(entry) for entry in results.compared]
    if len(clauses) > NAMED:
        counts = Counter(entry.finding or "not measured" for entry in results.compared)
        clauses = [f"{found}: {counted(count, 'network')}" for found, count in counts.items()]
    done = sum(job.outcome is not None for job in results.jobs)
    sentences = [
        f"Against {BASELINE}, {'; '.join(clauses)}."
        if clauses
        else f"No network was compared with {BASELINE}.",
        "There is no A/A control.",
        f"{counted(len(design.networks), 'network')} were trained on "
        f"{_list([game_title(game) for game in design.games], 'game')} for {design.steps:,} steps "
        f"({seeds_text(design)}); {done} of {counted(len(results.jobs), 'run')} are finished.",
    ]
    if control and control.effect:
        holds = "leaves out 0, so nothing is decided" if control.fails else "holds 0, as it should"
        if control.effect.low is None:
            holds = "has too few seeds"
        sentences[1] = f"The A/A control {holds}: {effect_text(control.effect)}."
    return " ".join(sentences)


def _clause(entry: NetworkResult) -> str:
    """What was found of a network, with its numbers."""
    if not entry.effect:
        return f"{entry.name} is not measured"
    found = entry.finding or "undetermined"
    verb = {"undetermined": "is undetermined", "no verdict": "has no verdict"}.get(found, found)
    return f"{entry.name} {verb}, {effect_text(entry.effect)}"


def _list(names: list[str], kind: str) -> str:
    return ", ".join(names) if len(names) <= NAMED else counted(len(names), kind)


def picture(results: Results) -> Intervals | None:
    """Every network's difference to the baseline, the largest first, then the A/A control."""
    pairs = [(entry.name, entry.effect) for entry in results.compared if entry.effect]
    pairs.sort(key=lambda pair: -pair[1].value)
    rows = [effect_row(name, effect) for name, effect in pairs]
    if results.control and results.control.effect:
        rows.append(effect_row("A/A control", results.control.effect))
    if not rows:
        return None
    return effects(
        f"Difference to {BASELINE} after equally many steps, mean over games",
        rows,
        results.design.margin,
        f"A/A control: {results.control.parts}, which is the same function."
        if results.control
        else "",
    )


def _limits(results: Results) -> Section:
    notes = [note[0].upper() + note[1:] + "." for note in results.notes]
    notes.append(
        "Nothing is said of longer training, other games, or learning rates other than the one "
        "that all networks share."
    )
    return Section("Limits", "", tuple(notes))


def _methods(results: Results) -> Section:
    design = results.design
    twins = [twin for twin in TWINS if twin in design.networks]
    pooled = f" Runs of {' and '.join(twins)} count as runs of {BASELINE}." if twins else ""
    paragraphs = (
        f"Every run has the preset {design.preset} and the settings below; seeds count from 0. The "
        f"outcome of a run is the mean score of its training games that ended at step "
        f"{results.outcome_from:,} or later, where epsilon has its final value; the published score"
        " of random play is taken off. The run is the unit of all statistics, never the game it "
        f"played.{pooled}",
        f"In each game the mean outcome is divided by {BASELINE}'s, and the logarithms are averaged"
        f" over games. An outcome counts as at least {FLOOR:.0%} of {BASELINE}'s mean in that game."
        " The variance of a game's logarithm is the sum of s²/(n "
        "m²) over both networks; the interval is Welch's with Satterthwaite's "
        "degrees of freedom. p-values are permutations of seeds within games "
        f"({REDRAWS:,} redraws), corrected by Holm over the compared networks.",
        f"The margin, {loss(design.margin)}, was written into the design before the first run.",
    )
    rows = [
        (name, str(value), "this comparison" if name in design.settings else design.preset)
        for name, value in results.settings.items()
        if name not in EQUAL
    ]
    rows.insert(0, ("steps", f"{design.steps:,}", "this comparison"))
    columns = tuple(map(Column, ("setting", "value", "from")))
    settings = Table("Settings of all runs", columns, tuple(rows))
    return Section("Methods", "", (*paragraphs, settings))
