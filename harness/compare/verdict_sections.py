"""Of the report of a comparison: each network against the baseline, judged by one rule; passive
learning; the comparison's own errors; equal wall time."""

from __future__ import annotations

from harness.compare.design import BASELINE, CONTROLS, teacher_of
from harness.compare.formatting import (
    INTERVAL,
    UNIT,
    difference_cell,
    difference_row,
    differences,
    few_note,
    has_width,
    interval_text,
    p_cell,
    p_value,
)
from harness.compare.results import ControlResult, Difference, NetworkResult, PowerRow, Results
from harness.compare.statistics import LEVEL
from harness.metrics.reader import RECENT
from harness.report.blocks import Block, Columns, Outcome, Section, Table, Verdict
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


def tandems(results: Results) -> Section | None:
    """Networks that learned passively; None where there are none."""
    entries = results.tandems
    if not entries:
        return None
    blocks = (
        differences(
            "Passive networks less their teachers: difference of the IQM",
            [
                difference_row(f"{e.name} less {teacher_of(e.name)[0]}", e.difference, "", e.name)
                for e in entries
            ],
            results.design.margin,
            few_note(entries),
            "the teacher's score above random play",
        ),
        Table.of(
            "Passive learning",
            entries,
            (
                ("tandem", "", lambda entry: entry.name),
                ("runs", "d", lambda entry: entry.runs),
                (f"IQM difference ({INTERVAL})", "", lambda e: difference_cell(e.difference)),
                ("p", "", lambda entry: p_cell(entry.difference)),
                ("missing", "", lambda entry: "; ".join(entry.missing) or None),
            ),
            "p-values are not corrected for their number.",
        ),
    )
    lead = (
        "A->B: network B never acts and learns from what A saw, batch by batch (Ostrovski et al. "
        "2021). What is left of a difference between networks then is not due to what they explore."
        " A network that learns passively from its own kind shows what passivity alone costs."
    )
    return Section("Passive learning", lead, blocks)


def control(results: Results) -> Section:
    """The comparison's own errors: A/A control and power."""
    power = results.power
    columns: Columns[PowerRow] = (
        ("difference", "+.0%", lambda row: row.effect),
        ("found with probability", ".2f", lambda row: row.alone),
        (f"among {power.compared} compared networks", ".2f", lambda row: row.among_all),
    )
    note = f"By simulation, for a spread of {power.spread:.0%} between seeds ({power.spread_is})."
    if power.compared > 1:
        note += " The last column is for the first of Holm's steps."
    else:
        columns = columns[:2]
    title = f"Power: {counted(power.games, 'game')}, {counted(power.seeds, 'seed')}"
    lead = (
        "What this comparison finds where there is nothing to find, and what it would find if "
        "there were something."
    )
    controls = tuple(map(control_text, results.controls)) or (NO_CONTROL,)
    table = Table.of(title, power.rows, columns, note)
    return Section("Control and power", lead, (*controls, table))


NO_CONTROL = (
    f"No A/A control: neither of {' and '.join(CONTROLS)}, which compute the same function as "
    f"{BASELINE}, is among the networks, so the rate of false findings was not measured here."
)


def control_text(control: ControlResult) -> str:
    """What an A/A control found."""
    if not control.difference:
        return f"The A/A control {control.name} has no runs that can be compared."
    finding = "a difference, which is false" if control.found_a_difference else "none, as it should"
    return (
        f"A/A control: {control.name} computes the same function as {BASELINE}. The test of a "
        f"difference found {finding}: {interval_text(control.difference, '+.1%')}, "
        f"{p_value(control.difference.p)}. When the runs of both are dealt into two groups "
        f"again and again, the {INTERVAL} leaves out zero in "
        f"{control.interval_false_positives:.0%} of the deals (nominal {LEVEL:.0%})."
    )


def equal_time(results: Results) -> Block:
    """Differences after equal wall time."""
    rows = [difference_row(e.name, e.at_equal_time) for e in results.networks if e.at_equal_time]
    if not rows:
        return "Scores after equal wall time are not known: too few runs are finished."
    return differences(
        f"Difference of the IQM to {BASELINE} after equal wall time",
        rows,
        results.design.margin,
        f"Mean of the newest {RECENT} training games at the time when the fastest run of the "
        "game was over; games played while exploring, not the scored ones.",
    )
