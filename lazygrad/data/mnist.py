"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 1x28x28 each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lazygrad.data.dataset import Array
from lazygrad.data.digits import CLASSES as DIGITS
from lazygrad.data.download import RemoteFile
from lazygrad.data.idx import read_idx
from lazygrad.data.images import ImageDataset, Split
from lazygrad.data.source import Source, provide

# In this order: training images and labels, test images and labels.
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
LARGEST = 1 << 28  # bytes of values in a file; the images of MNIST are 47 million
MNIST_SHA256 = (
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FASHION_SHA256 = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
FASHION_MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)

CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def mnist(folder: str | Path | None = None, download: bool = True) -> Split:
    """MNIST, handwritten digits.

    Args:
        folder: where the four IDX files are, gzipped or not; by default ``mnist`` or
            ``MNIST/raw`` in the data folder (``LAZYGRAD_DATA``), then the cache.
        download: whether to download them if they are not there (12 MB).

    Raises:
        DataError: if the files cannot be found or are damaged.

    >>> data.mnist("not/there", download=False)
    Traceback (most recent call last):
        ...
    lazygrad.errors.DataError: [data] MNIST is not on this machine.
    looked in:
      not/there
    ...
    """
    return _read(provide(MNIST, folder, download), "mnist", DIGITS)


def fashion_mnist(folder: str | Path | None = None, download: bool = True) -> Split:
    """Fashion-MNIST, photographs of clothes.

    Args:
        folder: where the four IDX files are, gzipped or not; by default ``fashion-mnist`` or
            ``FashionMNIST/raw`` in the data folder (``LAZYGRAD_DATA``), then the folder of
            Debian's package ``dataset-fashion-mnist``, then the cache.
        download: whether to download them if they are not there (31 MB).

    Raises:
        DataError: if the files cannot be found or are damaged.

    >>> data.fashion_mnist("not/there", download=False)
    Traceback (most recent call last):
        ...
    lazygrad.errors.DataError: [data] Fashion-MNIST is not on this machine.
    looked in:
      not/there
    ...
    """
    return _read(provide(FASHION_MNIST, folder, download), "fashion-mnist", CLOTHES)


def _present(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _complete(folder: Path) -> bool:
    return all(_present(folder, name) for name in FILES)


def _remote(checksums: tuple[str, ...], mirrors: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    names = [f"{name}.gz" for name in FILES]
    return tuple(
        RemoteFile(name, checksum, tuple(mirror + name for mirror in mirrors))
        for name, checksum in zip(names, checksums, strict=True)
    )


def _read(folder: Path, name: str, classes: tuple[str, ...]) -> Split:
    train_images, train_labels, test_images, test_labels = (
        read_idx(_present(folder, file) or folder / file, LARGEST) for file in FILES
    )
    return Split(
        train=_dataset(f"{name} (train)", train_images, train_labels, classes),
        test=_dataset(f"{name} (test)", test_images, test_labels, classes),
    )


def _dataset(name: str, images: Array, labels: Array, classes: tuple[str, ...]) -> ImageDataset:
    # the files hold (N, H, W); an image here has a channel axis
    return ImageDataset(name, np.expand_dims(images, 1), labels.astype(np.int64), classes)


_CONTENT = ", ".join(f"{name}.gz" for name in FILES)
# The four files have the same names in both sets, so only the folder's name tells them apart:
# files that lie in the data folder itself are not taken.
MNIST = Source(
    title="MNIST",
    folder="mnist",
    complete=_complete,
    content=_CONTENT,
    remote=_remote(MNIST_SHA256, MNIST_MIRRORS),
    layouts=("MNIST/raw",),
)
FASHION_MNIST = Source(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    complete=_complete,
    content=_CONTENT,
    remote=_remote(FASHION_SHA256, FASHION_MIRRORS),
    layouts=("FashionMNIST/raw",),
    system=("/usr/share/datasets/fashion-mnist",),
    hint="on Debian and Ubuntu: apt-get install dataset-fashion-mnist",
)
