"""evaluate.py gallery: a run's scores and the episodes to watch first, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from harness.cli.parser import option
from harness.console import Console
from harness.errors import UserError
from harness.files.outputs import mark_of, output
from harness.players.gallery import write_gallery
from harness.text import counted


@dataclass(frozen=True)
class GalleryCommand:
    """Put a run's scores and its best, worst, median and first episodes on one page.

    The page is one file that any browser opens, without a network. Every episode on it plays as
    one of `evaluate.py replay --in page` does, and several play together. It shows games recorded
    in RUN/episodes and, where the run has its action log, training episodes.
    """

    run_dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of the run, which may still be training."""
    out: Annotated[Path | None, option("FILE", "gallery.html in the run's folder")] = None
    """File of the page, .html."""

    def run(self) -> int:
        """Write the page; returns the exit code."""
        out = self.out or self.run_dir / "gallery.html"
        if out.suffix != ".html":
            raise UserError(f"--out must end in .html, not {out.suffix or out.name!r}")
        mark = mark_of(self)
        out = output(out, mark, "--out" if self.out else None)
        episodes = write_gallery(out, self.run_dir, mark)
        size = out.stat().st_size / 1e6
        Console().print(f"{out}: {counted(episodes, 'episode')}, {size:.1f} MB")
        return 0
