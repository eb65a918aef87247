"""The report of the claims, made from results.json alone: the answer, one picture of it, a line a
claim, and everything else folded below."""

from __future__ import annotations

from collections.abc import Sequence

from agent.networks import dial_of, downsampling
from harness.claims.feature_sections import TRAINING as TURNED
from harness.claims.feature_sections import agents, boxes, dial, imitators, patterns, response
from harness.claims.location_section import known, location
from harness.claims.results import JudgedClaim, JudgedPart, Results
from harness.claims.tables import TRAININGS, Seeds, lines, over
from harness.evaluation.network_sizes import size_of
from harness.report.blocks import (
    Band,
    Column,
    Curves,
    Figure,
    Intervals,
    Outcome,
    Reference,
    Report,
    Row,
    Section,
    Table,
    Verdict,
)
from harness.report.figures import written
from harness.report.markup import is_interval, number, telling

TITLE = "Does pooling throw location away?"
BASELINE = "stride"
POOLINGS = {"C1 local": "over small windows", "C1 global": "over the whole picture"}
"""The claims that answer the title, and the pooling that each is about."""
ANSWERS: dict[Outcome, str] = {
    "supported": "Pooling {} throws location away",
    "refuted": "Pooling {} does not throw location away",
    "undetermined": "Whether pooling {} throws location away is undetermined",
}
ERROR = "location.*.conv3.error"


def report(results: Results) -> Report:
    """The page of results.json."""
    seeds = Seeds(results.measured)
    sections = [
        Section(
            "Claim by claim",
            "Each claim is judged by a rule that was written down before it was measured.",
            tuple(_verdict(claim) for claim in results.claims),
        ),
        location(results, seeds),
        imitators(seeds),
        known(results, seeds),
        dial(seeds),
        patterns(seeds),
        response(seeds),
        boxes(seeds),
        agents(results.measured),
        _methods(results),
    ]
    return Report(
        TITLE,
        answer(results.claims),
        tuple(section for section in sections if section.blocks),
        results.provenance.pairs(),
        by_states(seeds) or errors(seeds),
    )


def by_states(seeds: Seeds) -> Curves | None:
    """Errors by the number of states that a readout learns from: what falls was hidden, what stays
    is lost."""
    for training in ("location", "untrained"):
        if seeds.networks_with(training, "states"):
            return Curves(
                "Error of an object's place by the number of states that the readout learns from, "
                f"networks {TRAININGS[training]}",
                "states",
                "median error, pixels of the 84x84 screen",
                lines(seeds, training, "states.mean"),
                log_x=True,
                y_range=(0, 1),
                note="Mean of two drawn blocks and the balls of Pong and Breakout. Shaded: 95% "
                f"intervals over {over(training)}.",
            )
    return None


def answer(claims: Sequence[JudgedClaim]) -> str:
    """A sentence for each kind of pooling, and how many claims hold."""
    sentences = []
    for claim in claims:
        if claim.id in POOLINGS:
            start = ANSWERS[claim.verdict].format(POOLINGS[claim.id])
            part = claim.deciding
            sizes = (f"{x:.1f} {part.unit} with {name}" for name, x in part.levels.items())
            error = f"read with an error of {' against '.join(sizes)}"
            place = error if part.levels else "not measured"
            sentences.append(f"{start}: an object's place is {place}.")
    outcomes = [claim.verdict for claim in claims]
    counts = (f"{outcomes.count(outcome)} {outcome}" for outcome in ANSWERS)
    return " ".join((*sentences, f"Of {len(claims)} claims: {', '.join(counts)}."))


def errors(seeds: Seeds) -> Intervals | None:
    """How far off the object's place is read, the best network first, of the first training that
    was measured."""
    for training in ("location", "untrained", "agent"):
        means = {name: seeds.mean(training, name, ERROR) for name in seeds.networks(training)}
        if training == TURNED:  # the dial has a section of its own
            means = {name: mean for name, mean in means.items() if not dial_of(name)}
        order = sorted((mean, name) for name, mean in means.items() if mean is not None)
        if order:
            base = means.get(BASELINE)
            return Intervals(
                f"Error of an object's place, read from conv3 of networks {TRAININGS[training]}",
                f"pixels of the 84x84 screen, 95% interval over {over(training)}",
                tuple(Row(name, *seeds.interval(training, name, ERROR)) for _, name in order),
                () if base is None else (Reference(base, BASELINE),),
                note="Median over test states, then the mean over data sets.",
            )
    return None


def _verdict(claim: JudgedClaim) -> Verdict:
    part, several = claim.deciding, len(claim.parts) > 1
    return Verdict(
        claim.id,
        claim.sentence,
        claim.verdict,
        " ".join(map(_sentence, claim.parts)),
        " ".join(part.rule for part in claim.parts),
        _figure(claim),
        f"{_effect(part)}{f', one of {len(claim.parts)} parts' if several else ''}",
        f"{_needed(part)}{_corrected(claim)}",
    )


def _corrected(claim: JudgedClaim) -> str:
    """What becomes of a verdict that allows for the number of parts."""
    if claim.corrected_verdict is None:
        return ""
    same = claim.corrected_verdict == claim.verdict
    return f"; corrected: {'the same' if same else claim.corrected_verdict}"


def _effect(part: JudgedPart) -> str:
    """What was measured: `half_max less stride: +1.20 pixels (0.80 to 1.60)`."""
    form = ".2f" if part.against is None or part.ratio else "+.2f"
    value, space, interval = written(_row(part), form).partition(" ")
    return f"{part.pair}: {value} {part.unit}{space}{interval}"


def _needed(part: JudgedPart) -> str:
    """The smallest effect that matters, as the rule has it."""
    if part.direction == "within":
        return f"needs to lie within ±{part.matters:g} {part.unit}"
    return f"needs {part.direction} {number(part.matters, 'g')} {part.unit}"


def _figure(claim: JudgedClaim) -> Figure:
    """The effects of a claim's parts: on one axis where they are alike, else as a table."""
    title, parts, first = f"{claim.id}: effects and their intervals", claim.parts, claim.parts[0]
    interval = f"95% interval over {over(first.training)}"
    rows = tuple(map(_row, parts))
    if len({(part.unit, part.ratio, part.against is None) for part in parts}) > 1:
        cells = tuple(
            (part.pair, f"{written(row, '.2f')} {part.unit}")
            for part, row in zip(parts, rows, strict=True)
        )
        return Table(title, (Column("effect"), Column(f"value ({interval})")), cells)
    compared = first.against is not None
    matters = {abs(part.matters) for part in parts}
    banded = compared and not first.ratio and len(matters) == 1 and 0 not in matters
    return Intervals(
        title,
        f"{first.unit}, {interval}",
        rows,
        (Reference(1.0 if first.ratio else 0.0, "no difference"),) if compared else (),
        Band(-min(matters), min(matters), "too small to matter") if banded else None,
    )


def _row(part: JudgedPart) -> Row:
    low, high = part.interval or (None, None)
    return Row(part.pair, part.mean, low, high, part.what, part.network)


def _sentence(part: JudgedPart) -> str:
    what = part.what[0].upper() + part.what[1:]
    if part.mean is None:
        return f"{what}: not measured."
    if part.against is None:
        how = f"{part.mean:.2f} {part.unit}"
    elif part.ratio:
        how = f"{part.network} has {part.mean:.2f} {part.unit}"
    else:
        way = "more" if part.mean >= 0 else "less"
        size = f"{number(abs(part.mean), '.2f')} {part.unit}"
        how = f"{part.network} has {size} {way} than {part.against}"
    if part.interval:
        low, high = part.interval
        count = f"{len(part.values)} {over(part.training)}"
        form = telling(".2f", low, high)
        ends = f"95% interval {number(low, form)} to {number(high, form)}, {count}"
        how += f" ({ends if is_interval(low, high) else f'the same in all {count}'})"
    if part.against is not None:
        both = (f"{name} {number(level, '.3g')}" for name, level in part.levels.items())
        how += f"; the measure itself: {', '.join(both)}"
    return f"{what}: {how}."


def _methods(results: Results) -> Section:
    budget, rules = results.budget, results.rules
    parts = sum(len(claim.parts) for claim in results.claims)
    missing = [
        f"{unit.training} {unit.network} seed {unit.seed} {unit.reason}".strip()
        for unit in results.missing
    ]
    rates = [
        f"{unit.network} {unit.profile['learning_rate']:g} ({task})"
        for unit in results.measured
        for task, pilot, _ in [unit.training.partition(" pilot")]
        if pilot
    ]
    datasets = [*(f"a block of {n}x{n}" for n in budget.extent.sizes), *budget.extent.games]
    paragraphs = [
        f"Claims and rules: version {rules.version}, fixed {rules.fixed}. {rules.chosen}",
        f"{budget.seeds} seeds of initial weights and training batches; {budget.extent.states} "
        "states of each kind, 5/8 to fit readouts, 1/8 to choose their penalty, 2/8 to test, whole "
        "episodes in one of them only. All networks are probed on the same states, so intervals "
        "speak of the networks, not of other states. They are Student's t; those of errors and "
        "changes end at 0, those of shares at 0 and 1, since nothing lies beyond.",
        "Networks start with signals of equal size in every layer. Those trained learned for "
        f"{budget.updates} updates of batch 32 with Adam. The same learning rates were tried "
        "for every network, with a seed that is not reported and half of the updates; the one "
        f"with the least error was taken: {', '.join(rates)}.",
        f"A value behind conv3 sees {_views(budget.networks)}. The gradient of a maximum "
        "reaches one value of its window. Both belong to the operators and are not held equal.",
        "Verdicts rest on 95% intervals, the corrected ones on wider intervals that hold together, "
        f"with 95%, for all {parts} parts of the claims (Bonferroni).",
        f"The data sets behind * in the measures: {', '.join(datasets)}.",
        f"Missing: {', '.join(missing)}." if missing else "Nothing is missing.",
    ]
    return Section("Methods and limits", "", tuple(paragraphs))


def _views(networks: Sequence[str]) -> str:
    by_field: dict[int | None, list[str]] = {}
    for name in filter(downsampling, networks):
        by_field.setdefault(size_of(name, 2).receptive_field, []).append(name)
    return "; ".join(
        f"{f'{field} pixels' if field else 'the whole picture'} ({', '.join(names)})"
        for field, names in by_field.items()
    )
