"""Solvers that are traced once. What they solve is a graph (``closed``): where it is of the same
structure as one that was solved before, whatever its tensors hold, the solver of that one is
replayed, as a jitted function is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from lazygrad.bridge import wrap
from lazygrad.graph import Node
from lazygrad.implicit.closed import have_values
from lazygrad.jit import Jit
from lazygrad.lang.elementwise import without_history
from lazygrad.locks import keeping
from lazygrad.modes import no_grad, traced_by

LIMIT = 64  # solvers kept; the least recently used goes first

_kept: OrderedDict[Hashable, Jit[..., Any]] = OrderedDict()


def clear() -> None:
    """Forget all solvers."""
    with keeping:
        _kept.clear()


def run(key: Hashable, function: Callable[..., Any], operands: Sequence[Node]) -> tuple[Any, bool]:
    """``function`` of handles on ``operands``, without history; and whether what it returns has
    values. If so, it was perhaps another function of the same key that did it.

    Args:
        key: what is equal for functions that do the same. None: nobody knows that.
        function: it reads nothing else, and holds no tensor.
    """
    with no_grad():
        held = [wrap(without_history(operand)) for operand in operands]
        known = have_values(operands)
        if not known or key is None:
            return function(*held), known
    with traced_by(None), no_grad():
        return _solver(key, function)(*held), True


def _solver(key: Hashable, function: Callable[..., Any]) -> Jit[..., Any]:
    with keeping:
        found = _kept.get(key)
        if found is None:
            while len(_kept) >= LIMIT:
                _kept.popitem(last=False)
            found = _kept[key] = Jit(function)
        _kept.move_to_end(key)
        return found
