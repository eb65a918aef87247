"""Scripted players that read the console's memory: what a network is to learn by imitation.

They see places exactly and need no picture. Each takes the memory now and one step earlier, int64
[128], and returns the name of an action. Bytes and offsets of Pong and Breakout are those of
envs/labels.py. Those of Asterix (lane and x of the player, x of what is in each lane, what it is)
come from OCAtari (Delfosse et al. 2023) and from watching what gives points and what costs lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Memory = npt.NDArray[np.int64]
Expert = Callable[[Memory, Memory], str]

_PADDLE_X, _TOP, _BOTTOM = 138, 36, 192
"""Of Pong, in screen pixels: where the player hits the ball, and the walls of the ball's middle."""
_DEAD_ZONE = 8


def pong(now: Memory, before: Memory) -> str:
    """Go where the ball will cross the paddle's column, walls included; a paddle that still moves
    counts as half a step further."""
    paddle = now[51] - 5.5 + 0.5 * (now[51] - before[51])
    drawn = 45 <= now[54] <= 207 and now[49] > 0
    target = float(now[54] - 12) if drawn else 114.0
    speed = int(now[49] - before[49])
    if drawn and 0 < speed <= 40 and 45 <= before[54] <= 207:
        target += (now[54] - before[54]) * (_PADDLE_X - (now[49] - 49)) / speed
        period = 2 * (_BOTTOM - _TOP)
        target = _TOP + abs((target - _TOP + period / 2) % period - period / 2)
    return "LEFT" if target - paddle > _DEAD_ZONE else _right(target - paddle < -_DEAD_ZONE)


def _right(condition: bool) -> str:
    return "RIGHT" if condition else "NOOP"


def breakout(now: Memory, before: Memory) -> str:
    """Keep the paddle's middle below the ball; FIRE when there is none."""
    if not 1 <= now[101] <= 179:
        return "FIRE"
    apart = int(now[99] - 48) - int(now[72] - 39)
    return "LEFT" if apart < -4 else _right(apart > 4)


_LANES: Final = 8
_LYRES: Final = (204, 216)
_NOTHING: Final = (0, 11, 12)
"""An empty lane, a life lost, and the points of something collected."""
_SAFE, _HORIZON = 20, 3


def asterix(now: Memory, before: Memory) -> str:
    """Go to the nearest thing that gives points, into no lane where a lyre is near or will be
    within three steps."""
    lane, x = int(np.clip(now[39], 0, _LANES - 1)), int(now[41])
    places = now[42 : 42 + _LANES]
    speeds = places - before[42 : 42 + _LANES]
    speeds = np.where(np.abs(speeds) > 20, 0, speeds)  # something new came in
    kinds = now[18 : 18 - _LANES : -1]
    shown = (places > 3) & (places < 150)
    lyre = np.isin(kinds, _LYRES) & shown
    paths = places + speeds * np.arange(_HORIZON + 1)[:, None]
    danger = lyre & (np.abs(paths - x) < _SAFE).any(0)
    good = shown & ~np.isin(kinds, (*_LYRES, *_NOTHING))
    across = places + 2 * speeds - x
    up, side = 0, 0
    if good.any():
        cost = np.abs(np.arange(_LANES) - lane) * 12 + np.abs(across)
        target = int(np.where(good, cost, np.inf).argmin())
        up, side = int(np.sign(target - lane)), int(np.sign(across[target]))
        side *= abs(int(across[target])) >= 4
    if danger[np.clip(lane + up, 0, _LANES - 1)]:
        ways = [way for way in (0, 1, -1) if 0 <= lane + way < _LANES and not danger[lane + way]]
        up = ways[0] if ways else up
    name = ("", "DOWN", "UP")[up] + ("", "RIGHT", "LEFT")[side]
    return name or "NOOP"


EXPERTS: Final[dict[str, Expert]] = {"Pong": pong, "Breakout": breakout, "Asterix": asterix}
