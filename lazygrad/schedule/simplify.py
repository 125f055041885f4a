"""Algebraic simplification: marks removed, constants folded, identities, movement merged.

Rules keep values exactly as they are for every input, NaN and infinities included.
"""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad.graph import Node
from lazygrad.ops import Kind
from lazygrad.rewrite import rewrite

# Each enters its rules in the table; of those for one op, those in ``constants`` are tried first.
from lazygrad.schedule.rules import constants, identities, indices, movement, reductions
from lazygrad.schedule.rules.table import rules

FAMILIES = (constants, identities, indices, movement, reductions)
simplification = rules  # with all that they enter


def simplify(roots: Iterable[Node], known: dict[Node, Node] | None = None) -> dict[Node, Node]:
    """Maps every node below ``roots`` to an equal, simpler one, and enters them in ``known``."""
    return rewrite(roots, simplification, known)


def base_of(view: Node) -> Node:
    """The node below all movement ops."""
    while view.op.kind is Kind.MOVEMENT:
        view = view.src[0]
    return view
