"""Reads a zip of JSON and arrays without trusting whoever wrote it.

Nothing is unpickled. Nothing is unpacked or allocated beyond what the reader asked for: the sizes
in the zip's directory and in an array's own header are checked first.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NPY_HEADER = 128
"""Bytes before the data of a small .npy file."""


class BadEpisode(ValueError):
    """A file that is not an episode of this format, or an episode that cannot be written; the
    message is one line."""


_DAMAGE = (
    *(ValueError, RuntimeError, RecursionError, EOFError, OverflowError, zlib.error),
    struct.error,
)
"""What zipfile, pydantic and numpy raise for damaged content."""


@contextmanager
def reading(path: Path) -> Iterator[zipfile.ZipFile]:
    """The open file. Whatever is wrong with it is raised as a BadEpisode that names it."""
    if path.exists() and not path.is_file():  # a device could be read for ever
        raise BadEpisode(f"{path} is no file: give an .episode file")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise BadEpisode(f"{path} does not exist") from None
    except (zipfile.BadZipFile, KeyError):  # no zip, or one without the parts of an episode
        raise BadEpisode(f"{path} is not an episode file, or is cut short or damaged") from None
    except OSError as error:
        raise BadEpisode(f"cannot read {path}: {error.strerror or error}") from None
    except _DAMAGE as error:
        line = str(error).partition("\n")[0]
        raise BadEpisode(f"{path} cannot be read as an episode: {line}") from None


def member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Content of a member; at most `most` bytes are ever unpacked."""
    info = archive.getinfo(name)
    # zipfile stops at the stated size with deflate only; other methods unpack first.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed by another method than deflate")
    if info.file_size > most:
        raise ValueError(f"{name} is larger than it may be ({info.file_size:,} bytes)")
    return archive.read(info)


def array(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """The array in a member. Raises ValueError unless it has this type and shape."""
    size = dtype.itemsize * math.prod(shape)
    stream = io.BytesIO(member(archive, f"{name}.npy", NPY_HEADER + size))
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name}.npy is of another version")
    file_shape, by_column, file_dtype = np.lib.format.read_array_header_1_0(stream)
    if (file_shape, by_column, file_dtype) != (shape, False, dtype):
        raise ValueError(f"{name}.npy holds {file_dtype} {file_shape}, not {dtype} {shape}")
    return np.frombuffer(stream.read(), dtype).reshape(shape)
