"""Connectionist temporal classification (Graves and others, 2006): how likely a sequence of scores
spells a target, over all ways to stretch it with blanks between."""

from __future__ import annotations

import math

from lazygrad.element_types import int32
from lazygrad.graph import Node
from lazygrad.lang.comparison import eq, gt, logical_and, lt, ne
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, detach, exp, log, maximum, mul, neg, sub, where
from lazygrad.lang.indexing import gather
from lazygrad.lang.loops import Operands, is_long, loop, stand_in
from lazygrad.lang.movement import broadcast_to, narrow, pad, reshape, unsqueeze
from lazygrad.lang.operands import cast, full_like, widened

# The logarithm of what is impossible: of 0 it would be -inf, whose differences are NaN.
IMPOSSIBLE = -1e30


def ctc_losses(
    log_probs: Node, targets: Node, input_lengths: Node, target_lengths: Node, blank: int
) -> Node:
    """The negative log-likelihood (N,) of each target (N, S) under scores (T, N, C), of which the
    first ``input_lengths`` and ``target_lengths`` count; inf where it is impossible."""
    scores = widened(log_probs)
    steps, count, _ = scores.shape
    labels = _with_blanks(targets, blank)
    places = labels.shape[1]
    spread = broadcast_to(unsqueeze(labels, 0), (steps, count, places))
    own = gather(scores, 2, spread, in_range=True)  # T, N, places
    # a place is also reached from two places before it, unless the label there is the same
    before = pad(labels, [(0, 0), (2, -2)], blank)
    skips = logical_and(ne(labels, blank), ne(labels, before))
    at = reshape(iota(places, labels.device), (1, places))
    reach = where(lt(at, 2), _step(own, 0), IMPOSSIBLE)
    turn = broadcast_to(unsqueeze(iota(steps, labels.device), 1), (steps, count))
    goes_on = lt(turn, broadcast_to(cast(input_lengths, int32), (steps, count)))
    reach = _walked(reach, skips, own, goes_on)
    end = unsqueeze(mul(target_lengths, 2), 1)
    last = gather(reach, 1, end, in_range=True)
    label = gather(reach, 1, maximum(sub(end, 1), 0), in_range=True)
    label = where(unsqueeze(gt(target_lengths, 0), 1), label, IMPOSSIBLE)
    found = neg(reshape(_either(last, label), (count,)))
    return cast(where(gt(found, -IMPOSSIBLE / 2), math.inf, found), log_probs.dtype)


def _with_blanks(targets: Node, blank: int) -> Node:
    """(N, 2 S + 1): a blank before, between and behind the labels."""
    count, size = targets.shape
    apart = pad(unsqueeze(targets, 2), [(0, 0), (0, 0), (1, 0)], blank)
    return pad(reshape(apart, (count, 2 * size)), [(0, 0), (0, 1)], blank)


def _walked(reach: Node, skips: Node, own: Node, goes_on: Node) -> Node:
    """How likely each place is after all steps but the first, from how it is ``reach``ed there."""
    steps = own.shape[0]
    if not is_long(steps):
        for t in range(1, steps):
            reach = _after(reach, skips, _step(own, t), _step(goes_on, t))
        return reach
    before, now, going = (stand_in(x.shape, x) for x in (reach, _step(own, 0), _step(goes_on, 0)))
    rest = [narrow(x, 0, 1, steps - 1) for x in (own, goes_on)]
    operands = Operands({before: reach}, dict(zip((now, going), rest, strict=True)), {})
    return loop(operands, [_after(before, skips, now, going)], [], steps - 1).final(0)


def _after(reach: Node, skips: Node, own: Node, goes_on: Node) -> Node:
    return where(unsqueeze(goes_on, 1), add(_three_ways(reach, skips), own), reach)


def _step(own: Node, t: int) -> Node:
    return reshape(narrow(own, 0, t, 1), own.shape[1:])


def _three_ways(reach: Node, skips: Node) -> Node:
    """From the same place, the one before it, and where ``skips`` holds the one before that."""
    one = pad(reach, [(0, 0), (1, -1)], IMPOSSIBLE)
    two = where(skips, pad(reach, [(0, 0), (2, -2)], IMPOSSIBLE), IMPOSSIBLE)
    return _either(_either(reach, one), two)


def _either(first: Node, second: Node) -> Node:
    """``log(exp(first) + exp(second))``"""
    high = detach(maximum(first, second))
    return add(log(add(exp(sub(first, high)), exp(sub(second, high)))), high)


def without_infinite(losses: Node) -> Node:
    """0, with derivative 0, where a loss is inf."""
    return where(eq(losses, math.inf), full_like(losses, 0), losses)
