"""Data sets, and batches of them.

>>> from lazygrad import data
>>> train, test = data.digits()
>>> for x, y in data.DataLoader(train, batch_size=64, shuffle=True): ...
"""

from lazygrad.data.cifar import cifar10
from lazygrad.data.collate import default_collate
from lazygrad.data.dataset import Dataset, Split
from lazygrad.data.digits import digits
from lazygrad.data.idx import read_idx
from lazygrad.data.loader import DataLoader
from lazygrad.data.mnist import fashion_mnist, mnist
from lazygrad.data.registry import DATASETS, load
from lazygrad.data.tensors import TensorDataset

__all__ = [
    "DATASETS",
    "DataLoader",
    "Dataset",
    "Split",
    "TensorDataset",
    "cifar10",
    "default_collate",
    "digits",
    "fashion_mnist",
    "load",
    "mnist",
    "read_idx",
]
