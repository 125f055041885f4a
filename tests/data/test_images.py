"""ImageDataset: indexing, subsets, and arrays that do not fit together."""

import numpy as np
import pytest

from lazygrad.data import ImageDataset
from lazygrad.errors import DataError

CLASSES = ("cat", "dog")


def make(**changes):
    parts = {
        "name": "pets",
        "images": np.arange(5 * 12, dtype=np.uint8).reshape(5, 3, 2, 2),
        "labels": np.array([0, 1, 1, 0, 1]),
        "classes": CLASSES,
    }
    return ImageDataset(**(parts | changes))


def test_one_sample():
    image, label = make()[2]
    np.testing.assert_array_equal(image, np.arange(24, 36, dtype=np.float32).reshape(3, 2, 2) / 255)
    assert image.dtype == np.float32
    assert label == 1


@pytest.mark.parametrize("index", [slice(1, 3), np.array([1, 2]), [1, 2]])
def test_several_samples(index):
    images, labels = make()[index]
    assert images.shape == (2, 3, 2, 2)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, [1, 1])


def test_iteration_ends():
    assert [label for _, label in make()] == [0, 1, 1, 0, 1]


def test_peak_scales():
    image, _ = make(images=np.full((5, 1, 1, 1), 16, np.uint8), peak=16)[0]
    assert image.item() == 1.0


def test_subset_keeps_everything_else():
    part = make(peak=200).subset(slice(0, 2))
    assert (len(part), part.peak, part.name, part.classes) == (2, 200, "pets", CLASSES)


def test_repr():
    assert repr(make()) == "<Dataset pets: 5 images of 3x2x2 in 2 classes>"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.zeros((5, 2, 2), np.uint8)}, "images must be uint8 (N, C, H, W), not uint8"),
        ({"images": np.zeros((5, 1, 2, 2))}, "not float64 (5, 1, 2, 2)"),
        ({"labels": np.zeros(5)}, "labels must be int64 (N,), not float64 (5,)"),
        ({"labels": np.zeros(4, np.int64)}, "5 images but 4 labels"),
        ({"labels": np.array([0, 1, 2, 0, 1])}, "labels run from 0 to 2, but there are 2 classes"),
        ({"labels": np.array([0, -1, 1, 0, 1])}, "labels run from -1 to 1"),
        ({"peak": 16}, "a pixel of 59 is above the peak of 16"),
        (
            {"images": np.zeros((0, 1, 2, 2), np.uint8), "labels": np.zeros(0, np.int64)},
            "there are no images in it",
        ),
    ],
)
def test_arrays_that_do_not_fit(changes, words):
    with pytest.raises(DataError) as caught:
        make(**changes)
    assert str(caught.value).startswith("[ImageDataset] pets: ")
    assert words in str(caught.value)
