"""Reading files that may grow to anything when they are unpacked."""

from __future__ import annotations

from typing import Protocol

from lazygrad.errors import DataError

LIMIT = 1 << 29  # bytes; all of CIFAR-10 is 185 million
PIECE = 1 << 20  # bytes read at a time: memory grows with what is there, not with what is announced


class Readable(Protocol):
    """A binary file, as far as it matters here."""

    def read(self, count: int, /) -> bytes: ...
    def readline(self, count: int, /) -> bytes: ...
    def tell(self) -> int: ...


def read_at_most(file: Readable, count: int) -> bytes:
    """The next ``count`` bytes, or as many as there are."""
    pieces: list[bytes] = []
    while count and (piece := file.read(min(count, PIECE))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


class Limited:
    """A file of which no more than LIMIT bytes are read.

    Raises:
        DataError: by the read that goes beyond.
    """

    def __init__(self, file: Readable, name: str) -> None:
        self._file, self._name, self._left = file, name, LIMIT

    def read(self, count: int = -1) -> bytes:
        """The next ``count`` bytes, or all that are left."""
        most = self._left + 1
        return self._counted(read_at_most(self._file, most if count < 0 else min(count, most)))

    def readline(self) -> bytes:
        """The next line, as pickles need it."""
        return self._counted(self._file.readline(PIECE))

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise DataError(
                f"[data] {self._name} holds more than {LIMIT} bytes when it is unpacked, which is "
                "no data set that belongs there; get it again"
            )
        return piece
