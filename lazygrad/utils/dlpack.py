"""The names of torch.utils.dlpack."""

from lazygrad.exchange import from_dlpack as from_dlpack, to_dlpack as to_dlpack
