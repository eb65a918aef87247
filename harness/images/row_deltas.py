"""Pictures as the rows that changed: most rows of an emulator's screen stay the same.

N pictures of R rows and C columns become

    masks   N * ceil(R / 8) bytes   a bit a row, highest bit first: whether it changed
    rows    C bytes each            old XOR new of every changed row, picture by picture

The picture before the first one is zero, so N pictures can be read without others. Rows repeat
themselves within the 32 kB that deflate looks back over; whole pictures of 33,600 bytes would not.
harness/players/web/store.js reads them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pictures = npt.NDArray[np.uint8]


def row_deltas(pictures: Pictures) -> bytes:
    """uint8 [N, R, C] with N > 0 as bytes."""
    changes = pictures.copy()
    changes[1:] ^= pictures[:-1]
    changed = changes.any(2)
    return np.packbits(changed, axis=1).tobytes() + changes[changed].tobytes()


def pictures(coded: bytes, count: int, rows: int, columns: int) -> Pictures:
    """The inverse of `row_deltas`, uint8 [N, R, C]. Raises ValueError for another size."""
    mask_bytes = -(-rows // 8)
    data = np.frombuffer(coded, np.uint8)
    masks = data[: count * mask_bytes].reshape(count, mask_bytes)
    changed = np.unpackbits(masks, axis=1, count=rows).astype(np.bool_)
    changes = np.zeros((count, rows, columns), np.uint8)
    changes[changed] = data[count * mask_bytes :].reshape(-1, columns)
    result: Pictures = np.bitwise_xor.accumulate(changes, axis=0)
    return result
