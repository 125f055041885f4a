"""Where data sets are looked for, and what is said when they are nowhere."""

from pathlib import Path

import pytest

from lazygrad.config import config
from lazygrad.data import mnist
from lazygrad.data.download import RemoteFile
from lazygrad.data.mnist import FASHION_MNIST, MNIST
from lazygrad.data.source import Source, cache_root, provide, search_path
from lazygrad.errors import DataError
from tests.data.files import write_mnist


@pytest.fixture
def folders(tmp_path):
    """An empty data folder and an empty cache folder."""
    with config(data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "cache")):
        yield tmp_path


def make(name, **changes):
    parts = {
        "title": "Things",
        "folder": name,
        "complete": lambda folder: (folder / "thing").is_file(),
        "content": "the file thing",
        "remote": (RemoteFile("thing", "00", ("http://127.0.0.1:9/thing",)),),
        "hint": "ask a friend",
    }
    return Source(**(parts | changes))


def test_the_order_of_the_search(folders):
    assert search_path(FASHION_MNIST) == [
        folders / "data" / "fashion-mnist",
        folders / "data" / "FashionMNIST" / "raw",
        Path("/usr/share/datasets/fashion-mnist"),
        folders / "cache" / "data" / "fashion-mnist",
    ]


def test_without_a_data_folder(tmp_path):
    with config(data_dir=None, cache_dir=None):
        assert search_path(MNIST) == [Path.home() / ".cache" / "lazygrad" / "data" / "mnist"]
        assert cache_root() == Path.home() / ".cache" / "lazygrad" / "data"


def test_the_data_folder_may_be_that_of_the_set(tmp_path):
    folder = write_mnist(tmp_path / "mnist")
    with config(data_dir=str(folder)):
        assert provide(MNIST, fetch=False) == folder


def test_files_of_an_unnamed_folder_are_not_taken(tmp_path):
    # they could be those of Fashion-MNIST, which have the same names
    write_mnist(tmp_path / "data")
    with (
        config(data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path)),
        pytest.raises(DataError, match="MNIST is not on this machine"),
    ):
        mnist(download=False)


@pytest.mark.parametrize("place", ["data/mnist", "data/MNIST/raw", "cache/data/mnist"])
def test_every_place_is_found(folders, place):
    folder = write_mnist(folders / place)
    assert provide(MNIST, fetch=False) == folder


def test_an_incomplete_folder_is_passed_over(folders):
    first = write_mnist(folders / "data" / "mnist")
    (first / "t10k-labels-idx1-ubyte.gz").unlink()
    second = write_mnist(folders / "cache" / "data" / "mnist")
    assert provide(MNIST, fetch=False) == second


def test_a_given_folder_is_the_only_one(folders):
    write_mnist(folders / "data" / "mnist")
    with pytest.raises(DataError, match="not on this machine"):
        mnist(folders / "elsewhere", download=False)


def test_the_message_without_download(folders):
    with pytest.raises(DataError) as caught:
        provide(make("things"), fetch=False)
    assert str(caught.value).splitlines() == [
        "[data] Things is not on this machine.",
        "looked in:",
        f"  {folders}/data/things",
        f"  {folders}/cache/data/things",
        "and then:",
        "  downloading was not allowed",
        "ways out:",
        f"  put the file thing into {folders}/data/things",
        "  or set LAZYGRAD_DATA to a folder that has them in things/",
        "  or ask a friend",
    ]


def test_the_message_offline(folders):
    with pytest.raises(DataError) as caught:
        provide(make("things"))
    message = str(caught.value)
    assert "  [download] could not get thing\n    http://127.0.0.1:9/thing: " in message
    assert "  or ask a friend" in message
    assert not (folders / "data" / "things" / "thing").exists()


def test_debian_is_named_for_fashion_mnist(folders):
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist"):
        provide(FASHION_MNIST, folders / "empty", fetch=False)
