"""MNIST and Fashion-MNIST: small files in their form, and the real ones where they are."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from lazygrad.data import fashion_mnist, mnist
from lazygrad.data.mnist import CLOTHES, DIGITS
from lazygrad.errors import DataError
from tests.data.files import idx_bytes, write_mnist

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("read", "classes"), [(mnist, DIGITS), (fashion_mnist, CLOTHES)])
def test_four_files(tmp_path, read, classes, zipped):
    train, test = read(write_mnist(tmp_path, zipped=zipped), download=False)
    assert train.images.shape == (7, 1, 28, 28)
    assert test.images.shape == (3, 1, 28, 28)
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert train.classes == classes
    assert train.peak == 255


def test_labels_of_another_set(tmp_path):
    write_mnist(tmp_path)
    labels = np.zeros(6, np.uint8)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(labels)))
    with pytest.raises(DataError, match=r"mnist \(train\): 7 images but 6 labels"):
        mnist(tmp_path, download=False)


def test_images_and_labels_exchanged(tmp_path):
    write_mnist(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes((tmp_path / "train-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(DataError, match=r"images must be uint8 \(N, C, H, W\), not uint8 \(7, 1\)"):
        mnist(tmp_path, download=False)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_real_fashion_mnist():
    train, test = fashion_mnist(DEBIAN, download=False)
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert set(np.bincount(train.labels)) == {6_000}
    assert set(np.bincount(test.labels)) == {1_000}
    assert train.classes[train.labels[0]] == "Ankle boot"
    assert round(float(train.images.mean() / 255), 4) == 0.2860
