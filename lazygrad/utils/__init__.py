"""What PyTorch has under ``torch.utils``: ``data`` and ``dlpack``, imported when they are used."""

from lazygrad.names import lookup

__all__ = ["data", "dlpack"]

__getattr__ = lookup("utils", "torch.utils", globals(), __all__)
