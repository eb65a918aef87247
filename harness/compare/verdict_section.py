"""Of the report of a comparison: each network against the baseline, judged by one rule."""

from __future__ import annotations

from harness.compare.design import BASELINE
from harness.compare.formatting import (
    INTERVAL,
    UNIT,
    Results,
    difference_row,
    differences,
    few_note,
    has_width,
    interval_text,
    p_said,
)
from harness.compare.statistics import LEVEL
from harness.report.blocks import Block, Outcome, Section, Text, Verdict
from harness.text import counted


def verdicts(results: Results) -> Section:
    """Each compared network against the baseline."""
    margin = results["design"]["margin"]
    blocks: list[Block] = [_verdict(entry, margin) for entry in compared(results)]
    if not blocks:
        blocks.append(Text((f"No network was compared with {BASELINE}.",)))
    lead = (
        f"Is there a difference of at least {margin:.0%} of {UNIT}, after equally many steps? "
        "Equal wall time is told beside it and decides nothing."
    )
    return Section("Network by network", lead, tuple(blocks))


def compared(results: Results) -> list[Results]:
    """Networks that are judged: neither baseline nor control."""
    return [entry for entry in results["networks"] if entry["role"] == "compared"]


def outcome(entry: Results, margin: float) -> Outcome:
    """Whether a network differs from the baseline by at least the margin (RULE)."""
    found = entry["difference"]
    if not found:
        return "undetermined"
    beyond = has_width(found) and max(found["low"], -found["high"]) >= margin
    large, small = beyond and entry["p_holm"] < LEVEL, _equivalent(entry)
    if large == small:
        return "undetermined"
    return "supported" if large else "refuted"


RULE = (
    f"Supported: p of the IQM difference after Holm's correction is below {LEVEL:.2f}, and its "
    f"whole {INTERVAL} lies {{0}} or more from zero. Refuted: two one-sided tests find the mean "
    f"difference over games smaller than {{0}}, p below {LEVEL:.2f}. Neither or both: undetermined."
)


def _equivalent(entry: Results) -> bool:
    same = entry.get("equivalence")
    return same is not None and bool(same["p"] < LEVEL)


def _verdict(entry: Results, margin: float) -> Verdict:
    name, timed = entry["network"], entry["at_equal_time"]
    rows = [difference_row("equal steps", entry["difference"], series=name)]
    if timed:
        rows.append(difference_row("equal wall time, training games", timed, series=name))
    title = f"{name} less {BASELINE}: difference of the IQM"
    return Verdict(
        name,
        f"differs from {BASELINE} by {margin:.0%} or more",
        outcome(entry, margin),
        f"{conclusion(entry, margin)} {_evidence(entry)}".strip(),
        RULE.format(f"{margin:.0%}"),
        differences(title, rows, margin, few_note([entry])) if entry["difference"] else None,
    )


def _evidence(entry: Results) -> str:
    """The figures behind a verdict."""
    found = entry["difference"]
    if not found:
        return ""
    runs = sum(game["runs"] for game in entry["games"].values())
    p, corrected = p_said(found["p"]), p_said(entry["p_holm"])
    if corrected != p:
        p += f", after Holm's correction {corrected}"
    return (
        f"IQM difference {interval_text(found, '+.1%')} of {UNIT}, {p}; {counted(runs, 'run')} on "
        f"{counted(len(found['games']), 'game')}. {_improvement(entry)}"
    )


def _improvement(entry: Results) -> str:
    """How often a run is better than one of the baseline in the same game."""
    better = entry["probability_of_improvement"]
    if not has_width(better) and better["value"] in (0, 1):
        which = "no run scores" if better["value"] == 0 else "every run scores"
        return f"Game by game {which} above one of {BASELINE}."
    chance = interval_text(better, short=True)
    return f"A run scores above one of {BASELINE} with probability {chance}."


def conclusion(entry: Results, margin: float) -> str:
    """What may be said of a network's difference, in a sentence."""
    found = entry["difference"]
    if not found:
        return f"Not compared: {reason(entry)}."
    way = "higher" if found["value"] > 0 else "lower"
    there = entry["p_holm"] < LEVEL
    match outcome(entry, margin):
        case "supported":
            return f"It scores {way}, by at least {margin:.0%}."
        case "refuted":
            small = f"The difference is smaller than {margin:.0%}"
            tested = f" (two one-sided tests, {p_said(entry['equivalence']['p'])})"
            return small + tested + (f", though it scores {way}." if there else ".")
    if there and _equivalent(entry):
        return "The two tests contradict each other."
    if there:
        return f"It scores {way}, but whether by {margin:.0%} or more is undetermined."
    return f"Neither a difference nor its absence to within {margin:.0%} is shown."


def reason(entry: Results) -> str:
    """Why there is nothing to say of a network."""
    if not entry["runs"]:
        return "none of its runs is finished"
    return f"no game in which it and {BASELINE} have runs is clearly above random play"
