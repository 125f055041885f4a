"""The embedded digits: what they are and how they are split."""

import hashlib

import numpy as np

from lazygrad import data
from lazygrad.data.digits import every_fifth

# of scikit-learn's copy, in its order
IMAGES_SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def whole():
    """The two parts, put back into the order of the file."""
    train, test = data.digits()
    counts = np.bincount(train.labels) + np.bincount(test.labels)
    assert counts.sum() == 1797
    return train, test


def test_shapes_and_counts():
    train, test = whole()
    assert train.images.shape == (1442, 1, 8, 8)
    assert test.images.shape == (355, 1, 8, 8)
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert train.peak == 16
    assert train.classes == tuple("0123456789")
    np.testing.assert_array_equal(
        np.bincount(test.labels), [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    )


def test_the_embedded_values_are_those_of_the_source():
    from lazygrad.data.digits import _embedded

    images, labels = _embedded()
    assert hashlib.sha256(images.tobytes()).hexdigest() == IMAGES_SHA256
    assert hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest() == LABELS_SHA256
    mask = every_fifth(labels)
    found = data.digits()
    assert isinstance(found, data.Split)
    train, test = found
    np.testing.assert_array_equal(train.images[:, 0], images[~mask])
    np.testing.assert_array_equal(test.images[:, 0], images[mask])
    np.testing.assert_array_equal(test.labels, labels[mask])


def test_every_fifth_of_each_class():
    labels = np.array([0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(np.flatnonzero(every_fifth(labels)), [6, 10])


def test_scaled_values():
    image, label = data.digits().train[0]
    assert image.dtype == np.float32
    assert image.shape == (1, 8, 8)
    assert image.min() == 0.0
    assert image.max() == 0.9375  # 15 of 16
    assert label == 0
    assert type(label) is int
