"""The name of torch.utils.data.distributed."""

from lazygrad.data import DistributedSampler as DistributedSampler
