"""This program beside Stable-Baselines3 and Tianshou, doing the same work: Pong, one update of
batch 32 for 4 steps, Adam 1e-4, replay 100,000, no evaluation, no video, no logging.

Each window is a fresh process, and the contenders take turns. A peer that cannot be installed or
does not run is named and left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.measuring import FAIR, report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Peers:
    """Steps per second of this program and its peers, in turn."""

    rounds: int = 3
    """Windows of each contender (count)."""
    seconds: float = 15.0
    """Length of a window (seconds)."""
    environment: Path = HERE / ".venv"
    """The peers' own virtual environment, made when it is not there."""
    json: Path | None = None
    """Write the figures here."""

    def run(self) -> None:
        theirs = str(set_up(self.environment))
        ours = [sys.executable, "-m", "benchmarks.peers.ours", str(self.seconds)]
        contenders = {
            "unpooled, bf16 where the CPU has it": [*ours, "auto"],
            "unpooled, fp32": [*ours, "fp32"],
            "Stable-Baselines3": [theirs, str(HERE / "sb3.py"), str(self.seconds)],
            "Tianshou": [theirs, str(HERE / "tianshou_dqn.py"), str(self.seconds)],
        }
        windows: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
        for number in range(self.rounds):
            for name, command in contenders.items():
                if number and not windows[name]:
                    continue
                if found := window(command):
                    windows[name].append(found)
                    print(f"round {number + 1}: {name} {found['rate']:.0f} steps/s", flush=True)
                else:
                    print(f"left out: {name} does not run here", flush=True)
        if table := rows(windows):
            report("side by side", table, FAIR, self.json)


def set_up(environment: Path) -> Path:
    """The Python of the peers' environment, installed on first use."""
    python, done = environment / "bin" / "python", environment / "installed"
    if not done.exists():
        print(f"installing the peers into {environment}", flush=True)
        venv.create(environment, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        for line in (HERE / "requirements.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                # One by one: a peer that cannot be installed keeps none of the others out.
                subprocess.run([*install, line], check=False)
        done.touch()
    return python


def window(command: list[str]) -> dict[str, float] | None:
    """What one contender's process measured; None when it failed."""
    # A user's plain environment: no limits on threads.
    env = {key: value for key, value in os.environ.items() if not key.startswith("OMP_")}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False
        )
    except subprocess.TimeoutExpired:
        print("no answer in 240 seconds", flush=True)
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        print((done.stderr or done.stdout).strip().splitlines()[-1:], flush=True)
        return None
    found: dict[str, float] = json.loads(lines[-1])
    return found


def rows(windows: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """The table: medians, and each contender's ratio to Stable-Baselines3, round by round."""
    base = [found["rate"] for found in windows["Stable-Baselines3"]]
    table = []
    for name, found in windows.items():
        if not found:
            continue
        rates = [window["rate"] for window in found]
        ratios = [rate / other for rate, other in zip(rates, base, strict=False)]
        table.append(
            {
                "": name,
                "steps/s": statistics.median(rates),
                "windows": " ".join(f"{rate:.0f}" for rate in rates),
                "x SB3": f"{statistics.median(ratios):.2f}" if ratios else "",
                "updates/steps": f"{statistics.median(w['ratio'] for w in found):.3f}",
                "peak GB, main process": max(window["peak"] for window in found) / 1e9,
            }
        )
    return table


if __name__ == "__main__":
    tyro.cli(Peers).run()
