"""The data sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lazygrad.data.cifar import cifar10
from lazygrad.data.digits import digits
from lazygrad.data.images import Split
from lazygrad.data.mnist import fashion_mnist, mnist
from lazygrad.errors import DataError
from lazygrad.public import public

DATASETS: Mapping[str, Callable[[], Split]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
}


@public
def load(name: str) -> Split:
    """The training and test images of the data set called ``name``.

    Raises:
        DataError: for a name that is not in ``DATASETS``, or if its files cannot be had.

    >>> train, test = data.load("digits")
    >>> len(train), len(test)
    (1442, 355)
    """
    if name not in DATASETS:
        raise DataError(f"[data.load] unknown data set {name!r}; known: {', '.join(DATASETS)}")
    return DATASETS[name]()
