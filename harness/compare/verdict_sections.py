"""Of the report of a comparison: each network against the baseline, judged by one rule; passive
learning; the comparison's own errors; equal wall time."""

from __future__ import annotations

from harness.compare.design import BASELINE, TWINS, teacher_of
from harness.compare.formatting import (
    INTERVAL,
    effect_cell,
    effect_row,
    effect_text,
    effects,
    p_cell,
    p_value,
)
from harness.compare.results import (
    ControlResult,
    Effect,
    Finding,
    NetworkResult,
    PowerRow,
    Results,
)
from harness.report.blocks import Block, Columns, Outcome, Section, Table, Verdict
from harness.text import counted

RULE = (
    f"The {INTERVAL} decides. Costs score: all of it lies below {{0}}. Lowers the score: all of it "
    "lies below 0. Helps: all of it lies above 0. Does not cost score: all of it lies above {0}. "
    "Undetermined: none of these. There is no verdict if the interval of the A/A control leaves "
    "out 0."
)
MARKS: dict[Finding, Outcome] = {
    "helps": "supported",
    "does not cost score": "supported",
    "costs score": "refuted",
    "lowers the score": "refuted",
    "undetermined": "undetermined",
    "no verdict": "undetermined",
}
"""How a finding is drawn: a tick, a cross, a dash."""


def loss(margin: float) -> str:
    """The largest loss that does not matter, as a difference."""
    return f"\N{MINUS SIGN}{margin:.0%}"


def verdicts(results: Results) -> Section:
    """Each compared network against the baseline."""
    margin = results.design.margin
    blocks: list[Block] = [_verdict(entry, margin) for entry in results.compared]
    if not blocks:
        blocks.append(f"No network was compared with {BASELINE}.")
    lead = (
        f"Does another network score less than {BASELINE}, after equally many steps? A loss below "
        f"{margin:.0%} does not matter. The second outcome and equal wall time are shown beside it "
        "and decide nothing."
    )
    return Section("Network by network", lead, tuple(blocks))


def _verdict(entry: NetworkResult, margin: float) -> Verdict:
    name, effect = entry.name, entry.effect
    rows = [effect_row("training games after exploring", effect, series=name)]
    if entry.second:
        rows.append(effect_row("second outcome", entry.second, series=name))
    if entry.at_equal_time:
        rows.append(effect_row("equal wall time", entry.at_equal_time, series=name))
    found: Finding = entry.finding or "undetermined"
    return Verdict(
        name,
        f"against {BASELINE}",
        MARKS[found],
        f"{conclusion(entry, margin)} {_evidence(entry, effect) if effect else ''}".strip(),
        RULE.format(loss(margin)),
        effects(f"{name} against {BASELINE}", rows, margin) if effect else None,
        effect_cell(effect) or "not compared",
        f"{loss(margin)} matters",
        found,
    )


def _evidence(entry: NetworkResult, effect: Effect) -> str:
    p = p_value(effect.p)
    if entry.p_holm is not None and p_value(entry.p_holm) != p:
        p += f", after Holm's correction {p_value(entry.p_holm)}"
    chance = ""
    if entry.probability_of_improvement is not None:
        often = f"{entry.probability_of_improvement:.2f}"
        chance = f" A run scores above one of {BASELINE} with probability {often}."
    return (
        f"Difference {effect_text(effect, short=False)}; {p}; {counted(entry.runs, 'run')} on "
        f"{counted(len(effect.games), 'game')}.{chance}"
    )


def conclusion(entry: NetworkResult, margin: float) -> str:
    """What follows for a network, in a sentence."""
    effect = entry.effect
    if not effect:
        if not entry.runs:
            return "Not compared: none of its runs is finished."
        return (
            f"Not compared: there is no game in which it and {BASELINE} have runs and the mean of "
            f"{BASELINE} is above random play."
        )
    match entry.finding:
        case "costs score":
            return f"It costs score: more than {margin:.0%}."
        case "lowers the score" if effect.low is not None and effect.low > -margin:
            return f"It lowers the score, by less than {margin:.0%}."
        case "lowers the score":
            return f"It lowers the score; whether by more than {margin:.0%} is not shown."
        case "helps":
            return "It helps."
        case "does not cost score":
            return f"It does not cost score: a loss of {margin:.0%} or more is excluded."
        case "no verdict":
            return "No verdict: the A/A control differs from itself."
    if effect.low is None:
        return "Undetermined: too few seeds for an interval."
    return f"Undetermined: neither a loss nor its absence to within {margin:.0%} is shown."


def tandems(results: Results) -> Section | None:
    """Networks that learned passively; None where there are none."""
    entries = results.tandems
    if not entries:
        return None
    blocks = (
        effects(
            "Passive networks against their teachers",
            [
                effect_row(f"{e.name} against {teacher_of(e.name)[0]}", e.effect, "", e.name)
                for e in entries
            ],
            results.design.margin,
            of="the teacher's mean score above random play",
        ),
        Table.of(
            "Passive learning",
            entries,
            (
                ("tandem", "", lambda entry: entry.name),
                ("runs", "d", lambda entry: entry.runs),
                (f"difference ({INTERVAL})", "", lambda e: effect_cell(e.effect)),
                ("p", "", lambda entry: p_cell(entry.effect)),
                ("missing", "", lambda entry: "; ".join(entry.missing) or None),
            ),
            "p-values are not corrected for their number.",
        ),
    )
    lead = (
        "A->B: network B never acts and learns from what A saw, batch by batch (Ostrovski et al. "
        "2021). What is left of a difference between networks then is not due to what they explore."
        " A network that learns passively from its own kind shows what passivity alone costs. It "
        "plays no training games, so the final agents of both are scored instead."
    )
    return Section("Passive learning", lead, blocks)


def control(results: Results) -> Section:
    """The comparison's own errors: A/A control and power."""
    power = results.power
    columns: Columns[PowerRow] = (
        ("true difference", "+.0%", lambda row: row.effect),
        ("finding, or a stronger one", "", lambda row: row.finding),
        ("probability", ".2f", lambda row: row.chance),
    )
    note = (
        f"For a coefficient of variation between seeds of {power.variation:.2f} "
        f"({power.variation_is})."
    )
    title = (
        f"Power: {counted(power.games, 'game')}, {counted(power.runs, 'run')} of a network and "
        f"{power.baseline_runs} of {BASELINE} in each"
    )
    lead = (
        "What this comparison finds where there is nothing to find, and what it would find if "
        "there were something."
    )
    table = Table.of(title, power.rows, columns, note)
    return Section("Control and power", lead, (control_text(results.control), table))


NO_CONTROL = (
    f"There is no A/A control: it takes 4 seeds of {BASELINE}, or 2 of {' or '.join(TWINS)}, which "
    "compute the same function."
)


def control_text(control: ControlResult | None) -> str:
    """What the A/A control found."""
    if not control or not control.effect:
        return NO_CONTROL
    effect = control.effect
    found = "leaves out 0, so there is no verdict on any network" if control.fails else "holds 0"
    if effect.low is None:
        found = "has no width: there are too few seeds"
    return (
        f"A/A control: {control.parts}, which is the same function. The difference is "
        f"{effect_text(effect)}, {p_value(effect.p)}: its interval {found}."
    )


def equal_time(results: Results) -> Block:
    """Differences after equal wall time."""
    rows = [effect_row(e.name, e.at_equal_time) for e in results.compared if e.at_equal_time]
    if not rows:
        return "Scores after equal wall time are not known: too few runs got so far by then."
    return effects(
        f"Difference to {BASELINE} after equal wall time",
        rows,
        results.design.margin,
        "Training games as in the outcome, until the fastest run of the game was over.",
    )
