"""Of the report of a comparison: all games together, and the kinds of games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.games import game_title
from harness.compare.design import BASELINE, SENSITIVE, TOLERANT
from harness.compare.formatting import (
    INTERVAL,
    UNIT,
    Results,
    difference_row,
    differences,
    few_note,
    interval_text,
    p_text,
    row_of,
)
from harness.compare.power import SEED
from harness.compare.statistics import Scores, Strata, bootstrap_interval
from harness.report.blocks import (
    Block,
    Column,
    Curves,
    Intervals,
    Reference,
    Section,
    Series,
    Table,
    Text,
)


def sums(results: Results) -> Section:
    """All games together."""
    networks = results["networks"]
    scored = [entry for entry in networks if entry["iqm"]]
    others = [e for e in scored if e["network"] != BASELINE]
    tails = [at for e in scored for at, high in enumerate(e["profile"]["high"]) if high > 0]
    last = max(tails, default=0) + 2  # one threshold that no run reaches ends the figure
    chances = tuple(row_of(e["network"], e["probability_of_improvement"]) for e in others)
    blocks: list[Block] = [
        Intervals(
            "Interquartile mean of all runs and games",
            f"score, 1 is {UNIT}; {INTERVAL}",
            tuple(row_of(entry["network"], entry["iqm"]) for entry in networks),
            (Reference(1.0, f"mean of {BASELINE}"), Reference(0.0, "random play")),
            note=few_note(scored),
        ),
        Intervals(
            "Probability of improvement",
            f"chance that a run scores above one of {BASELINE} in the same game, {INTERVAL}",
            chances,
            (Reference(0.5, "even"),),
        ),
        Curves(
            "Performance profile",
            f"score, 1 is {UNIT}",
            "share of runs that score more, mean over games",
            tuple(_profile(entry, last) for entry in scored),
            y_range=(0, 1),
            note=f"Shaded: {INTERVAL}, point by point.",
        ),
        _differences(networks),
    ]
    if not scored:
        why = f"no game in which {BASELINE} has a finished run is clearly above random play"
        blocks = [Text((f"Nothing can be summed up: {why}.",))]
    kept = tuple(b for b in blocks if not isinstance(b, (Intervals, Table)) or b.rows)
    lead = (
        "A game's unit is the score above random play of stride's runs there. The interquartile "
        "mean leaves out the best and the worst quarter of all runs."
    )
    return Section("All games together", lead, kept)


def _profile(entry: Results, last: int) -> Series:
    found = entry["profile"]
    lines = (found[name][:last] for name in ("thresholds", "share", "low", "high"))
    return Series(entry["network"], *lines)


def _differences(networks: Sequence[Results]) -> Table:
    return Table(
        f"Differences to {BASELINE} after equally many steps",
        (
            *(Column("network"), Column("games", "d"), Column("runs", "d")),
            *(Column(f"IQM difference ({INTERVAL})"), Column("p"), Column("p after Holm")),
            *(Column("p of equivalence"), Column("finding")),
        ),
        tuple(_difference_row(entry) for entry in networks if entry["network"] != BASELINE),
        "p is of permutations of runs within games. That of equivalence is of two one-sided "
        "tests: small where the difference is within the margin.",
    )


def _difference_row(entry: Results) -> tuple[Any, ...]:
    found, same, holm = (entry.get(name) for name in ("difference", "equivalence", "p_holm"))
    finding = "A/A control" if entry["role"] == "control" else entry.get("verdict")
    return (
        *(entry["network"], len(found["games"]) if found else 0, entry["runs"]),
        interval_text(found, "+.1%", short=True) if found else None,
        *(p_text(found["p"]) if found else None, None if holm is None else p_text(holm)),
        *(p_text(same["p"]) if same else None, finding),
    )


def kinds(results: Results) -> Section:
    """Games that need exact places against games that forgive."""
    games, baseline = results["games"], results["networks"][0]
    baseline = next((e for e in results["networks"] if e["network"] == BASELINE), baseline)
    others = [e for e in results["networks"] if e["network"] != BASELINE]
    order = sorted(games, key=lambda g: ("sensitive", "tolerant", None).index(games[g]["class"]))
    rows = [
        difference_row(
            entry["network"], found, f"{game_title(game)} ({_KINDS[games[game]['class']]})"
        )
        for game in order
        for entry in others
        if (found := _in_game(entry, baseline, game))
    ]
    crossed = tuple(
        (e["network"], found["difference"], p_text(found["p_runs"]), p_text(found["p_games"]))
        for e in others
        if (found := e.get("interaction"))
    )
    blocks: list[Block] = []
    if rows:
        margin = results["design"]["margin"]
        title = f"Difference of the means to {BASELINE}, game by game"
        blocks.append(differences(title, rows, margin, few_note(others)))
    if crossed:
        blocks.append(
            Table(
                f"Does the difference to {BASELINE} depend on the kind of game?",
                (
                    *(Column("network"), Column("sensitive less tolerant", "+.1%")),
                    *(Column("p, runs as units"), Column("p, games as units")),
                ),
                crossed,
                "p with runs as units is that of a difference which is the same in all these "
                "games; p with games as units that of kinds that do not matter, which is never "
                "small with few games. Neither is corrected for the number of networks.",
            )
        )
    else:
        blocks.append(Text((_no_kinds(games),)))
    lead = (
        "If pooling harms because it loses places, it harms more where small things have to be "
        f"located exactly ({_titles(SENSITIVE)}) than in games that forgive ({_titles(TOLERANT)})."
    )
    return Section("Kinds of games", lead, tuple(blocks))


_KINDS = {"sensitive": "sensitive", "tolerant": "tolerant", None: "of neither kind"}


def _titles(games: Sequence[str]) -> str:
    return ", ".join(map(game_title, games))


def _no_kinds(games: Results) -> str:
    found = {game["class"] for game in games.values() if game["counts"]}
    lacking = [kind for kind in ("sensitive", "tolerant") if kind not in found]
    if lacking:
        return f"Kinds cannot be compared: no {' and no '.join(lacking)} game counts here."
    return "Kinds cannot be compared: no network shares games of both kinds with stride."


def _in_game(entry: Results, baseline: Results, game: str) -> dict[str, float] | None:
    """Difference of the means of normalised scores in a game; the unit is taken as known."""
    if game not in entry["games"] or game not in baseline["games"]:
        return None
    mine, theirs = (np.array(e["games"][game]["normalised"], float) for e in (entry, baseline))
    rng = np.random.default_rng(SEED)
    return bootstrap_interval(_mean_difference, [mine], [theirs], rng=rng, redraws=1999)._asdict()


def _mean_difference(network: Strata, baseline: Strata) -> Scores:
    return np.asarray(network[0].mean(-1) - baseline[0].mean(-1))
