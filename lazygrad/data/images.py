"""Labelled images in host memory, the form in which every data set here is delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from lazygrad.data.dataset import Array, Dataset
from lazygrad.errors import DataError


@dataclass(frozen=True, eq=False)
class ImageDataset(Dataset[tuple[Array, Any]]):
    """Labelled images, kept as the bytes that the files hold.

    Indexing converts: ``ds[3]`` is ``(image, label)`` with a float32 image ``(C, H, W)`` between 0
    and 1 and an ``int``; ``ds[2:8]`` or ``ds[array]`` is a batch, float32 ``(n, C, H, W)`` and
    int64 ``(n,)``.

    Args:
        name: what errors call this data set.
        images: uint8 ``(N, C, H, W)``.
        labels: int64 ``(N,)``, indices into ``classes``.
        classes: the name of each class.
        peak: the value of a full pixel: 16 in the digits, 255 elsewhere.

    Raises:
        DataError: if the arrays do not fit together or hold values outside their range.

    >>> train, _ = data.digits()
    >>> image, label = train[0]
    >>> len(train), image.shape, label, train.classes[:3]
    (1442, (1, 8, 8), 0, ('0', '1', '2'))
    """

    name: str
    images: Array
    labels: Array
    classes: tuple[str, ...]
    peak: int = 255

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> tuple[Array, Any]:
        image = np.divide(self.images[index], np.float32(self.peak), dtype=np.float32)
        label = self.labels[index]
        return image, (int(label) if np.ndim(label) == 0 else label)

    def batch(self, indices: Array) -> tuple[Array, Array]:
        """The images float32 ``(n, C, H, W)`` and labels int64 ``(n,)`` at ``indices``."""
        return self[indices]

    def subset(self, indices: Any) -> ImageDataset:
        """The data set that holds only the images at ``indices`` (a slice or an integer array)."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def __repr__(self) -> str:
        channels, height, width = self.images.shape[1:]
        size = f"{len(self):,} images of {channels}x{height}x{width}"
        return f"<Dataset {self.name}: {size} in {len(self.classes)} classes>"


class Split(NamedTuple):
    """What every data set function returns: ``train, test = lazygrad.data.digits()``.

    >>> train, test = data.digits()
    >>> type(data.digits()).__name__, train.name
    ('Split', 'digits')
    """

    train: ImageDataset
    test: ImageDataset


def _check(ds: ImageDataset) -> None:
    if ds.images.dtype != np.uint8 or ds.images.ndim != 4:
        raise DataError(
            f"[ImageDataset] {ds.name}: images must be uint8 (N, C, H, W), "
            f"not {ds.images.dtype} {ds.images.shape}"
        )
    if ds.labels.dtype != np.int64 or ds.labels.ndim != 1:
        raise DataError(
            f"[ImageDataset] {ds.name}: labels must be int64 (N,), "
            f"not {ds.labels.dtype} {ds.labels.shape}"
        )
    if len(ds.images) != len(ds.labels):
        raise DataError(
            f"[ImageDataset] {ds.name}: {len(ds.images)} images but {len(ds.labels)} labels; "
            "the two files belong to different sets"
        )
    if len(ds) == 0:
        raise DataError(f"[ImageDataset] {ds.name}: there are no images in it")
    low, high = int(ds.labels.min()), int(ds.labels.max())
    if low < 0 or high >= len(ds.classes):
        raise DataError(
            f"[ImageDataset] {ds.name}: labels run from {low} to {high}, "
            f"but there are {len(ds.classes)} classes"
        )
    if ds.images.max() > ds.peak:
        raise DataError(
            f"[ImageDataset] {ds.name}: a pixel of {ds.images.max()} is above the peak of {ds.peak}"
        )
