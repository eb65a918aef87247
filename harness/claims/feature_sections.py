"""Of the report: presence and count, movement, banks of filters, agents, the dial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from agent.networks import dial_of
from envs.experts import EXPERTS
from envs.games import game_title
from harness.claims.preregistration import measured as mean_at
from harness.claims.results import Measured
from harness.claims.tables import TRAININGS, Seeds, lines, over, series_of, table
from harness.report.blocks import Block, Curves, Intervals, Reference, Row, Section

TRAINING = "untrained"
_ERRORS = {
    "mean of all data sets": "location.*.conv3.error",
    "block of 2x2": "location.block 2.conv3.error",
    "block of 8x8": "location.block 8.conv3.error",
}
_CHANGES = {f"moved by {pixels}": f"response.conv3.{pixels}" for pixels in (1, 2, 4)}
_READINGS = (
    (
        *("Whether a block is there", "share right", 0.5),
        {
            "presence of a block of 2x2": "presence.block 2.conv3",
            "presence of a block of 8x8": "presence.block 8.conv3",
        },
    ),
    (
        *("How many sprites there are (1 to 8)", "mean error, sprites", 2.0),
        {
            "all states": "count.conv3.error",
            "two sprites nearer than a window": "count.conv3.error_near",
            "no two sprites so near": "count.conv3.error_far",
        },
    ),
)
"""What is read from patterns: title, unit, what a guess has, and measures by their names."""
_TAKING_PART = (
    ("object's pixels unexplained", ".2f", "location.*.conv3.decoding.object"),
    ("background unexplained", ".2f", "location.*.conv3.decoding.background"),
    ("map does not move with the picture by its pitch", ".3f", "equivariance.conv3"),
    ("directions of fc1 (srank)", ".0f", "health.fc1.srank"),
    ("dormant in conv3", ".0%", "health.conv3.dormant"),
    ("dormant in fc1", ".0%", "health.fc1.dormant"),
)
_MOVED = (
    ("greedy action changes", ".0%", "sensitivity.flips"),
    ("when a drawn block is moved instead", ".0%", "sensitivity.drawn.flips"),
    ("where the choice was clear", ".0%", "sensitivity.flips_decided"),
    ("change by chance", ".0%", "sensitivity.chance"),
    ("change of value, standard deviations", ".2f", "sensitivity.value"),
    ("change of advantages, standard deviations", ".2f", "sensitivity.advantage"),
    ("same action when the whole picture moves by 1", ".0%", "consistency.1"),
    ("same by chance", ".0%", "consistency.chance"),
    ("change of conv3", ".3f", "object.conv3"),
)
Stops = Mapping[float, str]
"""Networks by the number that is turned."""


def patterns(seeds: Seeds) -> Section:
    blocks = []
    for training, how in TRAININGS.items():
        for what, unit, guess, paths in _READINGS:
            rows = tuple(
                Row(network, *seeds.interval(training, network, path), group)
                for group, path in paths.items()
                for network in seeds.networks(training)
                if seeds.values(training, network, path)
            )
            if rows:
                title = f"{what}, read from conv3, networks {how}"
                label = f"{unit}, 95% interval over {over(training)}"
                blocks.append(Intervals(title, label, rows, (Reference(guess, "a guess"),)))
    lead = (
        "Blocks among rings of as many pixels, and one to eight rectangles whose total area and "
        "place do not tell their number."
    )
    return Section("Whether, and how many", lead, tuple(blocks))


def response(seeds: Seeds) -> Section:
    blocks: list[Block] = []
    for training, how in TRAININGS.items():
        names = [
            n for n in seeds.networks(training) if seeds.values(training, n, "response.conv3.1")
        ]
        if not names:
            continue
        blocks.append(
            Curves(
                f"Change of conv3 when the picture moves, networks {how}",
                "movement, pixels",
                "change, 1 = another state",
                lines(seeds, training, "response.conv3"),
                references=(Reference(1.0, "as different as another state"),),
            )
        )
        blocks.append(
            table(
                f"What can be drawn from conv3, and how many units take part, networks {how}",
                ("network",),
                [((name,), partial(seeds.mean, training, name)) for name in names],
                _TAKING_PART,
            )
        )
    lead = (
        "How much features change when the whole picture moves, against how much they differ "
        "between states. A small change is not a lost location: compare the errors above."
    )
    return Section("Movement, reconstruction, health", lead, tuple(blocks))


def boxes(seeds: Seeds) -> Section:
    pools = seeds.networks("bars")
    banks = seeds.names("bars", pools[0] if pools else "")
    blocks = tuple(
        Curves(
            *(f"{label}: {bank} filters", "filters", label),
            lines(seeds, "bars", bank, measure),
            log_x=True,
        )
        for measure, label in (
            ("tilt_kernel", "median error of the tilt, degrees"),
            ("position", "median error of a single box's position, pixels"),
            ("count", "share of right numbers"),
        )
        for bank in banks
    )
    lead = (
        "Boxes of 16x8 pixels at random tilts, seen by banks of 8x8 filters whose answers are "
        "kept on the grid of a stride of 4, as maxima of 5x5 windows on it, or as one maximum "
        "each. Tilt and number are told by a kernel readout, position by a linear one."
    )
    return Section("A battery of filters", lead, blocks)


def agents(measured: Sequence[Measured]) -> Section:
    rows = []
    for unit in measured:
        if unit.training == "agent" and "sensitivity" in unit.profile:
            run = unit.profile["run"]
            where = f"{game_title(run['game'])}, seed {run['seed']}, {run['steps']:,} steps"
            rows.append(((f"{unit.network}, {where}",), partial(mean_at, unit.profile)))
    title = "Trained agents: the object alone is moved by about 4 pixels"
    lead = "Everything else in the emulator stays as it was, so the state is one of the game's own."
    return Section("Agents", lead, (table(title, ("agent",), rows, _MOVED),) if rows else ())


def imitators(seeds: Seeds) -> Section:
    """Points of networks that imitate an expert, by game."""
    games = [game for game in EXPERTS if seeds.networks_with("imitate", game)]
    rows = tuple(
        Row(name, *seeds.interval("imitate", name, f"{game}.unit"), group)
        for group, game in (("mean of all games", "*"), *((game, game) for game in games))
        for name in seeds.networks("imitate")
    )
    lead = (
        "A network plays while a scripted expert that reads the console's memory names the right "
        "action for each state that comes up, and learns from that. Nothing is explored."
    )
    block = Intervals(
        "Points of an imitator, over the last three quarters of its steps",
        "0 is random play, 1 the expert; 95% interval over seeds",
        rows,
        (Reference(0, "random play"), Reference(1, "the expert")),
    )
    return Section("Playing by imitation", lead, (block,) if rows else ())


def dial(seeds: Seeds) -> Section:
    """Location and answer to movement over both halves of the dial, as far as it was measured."""
    members = {name: dial_of(name) for name in seeds.networks(TRAINING)}
    turned = {name: stop for name, stop in members.items() if stop}
    blurred: Stops = {sigma: name for name, (sigma, beta) in turned.items() if beta == 0}
    sharpened: Stops = {beta: name for name, (sigma, beta) in turned.items() if sigma == math.inf}
    # sigma 0 is striding: one function, with the same weights.
    halves: list[tuple[str, str, Stops, str]] = [
        ("from striding to a mean", "sigma, strides", {0.0: "stride", **blurred}, "mean"),
        ("from a mean to a maximum", "beta", sharpened, "maximum"),
    ]
    measures = (
        ("Error of location", "median error, pixels", _ERRORS),
        ("Change of conv3 when the picture moves", "change, 1 = another state", _CHANGES),
    )
    blocks: list[Block] = [
        _curves(seeds, f"{title}, {half}", (x_label, y_label), stops, end, lines)
        for title, y_label, lines in measures
        for half, x_label, stops, end in halves
        if len(stops) > 1
    ]
    lead = (
        "One reducer with two numbers: a window's values are averaged with weights of their places "
        "(Gaussian of width sigma, in strides) and of their sizes (exp(beta value)). sigma 0 is "
        "striding, without an end to sigma it is a mean, and with beta it becomes a maximum. "
        "Weights are as drawn at the start and, but for their scale, the same everywhere: the "
        "reducer alone is turned."
    )
    return Section("The dial", lead, tuple(blocks))


def _curves(
    seeds: Seeds,
    title: str,
    labels: tuple[str, str],
    stops: Stops,
    end: str,
    lines: Mapping[str, str],
) -> Curves:
    places = sorted(place for place in stops if place < math.inf)
    series = tuple(
        series_of(name, places, [seeds.values(TRAINING, stops[at], path) for at in places], path)
        for name, path in lines.items()
    )
    # The end of the dial has no place on the axis.
    ends = {
        name: seeds.mean(TRAINING, stops.get(math.inf, ""), path) for name, path in lines.items()
    }
    references = tuple(
        Reference(value, f"{end}, {name}") for name, value in ends.items() if value is not None
    )
    return Curves(title, *labels, series, references=references)
