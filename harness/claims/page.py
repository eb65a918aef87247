"""The report of the claims, made from results.json alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.networks import dial_of, downsampling
from harness.claims.feature_sections import TRAINING as TURNED
from harness.claims.feature_sections import agents, boxes, dial, patterns, response
from harness.claims.location_section import known, location
from harness.claims.tables import TRAININGS, Results, Seeds, over
from harness.evaluation.network_sizes import size_of
from harness.report.blocks import (
    Band,
    Column,
    Figure,
    Intervals,
    Outcome,
    Reference,
    Report,
    Row,
    Section,
    Table,
    Text,
    Verdict,
)
from harness.report.intervals import written
from harness.report.markup import is_interval, number, telling
from harness.report.page import how_made

TITLE = "Does pooling throw location away?"


def report(results: Results) -> Report:
    """The page of results.json."""
    seeds = Seeds(results)
    sections = [
        Section(
            "Claim by claim",
            "Each claim is judged by a rule that was written down before it was measured.",
            tuple(_verdict(claim) for claim in results["claims"]),
        ),
        location(results, seeds),
        known(results, seeds),
        dial(seeds),
        patterns(seeds),
        response(seeds),
        boxes(seeds),
        agents(results),
        _methods(results),
    ]
    return Report(
        TITLE,
        answer(results, seeds),
        tuple(s for s in sections if s.blocks),
        how_made(results["made"]),
    )


def answer(results: Results, seeds: Seeds) -> str:
    """What was found: how far off the object's place is read, then the verdicts."""
    paragraphs = [_errors(seeds, training) for training in ("location", "agent", "untrained")]
    said = []
    for verdict in ("supported", "refuted", "undetermined"):
        ids = [claim["id"] for claim in results["claims"] if claim["verdict"] == verdict]
        if ids:
            said.append(f"{verdict.capitalize()}: {', '.join(ids)}.")
    return "\n\n".join([*filter(None, paragraphs), " ".join(said)])


def _errors(seeds: Seeds, training: str) -> str:
    """The error of location of every network of a training, in a sentence."""
    found = []
    for network in seeds.networks(training):
        if training == TURNED and dial_of(network):
            continue  # the dial has a section of its own
        mean, low, high = seeds.interval(training, network, "location.*.conv3.error")
        if mean is not None:
            found.append(f"{network} {written(Row('', mean, low, high), '.1f')}")
    if not found:
        return ""
    return (
        f"Read linearly from conv3 of networks {TRAININGS[training]}, the object's place is off by "
        "so many pixels of the 84x84 screen (median, 95% interval over "
        f"{over(training)}): {', '.join(found)}."
    )


def _verdict(claim: dict[str, Any]) -> Verdict:
    parts = claim["parts"]
    return Verdict(
        claim["id"],
        claim["sentence"],
        _outcome(claim["verdict"]),
        " ".join(_sentence(part) for part in parts),
        " ".join(part["rule"] for part in parts),
        _figure(claim["id"], parts),
    )


def _figure(name: str, parts: Sequence[dict[str, Any]]) -> Figure:
    """The effects of a claim's parts: on one axis where they are alike, else as a table."""
    title, first = f"{name}: effects and their intervals", parts[0]
    interval = f"95% interval over {over(first['training'])}"
    rows = tuple(_part_row(part) for part in parts)
    if len({(p["unit"], p["ratio"], p["against"] is None) for p in parts}) > 1:
        cells = tuple(
            (_pair(part), f"{written(row, '.2f')} {part['unit']}")
            for part, row in zip(parts, rows, strict=True)
        )
        return Table(title, (Column("effect"), Column(f"value ({interval})")), cells)
    compared = first["against"] is not None
    matters = {abs(part["matters"]) for part in parts}
    banded = compared and not first["ratio"] and len(matters) == 1
    return Intervals(
        title,
        f"{first['unit']}, {interval}",
        rows,
        (Reference(1.0 if first["ratio"] else 0.0, "no difference"),) if compared else (),
        Band(-min(matters), min(matters), "too small to matter") if banded else None,
    )


def _outcome(text: str) -> Outcome:
    return (
        "supported" if text == "supported" else "refuted" if text == "refuted" else "undetermined"
    )


def _part_row(part: dict[str, Any]) -> Row:
    low, high = part["interval"] or (None, None)
    return Row(_pair(part), part["mean"], low, high, part["what"], part["network"])


def _pair(part: dict[str, Any]) -> str:
    """What is compared: `half_max less stride`."""
    if part["against"] is None:
        return str(part["network"])
    return f"{part['network']} {'/' if part['ratio'] else 'less'} {part['against']}"


def _sentence(part: dict[str, Any]) -> str:
    """What was found for a part, in one sentence."""
    what = part["what"][0].upper() + part["what"][1:]
    if part["mean"] is None:
        return f"{what}: not measured."
    if part["against"] is None:
        how = f"{part['mean']:.2f} {part['unit']}"
    elif part["ratio"]:
        how = f"{part['network']} has {part['mean']:.2f} {part['unit']}"
    else:
        way = "more" if part["mean"] >= 0 else "less"
        size = f"{number(abs(part['mean']), '.2f')} {part['unit']}"
        how = f"{part['network']} has {size} {way} than {part['against']}"
    if part["interval"]:
        low, high = part["interval"]
        count = f"{len(part['values'])} {over(part['training'])}"
        form = telling(".2f", low, high)
        ends = f"95% interval {number(low, form)} to {number(high, form)}, {count}"
        how += f" ({ends if is_interval(low, high) else f'the same in all {count}'})"
    if part["against"] is not None:
        both = (f"{name} {number(level, '.3g')}" for name, level in part["levels"].items())
        how += f"; the measure itself: {', '.join(both)}"
    return f"{what}: {how}."


def _methods(results: Results) -> Section:
    budget, preregistration = results["budget"], results["ledger"]
    extent = budget["extent"]
    missing = [
        f"{u['training']} {u['network']} seed {u['seed']} {u['reason']}".strip()
        for u in results["missing"]
    ]
    paragraphs = [
        f"Ledger version {preregistration['version']}, fixed {preregistration['fixed']}. "
        f"{preregistration['chosen']}",
        f"{budget['seeds']} seeds of initial weights and training batches; {extent['states']} "
        "states of "
        f"each kind, 5/8 to fit readouts, 1/8 to choose their penalty, 2/8 to test, whole "
        "episodes in "
        "one of them only. All networks are probed on the same states, so intervals speak of the "
        "networks, not of other states. They are Student's t; those of errors and changes end at "
        "0, those of shares at 0 and 1, since nothing lies beyond.",
        "Networks start with signals of equal size in every layer. Those trained learned for "
        f"{budget['updates']} updates of batch 32 with Adam. The same learning rates were tried "
        "for every network, with a seed that is not reported and half of the updates; the one "
        f"with the least error was taken: {_rates(results)}.",
        f"A value behind conv3 sees {_views(budget['networks'])}. The gradient of a maximum "
        "reaches one value of its window. Both belong to the operators and are not held equal.",
        f"{len(results['claims'])} claims were judged without a correction for their number.",
        f"The worlds behind * in the ledger's measures: {', '.join(_datasets(results))}.",
        f"Missing: {', '.join(missing)}." if missing else "Nothing is missing.",
    ]
    return Section("Methods and limits", "", (Text(tuple(p for p in paragraphs if p)),))


def _views(networks: Sequence[str]) -> str:
    """How far networks of the table see, in words."""
    found: dict[int | None, list[str]] = {}
    for name in filter(downsampling, networks):
        found.setdefault(size_of(name, 2).receptive_field, []).append(name)
    told = {field: f"{field} pixels" if field else "the whole picture" for field in found}
    return "; ".join(f"{told[field]} ({', '.join(names)})" for field, names in found.items())


def _datasets(results: Results) -> list[str]:
    """Where objects were to be located."""
    extent = results["budget"]["extent"]
    return [*(f"a block of {size}x{size}" for size in extent["sizes"]), *extent["games"]]


def _rates(results: Results) -> str:
    """The learning rates that were taken, in words."""
    chosen = [
        f"{unit['network']} {unit['profile']['learning_rate']:g}"
        f" ({unit['training'].removesuffix(' pilot')})"
        for unit in results["units"]
        if unit["training"].endswith(" pilot")
    ]
    return ", ".join(chosen)
