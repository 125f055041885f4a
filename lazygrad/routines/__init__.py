"""Routines: what is no loop nest, by name. The op CALL computes one of a routine's results.

Each has a rule for the shapes of its results and an implementation in NumPy. That is what it means,
and how it runs on the host, unless a backend has its own. Its derivative stands in
``lazygrad.autodiff.calls``.
"""

from __future__ import annotations

from collections.abc import Mapping

from lazygrad.routines import decompositions, equations, exponential, gamma, order
from lazygrad.routines.routine import EYE as EYE, Routine

ROUTINES: Mapping[str, Routine] = {
    row.name: row
    for row in (*decompositions.ROWS, *equations.ROWS, *exponential.ROWS, *gamma.ROWS, *order.ROWS)
}
