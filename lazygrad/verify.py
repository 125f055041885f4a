"""Checks on the graph between stages: shapes, dtypes and devices are what the ops say."""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad.errors import InternalError, LazygradError
from lazygrad.graph import Node, toposort


def verify_graph(roots: Iterable[Node], stage: str) -> None:
    """Raises InternalError where a node is not what its op, sources and argument infer."""
    for value in toposort(roots):
        if value.op.arity not in (None, len(value.src)):
            raise InternalError(f"[verify] after {stage}: {value} has {len(value.src)} sources")
        try:
            inferred = value.op.infer(value.op, value.src, value.arg)
        except LazygradError as error:
            raise InternalError(f"[verify] after {stage}: {value}: {error}") from error
        if inferred != (value.shape, value.dtype):
            raise InternalError(f"[verify] after {stage}: {value} should be {inferred}")


def verify_same(before: Node, after: Node, stage: str) -> None:
    """A rewrite keeps shape, dtype and device."""
    if (before.shape, before.dtype, before.device) != (after.shape, after.dtype, after.device):
        raise InternalError(f"[verify] {stage} turned {before} into {after}")
