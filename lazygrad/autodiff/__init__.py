"""Derivatives as graphs: one rule table (``rules``), one driver a mode (``vjp``, ``jvp``)."""

from lazygrad.autodiff.jvp import jvp
from lazygrad.autodiff.vjp import vjp

__all__ = ["jvp", "vjp"]
