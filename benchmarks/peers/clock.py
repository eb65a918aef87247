"""One window of one contender, the same for all: imports nothing but the standard library, since
it runs in the peers' environment."""

from __future__ import annotations

import json
import os
import resource
import sys
import time


class Clock:
    """Ends the process after a window: once `warm` steps are over it counts for `seconds`."""

    def __init__(self, warm: int, seconds: float) -> None:
        self._warm, self._seconds = warm, seconds
        self._begin: float | None = None

    def tick(self, steps: int, updates: int) -> None:
        """To be called often, with the agent steps and updates there were so far."""
        now = time.perf_counter()
        if self._begin is None:
            if steps >= self._warm and updates > 20:
                self._begin, self._from = now, (steps, updates)
            return
        if now - self._begin < self._seconds:
            return
        steps, updates = steps - self._from[0], updates - self._from[1]
        rate = steps / (now - self._begin)
        found = {"rate": rate, "ratio": updates / steps, "peak": peak_bytes()}
        print(json.dumps(found), flush=True)
        os._exit(0)


def peak_bytes() -> int:
    """Largest memory this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
