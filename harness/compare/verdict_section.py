"""Of the report of a comparison: each network against the baseline, judged by one rule."""

from __future__ import annotations

from harness.compare.design import BASELINE
from harness.compare.formatting import (
    INTERVAL,
    UNIT,
    difference_cell,
    difference_row,
    differences,
    few_note,
    has_width,
    interval_text,
    p_value,
)
from harness.compare.results import Difference, NetworkResult, Results
from harness.compare.statistics import LEVEL
from harness.report.blocks import Block, Outcome, Section, Verdict
from harness.text import counted

RULE = (
    f"Supported: p of the IQM difference after Holm's correction is below {LEVEL:.2f}, and its "
    f"whole {INTERVAL} lies {{0}} or more from zero. Refuted: two one-sided tests find the mean "
    f"difference over games smaller than {{0}}, p below {LEVEL:.2f}. Neither or both: undetermined."
)


def verdicts(results: Results) -> Section:
    """Each compared network against the baseline."""
    margin = results.design.margin
    blocks: list[Block] = [_verdict(entry, margin) for entry in results.compared]
    if not blocks:
        blocks.append(f"No network was compared with {BASELINE}.")
    lead = (
        f"Is there a difference of at least {margin:.0%} of {UNIT}, after equally many steps? "
        "Equal wall time is shown beside it and decides nothing."
    )
    return Section("Network by network", lead, tuple(blocks))


def outcome(entry: NetworkResult, margin: float) -> Outcome:
    """Whether a network differs from the baseline by at least the margin (RULE)."""
    difference = entry.difference
    beyond = (
        difference and has_width(difference) and max(difference.low, -difference.high) >= margin
    )
    large, small = bool(beyond) and _differs(entry), _equivalent(entry)
    if large == small:
        return "undetermined"
    return "supported" if large else "refuted"


def _differs(entry: NetworkResult) -> bool:
    return entry.p_holm is not None and entry.p_holm < LEVEL


def _equivalent(entry: NetworkResult) -> bool:
    return entry.equivalence is not None and entry.equivalence.p < LEVEL


def _verdict(entry: NetworkResult, margin: float) -> Verdict:
    name, difference = entry.name, entry.difference
    rows = [difference_row("equal steps", difference, series=name)]
    if entry.at_equal_time:
        label = "equal wall time, training games"
        rows.append(difference_row(label, entry.at_equal_time, series=name))
    title = f"{name} less {BASELINE}: difference of the IQM"
    return Verdict(
        name,
        f"differs from {BASELINE} by {margin:.0%} or more",
        outcome(entry, margin),
        f"{conclusion(entry, margin)} {_evidence(entry, difference) if difference else ''}".strip(),
        RULE.format(f"{margin:.0%}"),
        differences(title, rows, margin, few_note([entry])) if difference else None,
        difference_cell(difference) or "not compared",
        f"needs {margin:.0%} either way",
    )


def _evidence(entry: NetworkResult, difference: Difference) -> str:
    """The numbers behind a verdict."""
    runs = sum(game.runs for game in entry.games.values())
    p = p_value(difference.p)
    if entry.p_holm is not None and p_value(entry.p_holm) != p:
        p += f", after Holm's correction {p_value(entry.p_holm)}"
    better, chance = entry.probability_of_improvement, ""
    if better and not has_width(better) and better.value in (0, 1):
        which = "no run scores" if better.value == 0 else "every run scores"
        chance = f" Game by game {which} above one of {BASELINE}."
    elif better:
        often = interval_text(better, short=True)
        chance = f" A run scores above one of {BASELINE} with probability {often}."
    return (
        f"IQM difference {interval_text(difference, '+.1%')} of {UNIT}, {p}; "
        f"{counted(runs, 'run')} on {counted(len(difference.games), 'game')}.{chance}"
    )


def conclusion(entry: NetworkResult, margin: float) -> str:
    """What follows for a network's difference, in a sentence."""
    if not entry.difference:
        if not entry.runs:
            return "Not compared: none of its runs is finished."
        which = f"no game in which it and {BASELINE} have runs"
        return f"Not compared: {which} is clearly above random play."
    way = "higher" if entry.difference.value > 0 else "lower"
    match outcome(entry, margin):
        case "supported":
            return f"It scores {way}, by at least {margin:.0%}."
        case "refuted":
            p = p_value(entry.equivalence.p) if entry.equivalence else ""
            small = f"The difference is smaller than {margin:.0%} (two one-sided tests, {p})"
            return small + (f", though it scores {way}." if _differs(entry) else ".")
    if _differs(entry) and _equivalent(entry):
        return "The two tests contradict each other."
    if _differs(entry):
        return f"It scores {way}, but whether by {margin:.0%} or more is undetermined."
    return f"Neither a difference nor its absence to within {margin:.0%} is shown."
