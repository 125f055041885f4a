"""The NumPy backend of lazygrad, device CPU."""

from lazygrad_numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
