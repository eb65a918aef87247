"""Of the report: presence and count, movement, banks of filters, agents."""

from __future__ import annotations

from typing import Any

from envs.games import game_title
from harness.claims.tables import TRAININGS, Results, Seeds, lines, over
from harness.report.blocks import (
    Block,
    Column,
    Curves,
    Intervals,
    Reference,
    Row,
    Section,
    Table,
)


def patterns(seeds: Seeds) -> Section:
    blocks: list[Block] = []
    for training, how in TRAININGS.items():
        interval = f"95% interval over {over(training)}"
        rows = [
            Row(network, *seeds.interval(training, network, path), group)
            for group, path in (
                ("presence of a block of 2x2", "presence.block 2.conv3"),
                ("presence of a block of 8x8", "presence.block 8.conv3"),
            )
            for network in seeds.networks(training)
            if seeds.values(training, network, path)
        ]
        if rows:
            title = f"Whether a block is there, read from conv3, networks {how}"
            chance = (Reference(0.5, "a guess"),)
            blocks.append(Intervals(title, f"share right, {interval}", tuple(rows), chance))
        rows = [
            Row(network, *seeds.interval(training, network, f"count.conv3.{name}"), group)
            for group, name in (
                ("all states", "error"),
                ("two sprites nearer than a window", "error_near"),
                ("no two sprites so near", "error_far"),
            )
            for network in seeds.networks(training)
            if seeds.values(training, network, f"count.conv3.{name}")
        ]
        if rows:
            title = f"How many sprites there are (1 to 8), read from conv3, networks {how}"
            guess = (Reference(2.0, "a guess"),)
            blocks.append(Intervals(title, f"mean error, sprites, {interval}", tuple(rows), guess))
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
        series = [line for n in names for line in lines(seeds, training, n, "response.conv3")]
        blocks.append(
            Curves(
                f"Change of conv3 when the picture moves, networks {how}",
                "movement, pixels",
                "change, 1 = another state",
                tuple(series),
                references=(Reference(1.0, "as different as another state"),),
            )
        )
        blocks.append(
            Table(
                f"What can be drawn from conv3, and how many units take part, networks {how}",
                (
                    Column("network"),
                    Column("object's pixels unexplained", ".2f"),
                    Column("background unexplained", ".2f"),
                    Column("map does not move with the picture by its pitch", ".3f"),
                    Column("directions of fc1 (srank)", ".0f"),
                    Column("dormant in conv3", ".0%"),
                    Column("dormant in fc1", ".0%"),
                ),
                tuple(
                    (
                        name,
                        *(
                            seeds.mean(training, name, path)
                            for path in (
                                "location.*.conv3.decoding.object",
                                "location.*.conv3.decoding.background",
                                "equivariance.conv3",
                                "health.fc1.srank",
                                "health.conv3.dormant",
                                "health.fc1.dormant",
                            )
                        ),
                    )
                    for name in names
                ),
            )
        )
    lead = (
        "How much features change when the whole picture moves, against how much they differ "
        "between states. A small change is not a lost location: compare the errors above."
    )
    return Section("Movement, reconstruction, health", lead, tuple(blocks))


def boxes(seeds: Seeds) -> Section:
    blocks: list[Block] = []
    pools = seeds.networks("bars")
    banks = seeds.names("bars", pools[0] if pools else "")
    for measure, label in (
        ("tilt_kernel", "median error of the tilt, degrees"),
        ("position", "median error of a single box's position, pixels"),
        ("count", "share of right numbers"),
    ):
        for bank in banks:
            series = [line for pool in pools for line in lines(seeds, "bars", pool, bank, measure)]
            blocks.append(
                Curves(f"{label}: {bank} filters", "filters", label, tuple(series), log_x=True)
            )
    lead = (
        "Boxes of 16x8 pixels at random tilts, seen by banks of 8x8 filters whose answers are "
        "kept on "
        "the grid of a stride of 4, as maxima of 5x5 windows on it, or as one maximum each. Tilt "
        "and number are told by a kernel readout, position by a linear one."
    )
    return Section("A battery of filters", lead, tuple(blocks))


def named(run: dict[str, Any]) -> str:
    """Which run an agent is from."""
    return f"{game_title(run['game'])}, seed {run['seed']}, {run['steps']:,} steps"


def agents(results: Results) -> Section:
    rows = []
    for unit in results["units"]:
        profile = unit["profile"]
        if unit["training"] == "agent" and "sensitivity" in profile:
            said = profile["sensitivity"]
            rows.append(
                (
                    *(f"{unit['network']}, {named(profile['run'])}", said["flips"]),
                    *(
                        said["drawn"]["flips"],
                        said["flips_decided"],
                        said["chance"],
                        said["value"],
                        said["advantage"],
                    ),
                    *(profile["consistency"]["1"], profile["consistency"]["chance"]),
                    profile["object"]["conv3"],
                )
            )
    table = Table(
        "Trained agents: the object alone is moved by about 4 pixels",
        (
            *(Column("agent"), Column("greedy action changes", ".0%")),
            Column("when a drawn block is moved instead", ".0%"),
            *(Column("where the choice was clear", ".0%"), Column("change by chance", ".0%")),
            *(Column("change of value, standard deviations", ".2f"),),
            *(Column("change of advantages, standard deviations", ".2f"),),
            *(
                Column("same action when the whole picture moves by 1", ".0%"),
                Column("same by chance", ".0%"),
            ),
            Column("change of conv3", ".3f"),
        ),
        tuple(rows),
    )
    lead = "Everything else in the emulator stays as it was, so the state is one of the game's own."
    return Section("Agents", lead, (table,) if rows else ())
