"""What PyTorch computed for the cases of a table: a file of ``recorded/`` for each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from lazygrad.files import replaced
from tests.parity.case import Case
from tests.parity.run import Values

FOLDER = Path(__file__).parent / "recorded"


def write(family: str, found: dict[str, Values]) -> None:
    """One block of bytes and where each array lies in it: thousands of small ones stay small."""
    index: dict[str, dict[str, Any]] = {}
    block = bytearray()
    for name, results in found.items():
        rows = index[name] = {}
        for where, (dtype, values) in results.items():
            rows[where] = [dtype, values.dtype.str, list(values.shape), len(block)]
            block += np.ascontiguousarray(values).tobytes()
    with replaced(FOLDER / f"{family}.npz") as file:
        text = np.frombuffer(json.dumps(index).encode(), np.uint8)
        np.savez_compressed(file, index=text, block=np.frombuffer(bytes(block), np.uint8))


@cache
def read(family: str) -> dict[str, Values]:
    """By case; none where nothing is recorded."""
    path = FOLDER / f"{family}.npz"
    if not path.exists():
        return {}
    with np.load(path) as file:
        index, block = json.loads(file["index"].tobytes()), file["block"].tobytes()
    return {name: {where: _array(row, block) for where, row in rows.items()}
            for name, rows in index.items()}  # fmt: skip


def _array(row: list[Any], block: bytes) -> tuple[str, Any]:
    dtype, stored, shape, start = row
    count = int(np.prod(shape))
    return dtype, np.frombuffer(block, stored, count, start).reshape(shape)


def key(case: Case) -> str:
    """Under which a case is recorded: with other inputs it is another one."""
    content = b"".join(array.tobytes() for array in case.arrays("float64"))
    return f"{case.name} {crc32(content):08x}"
