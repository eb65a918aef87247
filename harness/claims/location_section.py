"""Of the report: where objects are, by layer, training and network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from harness.claims.results import Measured, Results, unpack
from harness.claims.tables import TRAININGS, Seeds, lines, over, table
from harness.probes.features import LAYERS
from harness.report.blocks import (
    Block,
    Curves,
    Frame,
    Heat,
    Intervals,
    Marker,
    Picture,
    Row,
    Section,
)
from harness.report.styles import TRUTH


def location(results: Results, seeds: Seeds) -> Section:
    blocks: list[Block] = []
    for training, how in TRAININGS.items():
        names = seeds.networks(training)
        datasets = seeds.names(training, "location")
        if not datasets:
            continue
        rows = [
            ((network, dataset), partial(_located, seeds, training, network, dataset))
            for dataset in datasets
            for network in names
        ]
        blocks.append(
            table(
                f"Where the object is, read from conv3, networks {how}",
                ("network", "data set"),
                rows,
                _LOCATED,
                "Pixels of the 84x84 screen. A phase that is not known has an error of 2.00 "
                "pixels. Shuffled labels are chance: the readout learned positions of other "
                "states.",
            )
        )
        blocks.append(_by_layer(seeds, training, how, datasets))
        blocks += _by_states(seeds, training, how, datasets)
        blocks.append(_by_place(seeds, training, how, datasets[-1 if len(datasets) < 2 else 1]))
    blocks += [_own(seeds), _controls(results.measured)]
    lead = (
        "A ridge readout is fitted to the features of each layer and asked for the object's "
        "place in states of other episodes. In games the object was put at a random place in the "
        "emulator's memory and the game went on for 16 frames."
    )
    return Section("Location", lead, tuple(blocks))


_ERROR, _INTERVAL = ("median error, pixels", ".2f", "error"), "interval"
_R2, _CELL = ("R²", ".2f", "r2"), ("right cell", ".0%", "cell")
_SHUFFLED = ("shuffled labels", ".1f", "shuffled")
_LOCATED = (
    *(_ERROR, ("95% interval", "", _INTERVAL), ("x", ".2f", "error_x"), ("y", ".2f", "error_y")),
    *(_R2, _CELL, ("error of the phase, pixels", ".2f", "phase")),
    *(("kernel readout", ".2f", "kernel"), _SHUFFLED),
    *(("bits a coordinate", ".2f", "bits"), ("Fisher, 1/pixel²", ".3f", "fisher")),
)


def _located(
    seeds: Seeds, training: str, network: str, dataset: str, name: str
) -> float | str | None:
    path = f"location.{dataset}.conv3."
    if name == _INTERVAL:
        return seeds.interval_text(training, network, path + "error")
    return seeds.mean(training, network, path + name)


def _by_layer(seeds: Seeds, training: str, how: str, datasets: Sequence[str]) -> Block:
    rows = tuple(
        Row(name, *seeds.interval(training, name, f"location.*.{layer}.error"), layer)
        for layer in LAYERS
        for name in seeds.networks(training)
    )
    return Intervals(
        f"Error of location by layer, mean of {len(datasets)} data sets, networks {how}",
        f"pixels, 95% interval over {over(training)}",
        rows,
    )


def _by_states(seeds: Seeds, training: str, how: str, datasets: Sequence[str]) -> list[Block]:
    """Of some networks to many states, where that was measured, else of all to few."""
    many = [name for name in seeds.names(training, "states") if name != "mean"]
    paths = {name: f"states.{name}" for name in many} or {
        name: f"location.{name}.conv3.by_states" for name in datasets[:2]
    }
    return [
        Curves(
            f"Error of location against training states, {dataset}, networks {how}",
            "training states",
            "median error, pixels",
            lines(seeds, training, path),
            log_x=True,
        )
        for dataset, path in paths.items()
    ]


def _by_place(seeds: Seeds, training: str, how: str, dataset: str) -> Block:
    """Error by place, networks side by side as columns of one map each would take too much room:
    the mean over the screen's rows is shown by column."""
    rows, values = [], []
    for network in seeds.networks(training):
        maps = seeds.raw(training, network, f"location.{dataset}.conv3.by_place")
        if maps:
            columns = np.array(maps, float).reshape(-1, len(maps[0])).T
            finite = [column[np.isfinite(column)] for column in columns]
            rows.append(network)
            values.append([float(np.median(errors)) if len(errors) else None for errors in finite])
    parts = len(values[0]) if values else 0
    return Heat(
        f"Error of location by the part of the screen, {dataset}, networks {how}",
        tuple(rows),
        tuple(f"{84 * i // parts}" for i in range(parts)),
        tuple(values),
        "median error, pixels",
        column_label="true x where a part begins, pixels",
    )


def _own(seeds: Seeds) -> Block:
    """What taught networks say themselves: one at chance did not learn, whatever it could have."""
    rows = tuple(
        Row(network, *seeds.interval(training, network, measure), group)
        for group, training, measure in (
            ("place of a block of 2x2, pixels", "location", "own.block 2"),
            ("place of a block of 8x8, pixels", "location", "own.block 8"),
            ("number of sprites", "count", "own.error"),
        )
        for network in seeds.networks(training)
    )
    return Intervals(
        "Errors of what the taught networks say themselves",
        "pixels or sprites, 95% interval over seeds",
        rows,
        note="A guess is off by about 21 pixels (23 for the small block) or 2 sprites: a network "
        "near that did not learn, which says more of its training than of its pooling.",
    )


def _controls(measured: Sequence[Measured]) -> Block:
    rows = [
        ((dataset,), located.get)
        for unit in measured
        if unit.training == "controls"
        for dataset, located in unit.profile["location"].items()
    ]
    title = "Control: the same readout of the newest frame's pixels, without any network"
    return table(title, ("data set",), rows, (_ERROR, _R2, _CELL, _SHUFFLED))


def known(results: Results, seeds: Seeds) -> Section:
    blocks = []
    for dataset, shots in results.pictures.items():
        for training in ("location", "untrained"):
            if not seeds.networks(training):
                continue
            frames = tuple(
                _frame(seeds, training, dataset, i, text, place)
                for i, (text, place) in enumerate(zip(shots.frames, shots.positions, strict=True))
            )
            blocks.append(Picture(f"{dataset}, networks {TRAININGS[training]}", frames, scale=3.5))
            break
    lead = (
        "The true place of the object, and where a linear readout of each network's conv3 puts it. "
        "States were not chosen: they are the first ones of the test."
    )
    return Section("What each network still knows", lead, tuple(blocks))


def _frame(
    seeds: Seeds, training: str, dataset: str, index: int, text: str, place: Sequence[float]
) -> Frame:
    grey = unpack(text)
    markers = [Marker(place[0], place[1], TRUTH)]
    for network in seeds.networks(training):
        for read in seeds.raw(training, network, f"location.{dataset}.conv3.read")[:1]:
            markers.append(Marker(read[index][0], read[index][1], network))
    return Frame(np.stack([grey] * 3, -1), f"state {index + 1}", tuple(markers))
