"""Kept while helpers still import it from here; see ``lazygrad.kernel.contraction``."""

from lazygrad.kernel.contraction import Contraction, find

__all__ = ["Contraction", "find"]
