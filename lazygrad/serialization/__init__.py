"""``lazygrad.save`` and ``lazygrad.load``: nested states in files, and PyTorch's files."""

from lazygrad.serialization.files import load, save

__all__ = ["load", "save"]
