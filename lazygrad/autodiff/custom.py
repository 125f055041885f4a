"""Derivatives that users have written: CUSTOM asks the rule that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lazygrad.graph import Node


class Rule(Protocol):
    """What a CUSTOM holds. Sources count from 1: behind the value.

    Attributes:
        recomputes: whether its derivatives are those of the value by the sources, so that these
            must be what the value is made of.
    """

    recomputes: bool

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node]) -> list[Node]:
        """The tangent of each of ``results``, which are of one call, that ``tangents`` of sources
        cause."""

    def pull(self, cotangents: Mapping[Node, Node], wanted: Sequence[int]) -> dict[int, Node]:
        """The cotangents of those sources among ``wanted`` that have one, which ``cotangents`` of
        results cause."""

    def batched(self, one: Node, operands: Sequence[Node | None], size: int) -> Node:
        """The result ``one`` for all samples, which lie along a new first dim of ``operands``; None
        where they have none."""


class Ruling:
    """CUSTOM: the derivatives of all results of a call at once."""

    def has_derivative(self, index: int) -> bool:
        return index > 0

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node], mode: Any) -> list[Node]:
        """The tangent of each result that ``tangents`` of operands cause."""
        return _rule(results[0]).push(tangents, results)

    def pull(
        self, cotangents: Mapping[Node, Node], wanted: Sequence[int], mode: Any, batch: Any
    ) -> dict[int, Node]:
        """The cotangents of operands ``wanted`` that ``cotangents`` of results cause."""
        return _rule(next(iter(cotangents))).pull(cotangents, wanted)


def batched(one: Node, operands: Sequence[Node | None], size: int) -> Node:
    """A CUSTOM for all samples."""
    return _rule(one).batched(one, operands, size)


def _rule(result: Node) -> Rule:
    rule: Rule = result.arg.rule
    return rule
