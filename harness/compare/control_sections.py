"""Of the report of a comparison: passive learning, its own errors, and equal wall time."""

from __future__ import annotations

from harness.compare.design import BASELINE, CONTROLS, teacher_of
from harness.compare.formatting import (
    INTERVAL,
    difference_cell,
    difference_row,
    differences,
    few_note,
    interval_text,
    p_cell,
    p_value,
)
from harness.compare.results import ControlResult, PowerRow, Results
from harness.compare.statistics import LEVEL
from harness.metrics.reader import RECENT
from harness.report.blocks import Block, Columns, Section, Table
from harness.text import counted


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
