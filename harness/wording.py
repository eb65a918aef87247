"""Words that several reports share."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def counted(count: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def shell_line(*words: object) -> str:
    """What to type into a shell to call a script of this program with the Python it runs with."""
    python, found = Path(sys.executable), shutil.which("python")
    # Beside python3.11 there may be a `python` of another version.
    if found and Path(found).parent == python.parent and Path(found).samefile(python):
        python = Path("python")
    elif python.is_relative_to(Path.cwd()):
        python = Path(os.path.relpath(python))
    return shlex.join(map(str, (python, *words)))
