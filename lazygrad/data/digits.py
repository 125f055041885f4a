"""The UCI handwritten digits, embedded in the package: 1,797 images of 8x8."""

from __future__ import annotations

import io
from importlib.resources import files

import numpy as np

from lazygrad.data.dataset import Array
from lazygrad.data.images import ImageDataset, Split

CLASSES = tuple("0123456789")
PEAK = 16


def digits() -> Split:
    """The handwritten digits, split into 1,442 training and 355 test images of 1x8x8.

    In the order of the file, every fifth image of each class is a test image: the same split on
    every machine, with every class and every writer in the same proportion on both sides.

    >>> train, test = data.digits()
    >>> x, y = next(iter(data.DataLoader(test, batch_size=8)))
    >>> x.shape, y.dtype
    ((8, 1, 8, 8), lazygrad.int64)
    """
    images, labels = _embedded()
    test = every_fifth(labels)
    whole = ImageDataset("digits", images[:, None], labels, CLASSES, PEAK)
    return Split(train=whole.subset(~test), test=whole.subset(test))


def every_fifth(labels: Array) -> Array:
    """bool ``(N,)``: True where an image is the fifth, tenth, ... of its class."""
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[4::5]] = True
    return mask


def _embedded() -> tuple[Array, Array]:
    packed = files("lazygrad.data").joinpath("embedded", "digits.npz").read_bytes()
    with np.load(io.BytesIO(packed)) as archive:
        return archive["images"], archive["labels"].astype(np.int64)
