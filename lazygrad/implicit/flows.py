"""The derivatives of what a differential equation leads to, by equations again.

Back: an equation for the cotangent of the state, beside the state itself, that runs from the last
time to the first, and jumps where the state was seen; cotangents of all else that the equation
reads are integrals over it. Forward: an equation for the tangent of the state. Both are equations
with jumps: there are derivatives of any order, and none needs the steps that were done.

Sources: Pontryagin et al., The mathematical theory of optimal processes (1962); Chen et al., Neural
ordinary differential equations (2018); Kidger et al., Hey, that's not an ODE (2021), for the norm
that leaves out the integrals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lazygrad import ops
from lazygrad.bridge import optional, read, wrap
from lazygrad.func.rules import Parts, Rule, ruled, running
from lazygrad.func.vmap import vmap
from lazygrad.functional.compare import where
from lazygrad.functional.creation import tensor, zeros
from lazygrad.functional.joining import cat
from lazygrad.graph import Node
from lazygrad.implicit import kept
from lazygrad.implicit.closed import Closed, closed
from lazygrad.implicit.integrating import Accuracy, Found, Jumps, integrated, not_reached
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import no_grad


class Flow(NamedTuple):
    """An equation.

    Attributes:
        how: it is integrated.
        field: the derivative of the state, of the time, the state and what is read from outside.
        shown: how many components of the state are seen at each time, and may jump there. The
            others, which nothing depends on, are seen at the end.
        keeps: what these keep of themselves in a jump, 1 or 0 each; None where nothing jumps.
    """

    how: Accuracy
    field: Closed
    shown: int
    keeps: tuple[float, ...] | None = None

    def given(self, y0: Node, times: Node, gets: Node | None, outer: Sequence[Node]) -> list[Node]:
        """All operands."""
        return [y0, times, *([] if gets is None else [gets]), *outer]


def found_by(flow: Flow, operands: Sequence[Node]) -> Found:
    """What an equation leads to, without history.

    Raises:
        ConvergenceError: if the end is not reached; where no value can be looked at, all is NaN.
    """
    key = flow.how, flow.shown, flow.keeps, flow.field.key
    found, known = kept.run(key, partial(_led_to, flow), operands)
    if known and found.outcome is not None and not found.outcome.arrived.item():
        raise not_reached(flow.how, found.outcome)
    return found


def _led_to(flow: Flow, y0: Any, times: Any, *rest: Any) -> Found:
    jumps, outer = None, rest
    if flow.keeps is not None:
        keeps = tensor(flow.keeps, dtype=y0.dtype, device=y0.device)
        jumps, outer = Jumps(keeps, rest[0]), rest[1:]
    sign = where(times[-1] >= times[0], 1.0, -1.0).cast(y0.dtype)

    def forth(t: Any, y: Any) -> Any:
        return sign * flow.field.called(sign * t, y, *outer)

    found = integrated(flow.how, forth, y0, sign * times, flow.shown, jumps)
    return found._replace(grid=None if found.grid is None else sign * found.grid)


def seen(flow: Flow, operands: Sequence[Node], found: Found | None = None) -> Node:
    """What is seen of a flow, as one vector, with derivatives: the states at all times, and what
    else there is at the end."""
    with no_grad():
        states, end, *_ = found_by(flow, operands) if found is None else found
        value = read(cat([states.flatten(), end[flow.shown :]]))
    [made] = ruled(Adjoint(flow), [value], operands, len(operands))
    return made


@dataclass(frozen=True, eq=False)
class Adjoint(Rule):
    """The rule of one flow."""

    flow: Flow

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.flow.how.name

    def given(self, one: Node) -> Sequence[Node]:
        return (*one.src[1:], one)

    def pull(self, cotangents: Mapping[Node, Node], wanted: Sequence[int]) -> dict[int, Node]:
        [(one, cotangent)] = cotangents.items()
        with running(self.name):
            return Call(self.flow, self.given(one)).pulled(wrap(cotangent), wanted)

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        with running(self.name):
            call = Call(self.flow, sources)
            parts = call.pulled(wrap(cotangents[0]), range(1, len(sources)))
            return [parts.get(number) for number in range(1, len(sources))]

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        with running(self.name):
            return [Call(self.flow, sources).pushed(tangents)]


class Call:
    """One flow, where it is to be differentiated.

    Attributes:
        states: all that was seen, (times, shown); ``rest`` what else there was at the end.
    """

    def __init__(self, flow: Flow, sources: Sequence[Node]) -> None:
        self.flow = flow
        y0, times, *outer, result = sources
        self.y0, self.times, self.outer = wrap(y0), wrap(times), outer
        self.count, self.shown = times.shape[0], flow.shown
        self.hidden = y0.size - self.shown
        self.gets = None if flow.keeps is None else wrap(self.outer.pop(0))
        self.first_outer = 3 if self.gets is None else 4  # counted from 1
        self.states, self.rest = self._apart(wrap(result))

    def _apart(self, vector: Any) -> tuple[Any, Any]:
        split = self.count * self.shown
        return vector[:split].reshape(self.count, self.shown), vector[split:]

    def pulled(self, cotangent: Any, wanted: Sequence[int]) -> dict[int, Node]:
        """The cotangents of operands ``wanted``, counted from 1."""
        flow, shown, hidden = self.flow, self.shown, self.hidden
        bars, rest_bar = self._apart(cotangent)
        read_there = [n for n in wanted if n >= self.first_outer]
        read_there = [n for n in read_there if self._outer(n).dtype.is_floating_point]
        sizes = [shown, shown, hidden, hidden, *(self._outer(n).size for n in read_there)]

        def field(t: Any, z: Any) -> Any:
            y, a, y_rest, a_rest, *_ = z.split(sizes)
            at = [read(t), read(cat([y, y_rest])), *self.outer]
            places = [1, *(n - self.first_outer + 2 for n in read_there)]
            found = flow.field.pull(at, read(cat([a, a_rest])), places)
            rows = zip(places, found, strict=True)
            parts = [wrap(part or zeros_like(flow.field.leaves[n])) for n, part in rows]
            moved, back = wrap(flow.field.at(at)), -parts[0]
            integrals = [-part.flatten() for part in parts[1:]]
            return cat([moved[:shown], back[:shown], moved[shown:], back[shown:], *integrals])

        none = zeros(sum(sizes[4:]), dtype=cotangent.dtype, device=cotangent.device)
        start = cat([self.states[-1], bars[-1], self.rest, rest_bar, none])
        keeps = (*(0.0,) * shown, *(flow.keeps or (1.0,) * shown))
        gets = cat([self.states, bars], 1).flip(0)
        back = self._led_to(field, start, self.times.flip(0), keeps, gets)
        pairs, end = self._next(back, 2 * shown)
        after = pairs.flip(0)[:, shown:]  # the cotangent of the state right after each time
        integrals = end[2 * hidden :].split(sizes[4:]) if read_there else []
        parts = {
            number: part.reshape(self._outer(number).shape)
            for number, part in zip(read_there, integrals, strict=True)
        }
        parts[1] = cat([after[0] + bars[0], end[hidden : 2 * hidden]])
        if 2 in wanted:
            parts[2] = self._of_times(after, bars, rest_bar)
        if self.gets is not None:
            parts[3] = cat([after[:1] * 0, after[1:-1], after[:1] * 0])
        return {number: read(parts[number]) for number in wanted if number in parts}

    def _of_times(self, after: Any, bars: Any, rest_bar: Any) -> Any:
        """What a state is seen later changes by its slope; what jumps later has moved on before."""
        rows = rest_bar.expand(self.count, self.hidden)
        last = self._is_last().unsqueeze(-1)
        late = cat([bars, where(last, rows, 0.0)], 1)
        before, behind = self._slopes()
        found = (late * before).sum(1)
        after = cat([after, rows], 1)
        begun = cat([-(after[:1] * before[:1]).sum(1), found[1:]])
        return begun if behind is None else begun + (after * behind).sum(1)

    def pushed(self, tangents: Sequence[Node]) -> Node:
        """The tangent of what is seen."""
        flow, shown, hidden = self.flow, self.shown, self.hidden
        y0_moved, times_moved = wrap(tangents[0]), wrap(tangents[1])
        changes = {
            number: tangent
            for number, tangent in enumerate(tangents[self.first_outer - 1 :], 2)
            if tangent.dtype.is_floating_point and not _is_nothing(tangent)
        }

        def field(t: Any, z: Any) -> Any:
            y, s, y_rest, s_rest = z.split([shown, shown, hidden, hidden])
            at = [read(t), read(cat([y, y_rest])), *self.outer]
            moved = wrap(flow.field.at(at))
            change = wrap(flow.field.push(at, {1: read(cat([s, s_rest])), **changes}))
            return cat([moved[:shown], change[:shown], moved[shown:], change[shown:]])

        before, behind = self._slopes()
        y0, s0 = self.y0, y0_moved - before[0] * times_moved[0]
        start = cat([y0[:shown], s0[:shown], y0[shown:], s0[shown:]])
        keeps, gets = None, None
        if flow.keeps is not None:
            keeps = (*flow.keeps, *flow.keeps)
            moved = behind[:, :shown] * times_moved.unsqueeze(-1)
            gets = cat([self.gets, wrap(tangents[2]) + moved], 1)
        forth = self._led_to(field, start, self.times, keeps, gets)
        pairs, end = self._next(forth, 2 * shown)
        late = before * times_moved.unsqueeze(-1)
        states = pairs[:, shown:] + late[:, :shown]
        return read(cat([states.flatten(), end[hidden:] + late[-1, shown:]]))

    # -- pieces ------------------------------------------------------------------------------------

    def _outer(self, number: int) -> Node:
        return self.outer[number - self.first_outer]

    def _led_to(self, field: Any, start: Any, times: Any, keeps: Any, gets: Any) -> Any:
        likes = [read(times[0]), read(start)]
        made, outer = closed(self.flow.how.name, field, likes)
        flow = Flow(self.flow.how, made, 2 * self.shown, keeps)
        return wrap(seen(flow, flow.given(read(start), read(times), optional(gets), outer)))

    def _next(self, vector: Any, shown: int) -> tuple[Any, Any]:
        split = self.count * shown
        return vector[:split].reshape(self.count, shown), vector[split:]

    def _is_last(self) -> Any:
        return tensor(np.arange(self.count) == self.count - 1, device=self.y0.device)

    def _slopes(self) -> tuple[Any, Any]:
        """Of the state at each time; and how they change where it jumps, if it does."""
        rows = self.rest.expand(self.count, self.hidden)
        f = vmap(lambda t, y: wrap(self.flow.field.at([read(t), read(y), *self.outer])))
        before = f(self.times, cat([self.states, rows], 1))
        if self.gets is None:
            return before, None
        keeps = tensor(self.flow.keeps, dtype=before.dtype, device=before.device)
        behind = f(self.times, cat([keeps * self.states + self.gets, rows], 1))
        inner = ~self._is_last() & ~self._is_last().flip(0)
        full = cat([keeps, keeps.new_ones(self.hidden)])
        return before, where(inner.unsqueeze(-1), full * before - behind, 0.0)


def _is_nothing(tangent: Node) -> bool:
    return tangent.op is ops.CONST and tangent.arg.value == 0
