"""Measurements on all cores, each kept as soon as it is done."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ale_py import ALEInterface, LoggerMode

from harness.claims.budget import Budget
from harness.claims.measurements import Measurement, done, pilots
from harness.claims.measuring import do
from harness.console import Console
from harness.process.signals import children_ignore_terminal, end_after_parent
from harness.run.hardware import prepare_process

SPEED_PERIOD = 3600.0
"""The time left is estimated from so many seconds; a measurement takes up to minutes."""


def work(
    folder: Path, units: Sequence[Measurement], budget: Budget, jobs: int
) -> dict[Measurement, str]:
    """Make the measurements that are not done yet, `jobs` at a time, each on one core. Returns
    those that failed, and why."""
    folder.mkdir(parents=True, exist_ok=True)
    first = [measurement for measurement in units if measurement in pilots(budget)]
    stages = {"learning rates": first, "measurements": [u for u in units if u not in first]}
    console = Console(stderr=True)
    failed: dict[Measurement, str] = {}
    with console.progress(transient=False, speed_period=SPEED_PERIOD) as progress:
        for name, stage in stages.items():
            # What is done is known only now: it depends on what pilots chose.
            left = [
                measurement for measurement in stage if done(folder, measurement, budget) is None
            ]
            task = progress.add_task(name, total=len(stage), completed=len(stage) - len(left))
            if not left:
                progress.update(task, completed=len(stage))  # its clock stops only with an update
            for measurement, seconds, error in _finished(folder, left, budget, jobs):
                progress.update(task, advance=1, description=f"{name}: {measurement.name}")
                if error:
                    failed[measurement] = error
                if error or not console.is_terminal:
                    result = f"failed: {error}" if error else f"{seconds:.0f} s"
                    console.print(f"{measurement.name}  {result}")
    return failed


def _finished(
    folder: Path, left: Sequence[Measurement], budget: Budget, jobs: int
) -> Iterator[tuple[Measurement, float, str | None]]:
    """(measurement, seconds, error) as they end. Those at work when a worker was killed are tried
    again, one by one, and the others after them."""
    while left:
        unfinished = yield from _in_pool(folder, left, budget, jobs)
        at_work, left = unfinished[:jobs], unfinished[jobs:]
        for measurement in at_work:
            for killed in (yield from _in_pool(folder, [measurement], budget, 1)):
                yield killed, 0.0, "its process was killed (no memory left?)"


def _in_pool(
    folder: Path, left: Sequence[Measurement], budget: Budget, jobs: int
) -> Generator[tuple[Measurement, float, str | None], None, Sequence[Measurement]]:
    """(measurement, seconds, error) as they end in a pool of processes; returns, in their order,
    those that had not ended when one of these was killed."""
    # A process of its own for each core: nothing of torch's threads is shared.
    spawn = multiprocessing.get_context("spawn")
    with children_ignore_terminal():
        pool = ProcessPoolExecutor(jobs, spawn, _begin_worker, (os.getpid(),))
        running: dict[Future[float], Measurement] = {
            pool.submit(_timed, folder, measurement, budget): measurement for measurement in left
        }
    unfinished: set[Measurement] = set()
    with pool:
        try:
            while running:
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    measurement, error = running.pop(future), future.exception()
                    if isinstance(error, BrokenProcessPool):
                        unfinished.add(measurement)
                    elif error is None:
                        yield measurement, future.result(), None
                    else:
                        yield (
                            measurement,
                            0.0,
                            f"{type(error).__name__}: {' '.join(str(error).split())}",
                        )
        except BaseException:
            # A measurement takes up to minutes, and is lost anyway.
            for worker in multiprocessing.active_children():
                worker.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [measurement for measurement in left if measurement in unfinished]


def _begin_worker(parent: int) -> None:
    """Settings of a worker, which ends with its parent."""
    end_after_parent(parent)
    ALEInterface.setLoggerMode(LoggerMode.Error)
    prepare_process()


def _timed(folder: Path, measurement: Measurement, budget: Budget) -> float:
    started = time.monotonic()
    do(folder, measurement, budget)
    return time.monotonic() - started
