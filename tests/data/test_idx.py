"""The IDX reader: every type, and every way for a file to be wrong."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from lazygrad.data import read_idx
from lazygrad.errors import DataError
from tests.data.files import CODES, idx_bytes

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("kind", CODES)
def test_every_type_is_read_in_native_order(tmp_path, kind):
    values = (np.arange(6).reshape(2, 3) * 37 % 100).astype(kind)
    path = tmp_path / "values.idx"
    path.write_bytes(idx_bytes(values))
    got = read_idx(path)
    assert got.dtype == np.dtype(kind)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, values)


def test_gzip_is_recognised_by_content(tmp_path):
    path = tmp_path / "no-suffix"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES)))
    np.testing.assert_array_equal(read_idx(str(path)), IMAGES)


def test_result_is_writable(tmp_path):
    path = tmp_path / "a.idx"
    path.write_bytes(idx_bytes(IMAGES))
    assert read_idx(path).flags.writeable


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no IDX file: it starts with the bytes (none)"),
        (b"\x89PNG\r\n", "no IDX file: it starts with the bytes 89 50 4e 47"),
        (b"\0\0\x07\x01\0\0\0\0", "no IDX file: it starts with the bytes 00 00 07 01"),
        (b"\0\0\x08\x00", "no IDX file: it starts with the bytes 00 00 08 00"),
        (idx_bytes(IMAGES)[:10], "a header of 3 axes takes 16 bytes, but the file has 10"),
        (
            idx_bytes(IMAGES)[:-1],
            "is truncated: its header announces 2x3x4 values of uint8, 40 bytes in all, "
            "but it has 39",
        ),
        (idx_bytes(IMAGES) + b"\0", "has bytes after its values"),
    ],
)
def test_wrong_content(tmp_path, content, words):
    path = tmp_path / "wrong.idx"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"[read_idx] {path} ")
    assert words in str(caught.value)


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: c[:30] + b"\xff\xff" + c[32:]])
def test_damaged_gzip(tmp_path, damage):
    path = tmp_path / "damaged.gz"
    path.write_bytes(damage(gzip.compress(idx_bytes(np.arange(999, dtype=np.int32)))))
    with pytest.raises(DataError, match="is a damaged gzip file"):
        read_idx(path)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_idx(tmp_path / "nothing")


def bomb(shape, zeros):
    """A small gzipped file that unpacks to many zeros after its header."""
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return gzip.compress(header + bytes(zeros))


def test_no_more_is_unpacked_than_the_header_announces(tmp_path, monkeypatch):
    read = []
    original = gzip.GzipFile.read

    def counted(self, size=-1):
        assert size >= 0
        piece = original(self, size)
        read.append(len(piece))
        return piece

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    path = tmp_path / "bomb.gz"
    path.write_bytes(bomb((2, 3), 1 << 24))
    with pytest.raises(DataError, match="has bytes after its values: .* 18 bytes in all"):
        read_idx(path)
    assert sum(read) == 4 + 8 + 7


def test_a_header_that_announces_too_much_is_not_believed(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(bomb((1 << 31, 1 << 31), 1 << 20))
    with pytest.raises(DataError, match=f"{1 << 62} bytes, .*the limit of {1 << 32}"):
        read_idx(path)
    path.write_bytes(bomb((100,), 100))
    with pytest.raises(DataError, match="100 bytes, which is more than the limit of 99"):
        read_idx(path, limit=99)
    assert read_idx(path, limit=100).shape == (100,)


def test_memory_grows_with_what_is_there(tmp_path):
    path = tmp_path / "short.idx"
    path.write_bytes(bytes([0, 0, 8, 2]) + struct.pack(">2I", 1 << 15, 1 << 16) + b"12")
    tracemalloc.start()
    with pytest.raises(DataError, match="is truncated: .*but it has 14"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 23
