"""How a program ends: an error that the user can fix is one line and exit code 2."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from agent.errors import UnknownNetwork, Unsupported
from envs.episode_zip import BadEpisode
from envs.games import UnknownGame
from envs.labels import NoLabels
from harness.errors import UserError
from harness.process.signals import exit_code
from harness.process.streams import install_streams
from harness.text import printable
from replay.errors import ReplayTooLarge

USERS_ERRORS = (
    *(UserError, UnknownGame, NoLabels, UnknownNetwork, Unsupported),
    *(ReplayTooLarge, BadEpisode),
)
_NO_MEMORY = re.compile("can't allocate memory|out of memory", re.IGNORECASE)
"""How torch says that memory is missing."""
_REMEDIES = {
    errno.ENOSPC: "make room and start again",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "get access to it, or choose another"
    ),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP), "choose another name"
    ),
}
"""What a user can do if the file system refuses."""


def fail(message: object) -> NoReturn:
    """Print one line to standard error and exit with code 2."""
    print(f"error: {printable(' '.join(str(message).splitlines()))}", file=sys.stderr)
    raise SystemExit(2)


def _with_signals(main: Callable[[], int | None]) -> int | None:
    """The result of `main`. An error that a signal caused is raised as that signal: one that comes
    while Python takes a lock would end as the error that the lock is not held."""
    try:
        return main()
    except Exception as error:
        cause = error.__context__
        while cause and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__context__
        if cause:
            raise cause from None
        raise


def run_cli(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit; an error that the user can fix is one line and exit code 2."""
    install_streams()
    try:
        raise SystemExit(_with_signals(main) or 0)
    except USERS_ERRORS as error:
        fail(error)
    except KeyboardInterrupt as stop:
        print("stopped", file=sys.stderr)
        raise SystemExit(exit_code(stop)) from None
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        fail(
            "there is not enough memory for this: ask for less, such as a smaller --replay-size, "
            "--batch-size, --num-envs, --states or --seeds"
        )
    except OSError as error:
        of_a_file = error.filename is not None or error.errno == errno.ENOSPC
        if error.errno not in _REMEDIES or not of_a_file:
            raise
        file = f"{error.filename}: " if error.filename else ""
        fail(f"{file}{error.strerror}: {_REMEDIES[error.errno]}")
