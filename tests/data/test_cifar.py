"""CIFAR-10 in its three forms."""

import gzip
import io
import pickle
import tarfile

import numpy as np
import pytest

from lazygrad.config import config
from lazygrad.data import cifar10, limited
from lazygrad.data.cifar import ARCHIVE, BATCHES, BINARY, PICKLED, RECORD
from lazygrad.errors import DataError

COUNT = 4


def records(name):
    rng = np.random.default_rng(BATCHES.index(name))
    batch = rng.integers(0, 256, (COUNT, RECORD)).astype(np.uint8)
    batch[:, 0] %= 10
    return batch


def write_binary(folder):
    (folder / BINARY).mkdir(parents=True)
    for name in BATCHES:
        (folder / BINARY / f"{name}.bin").write_bytes(records(name).tobytes())


def write_pickled(folder):
    (folder / PICKLED).mkdir(parents=True)
    for name in BATCHES:
        batch = records(name)
        content = {b"data": batch[:, 1:], b"labels": batch[:, 0].tolist(), b"batch_label": b"x"}
        (folder / PICKLED / name).write_bytes(pickle.dumps(content, protocol=2))


def write_archive(folder, names=BATCHES):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / ARCHIVE, "w:gz") as archive:
        for name in (*names, "readme"):
            content = records(name).tobytes() if name in BATCHES else b"<HTML>"
            ending = ".bin" if name in BATCHES else ".html"
            member = tarfile.TarInfo(f"{BINARY}/{name}{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("write", [write_binary, write_pickled, write_archive])
@pytest.mark.parametrize("place", [".", "cifar10"])
def test_every_form(tmp_path, write, place):
    write(tmp_path / place)
    with config(data_dir=str(tmp_path), cache_dir=str(tmp_path / "cache")):
        train, test = cifar10(download=False)
    assert train.images.shape == (5 * COUNT, 3, 32, 32)
    assert test.images.shape == (COUNT, 3, 32, 32)
    expected = np.concatenate([records(name) for name in BATCHES])
    got = np.concatenate([train.images, test.images])
    np.testing.assert_array_equal(got.reshape(-1, RECORD - 1), expected[:, 1:])
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), expected[:, 0])
    assert train.classes[9] == "truck"


def test_an_incomplete_folder_does_not_hide_the_archive(tmp_path):
    write_binary(tmp_path)
    (tmp_path / BINARY / "test_batch.bin").unlink()
    write_archive(tmp_path)
    assert len(cifar10(tmp_path, download=False).test) == COUNT


def test_truncated_batch(tmp_path):
    write_binary(tmp_path)
    path = tmp_path / BINARY / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"data_batch_3.bin has 12291 bytes, .*records of 3073"):
        cifar10(tmp_path, download=False)


def test_truncated_archive(tmp_path):
    write_archive(tmp_path)
    path = tmp_path / ARCHIVE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="binary.tar.gz is damaged"):
        cifar10(tmp_path, download=False)


def test_archive_of_something_else(tmp_path):
    write_archive(tmp_path, names=BATCHES[:-2])
    with pytest.raises(DataError, match="lacks data_batch_5, test_batch"):
        cifar10(tmp_path, download=False)


def test_a_pickle_cannot_run_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("it ran",))

    write_pickled(tmp_path)
    (tmp_path / PICKLED / "test_batch").write_bytes(pickle.dumps({b"data": Trap()}, protocol=2))
    with pytest.raises(DataError, match="it asks for __builtin__.print, which is not an array"):
        cifar10(tmp_path, download=False)


def test_damaged_pickle(tmp_path):
    write_pickled(tmp_path)
    path = tmp_path / PICKLED / "data_batch_1"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="data_batch_1 is no batch of the Python version"):
        cifar10(tmp_path, download=False)


@pytest.mark.parametrize("write", [write_binary, write_pickled, write_archive])
def test_what_grows_too_large_is_given_up(tmp_path, monkeypatch, write):
    write(tmp_path)
    monkeypatch.setattr(limited, "LIMIT", 2 * RECORD)
    with pytest.raises(DataError, match=f"holds more than {2 * RECORD} bytes when it is unpacked"):
        cifar10(tmp_path, download=False)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_an_archive_that_unpacks_without_end(tmp_path, monkeypatch, kind):
    """Whichever member it is that grows."""
    monkeypatch.setattr(limited, "LIMIT", 1 << 20)
    member = tarfile.TarInfo("large")
    member.size, member.type = 1 << 40, kind
    (tmp_path / ARCHIVE).write_bytes(
        gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 22))
    )
    with pytest.raises(DataError, match=f"holds more than {1 << 20} bytes"):
        cifar10(tmp_path, download=False)


@pytest.mark.parametrize("name", ["/etc/data_batch_1.bin", f"../{BINARY}/data_batch_1.bin"])
def test_nothing_is_written_where_an_archive_says(tmp_path, name):
    """Members are read by their names, never unpacked."""
    with tarfile.open(tmp_path / ARCHIVE, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = RECORD
        archive.addfile(member, io.BytesIO(bytes(RECORD)))
        link = tarfile.TarInfo(f"{BINARY}/data_batch_2.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DataError):
        cifar10(tmp_path, download=False)
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"cos\nsystem\n(S'true'\ntR.",
        pickle.dumps({b"data": np.zeros((2, 3)), b"labels": [1, 2]}),
        pickle.dumps({b"data": None, b"labels": None}),
        pickle.dumps([1]),
        b"\x80\x04" + b"(" * 1000,
        b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + b"x",
    ],
)
def test_hostile_pickles(tmp_path, content):
    write_pickled(tmp_path)
    (tmp_path / PICKLED / "data_batch_1").write_bytes(content)
    with pytest.raises(DataError, match="data_batch_1 is no batch of the Python version"):
        cifar10(tmp_path, download=False)
