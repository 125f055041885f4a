"""Data sets, and batches of them; also as ``lazygrad.utils.data``, where PyTorch has them.

>>> from lazygrad import data
>>> train, test = data.digits()
>>> for x, y in data.DataLoader(train, batch_size=64, shuffle=True): ...
"""

from lazygrad.data import transforms as transforms
from lazygrad.data.cifar import cifar10
from lazygrad.data.collate import default_collate, default_convert
from lazygrad.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    random_split,
)
from lazygrad.data.digits import digits
from lazygrad.data.idx import read_idx
from lazygrad.data.images import ImageDataset, Split
from lazygrad.data.loader import DataLoader
from lazygrad.data.mnist import fashion_mnist, mnist
from lazygrad.data.registry import DATASETS, load
from lazygrad.data.sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SeededSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from lazygrad.data.tensors import TensorDataset
from lazygrad.data.workers import WorkerInfo, get_worker_info

__all__ = [
    "DATASETS",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "ImageDataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SeededSampler",
    "SequentialSampler",
    "Split",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "cifar10",
    "default_collate",
    "default_convert",
    "digits",
    "fashion_mnist",
    "get_worker_info",
    "load",
    "mnist",
    "random_split",
    "read_idx",
    "transforms",
]
