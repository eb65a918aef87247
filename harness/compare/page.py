"""The report of a comparison, made from results.json alone: the answer, one picture of it, a line
a network, and everything else folded below."""

from __future__ import annotations

from envs.games import game_title
from harness.compare.design import BASELINE, EQUAL
from harness.compare.formatting import difference_row, differences, few_note
from harness.compare.results import Results
from harness.compare.run_sections import clock, curves, scores, sizes
from harness.compare.score_sections import kinds, sums
from harness.compare.statistics import LEARNED, REDRAWS
from harness.compare.verdict_sections import control, outcome, tandems, verdicts
from harness.report.blocks import Column, Intervals, Outcome, Report, Section, Table
from harness.text import counted

TITLE = "Does it matter how the network downsamples?"
NAMED = 4
"""Games or networks that the answer names; more are counted."""


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
    made = results.provenance.pairs()
    return Report(TITLE, answer(results), tuple(filter(None, sections)), made, picture(results))


def answer(results: Results) -> str:
    """Which networks differ, what was compared, and whether the control finds nothing."""
    design = results.design
    names: dict[str, list[str]] = {word: [] for word in (*_WORDS.values(), "Not measured")}
    for entry in results.compared:
        word = _WORDS[outcome(entry, design.margin)] if entry.difference else "Not measured"
        names[word].append(entry.name)
    findings = [f"{word} for {_list(names[word], 'network')}" for word in names if names[word]]
    done = sum(job.score is not None for job in results.jobs)
    sentences = [
        f"Does the score differ from {BASELINE}'s by {design.margin:.0%} or more? "
        f"{'. '.join(findings)}."
        if findings
        else f"No network was compared with {BASELINE}.",
        f"{counted(len(design.networks), 'network')} were trained on "
        f"{_list([game_title(game) for game in design.games], 'game')} for {design.steps:,} steps, "
        f"with {counted(design.seeds, 'seed')} each; {done} of "
        f"{counted(len(results.jobs), 'run')} are finished.",
    ]
    for check in results.controls:
        if check.difference:
            false = "a difference, which is false"
            finding = false if check.found_a_difference else "nothing, as it should"
            sentences.append(f"The A/A control {check.name} finds {finding}.")
    return " ".join(sentences if results.controls else [*sentences, "There is no A/A control."])


_WORDS: dict[Outcome, str] = {"supported": "Yes", "refuted": "No", "undetermined": "Undetermined"}


def _list(names: list[str], kind: str) -> str:
    return ", ".join(names) if len(names) <= NAMED else counted(len(names), kind)


def picture(results: Results) -> Intervals | None:
    """Every network's difference to the baseline, the largest first."""
    pairs = [(entry, entry.difference) for entry in results.networks if entry.difference]
    pairs.sort(key=lambda pair: -pair[1].value)
    if not pairs:
        return None
    return differences(
        f"Difference to {BASELINE} after equally many steps: interquartile mean of all runs",
        [difference_row(entry.name, difference) for entry, difference in pairs],
        results.design.margin,
        few_note([entry for entry, _ in pairs]),
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
    seeds = "seed 0" if design.seeds == 1 else f"seeds 0 to {design.seeds - 1}"
    paragraphs = (
        f"Every run has the preset {design.preset} and the settings below, {seeds} "
        f"the same for every network and game, and its final agent plays "
        f"{counted(design.episodes, 'whole game')}. The run is the unit of all statistics, "
        "never the game it played.",
        f"A game counts where the mean of all its runs is {LEARNED:g} standard errors above random "
        "play; which network made them plays no part. Intervals are stratified percentile "
        f"bootstraps, p-values stratified permutations ({REDRAWS:,} redraws each), corrected by "
        "Holm over the compared networks (Agarwal et al. 2021; Holm 1979).",
        f"The smallest difference that matters, {design.margin:.0%}, was written into the "
        "design before the first run. It decides, with p and interval, over each verdict.",
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
