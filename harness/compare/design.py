"""What a comparison trains: games x networks x seeds with equal settings, as one file.

OUT/design.json                      the design, written once
OUT/runs/<Game>/<network>-s<seed>/   a run of train.py; in score.json its final agent's score, where
                                     nothing else says how good it is (Design.scores)
OUT/runs/<Game>/<network>-s<seed>.log   what its programs printed
OUT/results.json                     everything that was found
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from agent.errors import UnknownNetwork
from agent.networks import QNetwork, dial_of, downsampling, is_user_network, make_network
from envs.fields import parse
from envs.games import game_title
from envs.scores import REFERENCE_SCORES
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.run.config import PresetName, RunConfig, flatten, unflatten
from harness.run.presets import PRESETS

MOST_SEEDS = 1_000
EPISODES = 30
MARGIN = 0.2
"""What a design has if nothing else is asked for."""
FORMAT = 1
BASELINE = "stride"
TWINS = ("dense_sub", "half_sub")
"""They compute the same function as the baseline, so their runs count as runs of it, and a
difference to it is a false one. The second costs as much as half_max, the first as much as
dense_max."""
ARROW = "->"
"""In the name of a tandem: the network that acts and the one that learns from what it saw."""
Role = Literal["baseline", "twin", "compared"]
EQUAL = {"steps", "seed", "game", "network", "scale_match"}
"""Settings that the design itself decides."""


@dataclass(frozen=True)
class Job:
    """One training run of a comparison."""

    game: str
    network: str
    seed: int
    teacher: str | None = None
    """The network that acts, where this one only learns from what that one saw."""

    @property
    def arm(self) -> str:
        """What its seeds have in common."""
        return self.network if self.teacher is None else f"{self.teacher}{ARROW}{self.network}"

    def __str__(self) -> str:
        return f"{game_title(self.game)} {self.arm} seed {self.seed}"


@dataclass(frozen=True)
class Design:
    """What a comparison is."""

    games: tuple[str, ...]
    networks: tuple[str, ...]
    seeds: int
    """Runs of each network on each game, with seeds 0 to seeds - 1 (count)."""
    steps: int
    """Of every run (agent steps)."""
    preset: str
    settings: dict[str, Any]
    """What departs from the preset, in every run alike."""
    episodes: int
    """Whole games that score a final agent, where that is done (count)."""
    margin: float
    """Largest loss that does not matter (share of the baseline's mean outcome)."""
    tandems: tuple[str, ...] = ()
    """Networks that learn passively, as `teacher->network`."""
    seeds_of: dict[str, int] = field(default_factory=dict)
    """Networks with another number of seeds."""

    def __post_init__(self) -> None:
        if not self.games or not self.networks:
            raise UserError(
                "a comparison needs games and networks: --games Pong --networks stride,half_max"
            )
        for network in self.learners:
            check_name(network)
        if BASELINE not in self.networks:
            raise UserError(f"--networks must have {BASELINE}, with which all others are compared")
        for name in ("games", "networks", "tandems"):
            if len(set(map(_folded, getattr(self, name)))) < len(getattr(self, name)):
                raise UserError(f"{name}: one is named twice (capital letters do not count)")
        if self.preset not in PRESETS:
            raise UserError(f"unknown preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if unknown := [g for g in self.games if g not in REFERENCE_SCORES]:
            raise UserError(f"no published random score for {', '.join(unknown)}: choose others")
        for name in ("seeds", "steps", "episodes"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} must be at least 1, not {getattr(self, name)}")
        for network, count in self.seeds_of.items():
            if network not in self.networks:
                raise UserError(f"--seeds {network}={count}: {network} is none of --networks")
            if count < 1:
                raise UserError(f"--seeds {network}={count}: must be at least 1")
        if self.most_seeds > MOST_SEEDS:
            raise UserError(f"--seeds must be at most {MOST_SEEDS}, not {self.most_seeds}")
        if not 0 < self.margin < 1:
            raise UserError(f"--margin must lie between 0 and 1, not {self.margin}")
        for tandem in self.tandems:
            if teacher_of(tandem)[0] not in self.networks:
                raise UserError(f"--tandem {tandem}: its teacher is none of --networks")

    @property
    def config(self) -> RunConfig:
        """Settings of its runs; game, network and seed are each one's own. Raises UserError."""
        settings = (
            flatten(PRESETS[cast(PresetName, self.preset)]) | self.settings | {"steps": self.steps}
        )
        try:
            return unflatten(settings)
        except ValueError as error:
            name = str(error).partition(" ")[0]
            how = f", with --settings {name}=VALUE" if name.replace("-", "_") in settings else ""
            raise UserError(f"{error}{how}") from None

    @property
    def jobs(self) -> list[Job]:
        """Training runs, seed by seed, so that whatever is done is balanced."""
        return [
            Job(game, network, seed)
            for seed in range(self.most_seeds)
            for game in self.games
            for network in self.networks
            if seed < self.seeds_for(network)
        ]

    @property
    def tandem_jobs(self) -> list[Job]:
        """Runs that need the finished run of their teacher."""
        return [
            Job(game, network, seed, teacher)
            for seed in range(self.most_seeds)
            for game in self.games
            for teacher, network in map(teacher_of, self.tandems)
            if seed < self.seeds_for(teacher)
        ]

    def seeds_for(self, network: str) -> int:
        """How many runs a network has on each game; a passive one has those of its teacher."""
        return self.seeds_of.get(network, self.seeds)

    @property
    def most_seeds(self) -> int:
        """The largest number of seeds of a network (count)."""
        return max(map(self.seeds_for, self.networks))

    @property
    def runs(self) -> int:
        """All runs (count)."""
        return len(self.jobs) + len(self.tandem_jobs)

    def scores(self, job: Job) -> bool:
        """Whether a job's final agent is scored: where there are no evaluations, and where a
        network learned passively, for itself and for its teacher."""
        teachers = {teacher_of(tandem)[0] for tandem in self.tandems}
        return job.teacher is not None or not self.config.eval_episodes or job.network in teachers

    @property
    def learners(self) -> tuple[str, ...]:
        """The network of each arm."""
        return (*self.networks, *(teacher_of(tandem)[1] for tandem in self.tandems))

    @property
    def own_networks(self) -> list[str]:
        """Networks that are somebody's own code."""
        return sorted(set(filter(is_user_network, self.learners)))


def _folded(name: str) -> str:
    """The same for all names of one network, and for those whose folders may be the same."""
    return ARROW.join(str(dial_of(part) or part.casefold()) for part in name.split(ARROW))


def teacher_of(tandem: str) -> tuple[str, str]:
    """(teacher, network) of `teacher->network`, or of `network` alone, whose teacher is stride."""
    teacher, arrow, network = tandem.rpartition(ARROW)
    return (teacher if arrow else BASELINE), network


def role_of(network: str) -> Role:
    """What a network is in a comparison."""
    if network == BASELINE:
        return "baseline"
    return "twin" if network in TWINS else "compared"


def check_name(network: str) -> None:
    """Raise UnknownNetwork for a name that is neither in the table nor a `module:Class`: names
    become folders."""
    if not is_user_network(network):
        if downsampling(network) is None:
            make_network(network, 1)  # raises, and lists the names
    elif not re.fullmatch(r"\w+(\.\w+)*:\w+", network):
        raise UnknownNetwork(f"{network!r} is no module:Class")


def run_dir(out: Path, job: Job) -> Path:
    """Folder of a job's run."""
    name = job.arm.replace(":", ".").replace(ARROW, "-teaches-")
    return out / "runs" / game_title(job.game) / f"{name}-s{job.seed}"


def scale_matched(network: str, num_actions: int) -> bool:
    """Whether the scale of a network's start can be matched: one of somebody's own has layers of
    its own. Makes the network."""
    return not is_user_network(network) or isinstance(make_network(network, num_actions), QNetwork)


def read_design(out: Path) -> Design | None:
    """The design in a folder, None where there is none. Raises UserError."""
    file = out / "design.json"
    try:
        return parse(Design, file.read_text(), FORMAT, optional=("seeds_of",))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        around = next(path for path in (out, *out.parents) if path.is_file())
        raise UserError(f"{around} is a file: give a folder") from None
    except (OSError, ValueError, TypeError, RecursionError, UserError) as error:
        raise UserError(f"{file} is not a design: {error}") from None


def settle_design(out: Path, wanted: Design) -> Design:
    """Write the design, or hold it against the one that the folder has.

    Games, networks, tandems and seeds may be added and runs made longer; the number of scored games
    may change. Raises UserError for any other change.
    """
    before = read_design(out)
    if before:
        for network in before.networks:
            old, new = before.seeds_for(network), wanted.seeds_for(network)
            if network in wanted.networks and new < old:
                raise UserError(
                    f"{out} holds another comparison (seeds: {old:,} of {network} can only grow, "
                    f"not be {new:,}): choose another --out"
                )
        for name in ("games", "networks", "tandems", "steps", *_FIXED):
            old, new, why = getattr(before, name), getattr(wanted, name), ""
            if name in _FIXED:
                why = f"{old} cannot become {new}" if old != new else ""
            elif isinstance(old, int):
                why = f"{old:,} can only grow, not be {new:,}" if new < old else ""
            else:
                if gone := [one for one in old if one not in new]:
                    why = f"{', '.join(gone)} cannot be taken away"
                # The names that were there come first, so that nothing moves.
                joined: dict[str, Any] = {name: tuple(dict.fromkeys((*old, *new)))}
                wanted = replace(wanted, **joined)
            if why:
                raise UserError(
                    f"{out} holds another comparison ({name}: {why}): choose another --out"
                )
    if wanted != before:
        write_json(out / "design.json", {"format": FORMAT, **asdict(wanted)})
    return wanted


_FIXED = ("preset", "settings", "margin")
