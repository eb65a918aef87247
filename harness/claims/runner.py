"""Units of work on all cores, with what is done kept as it comes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness.claims.budget import Budget
from harness.claims.units import Unit, do, done, pilots


def work(folder: Path, wanted: Sequence[Unit], budget: Budget, jobs: int) -> dict[Unit, str]:
    """Do what is not done yet, `jobs` units at a time, each on one core; what failed, and why."""
    folder.mkdir(parents=True, exist_ok=True)
    first = [unit for unit in wanted if unit in pilots(budget)]
    stages = first, [unit for unit in wanted if unit not in first]
    console = Console(stderr=True, markup=False, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
    failed: dict[Unit, str] = {}
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("units", total=len(wanted))
        for stage in stages:
            # What is done is known only now: it depends on what pilots chose.
            left = [unit for unit in stage if done(folder, unit, budget) is None]
            progress.update(task, advance=len(stage) - len(left))
            for unit, seconds, error in _finished(folder, left, budget, jobs):
                progress.update(task, advance=1, description=unit.name)
                if error:
                    failed[unit] = error
                if error or not console.is_terminal:
                    said = f"failed: {error}" if error else f"{seconds:.0f} s"
                    console.print(f"{unit.name}  {said}")
    return failed


def _finished(
    folder: Path, left: Sequence[Unit], budget: Budget, jobs: int
) -> Iterator[tuple[Unit, float, str | None]]:
    """(unit, seconds, error) as they end."""
    # A process of its own for each core: nothing of torch's threads is shared.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[float], Unit] = {
            pool.submit(_timed, folder, unit, budget): unit for unit in left
        }
        try:
            while running:
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    unit, error = running.pop(future), future.exception()
                    if error is None:
                        yield unit, future.result(), None
                    else:
                        yield unit, 0.0, f"{type(error).__name__}: {' '.join(str(error).split())}"
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _timed(folder: Path, unit: Unit, budget: Budget) -> float:
    started = time.monotonic()
    do(folder, unit, budget)
    return time.monotonic() - started
