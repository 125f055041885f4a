"""Graph rewriting: a table of rules by op, applied bottom-up until none fires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lazygrad.errors import InternalError
from lazygrad.graph import Node, node, toposort
from lazygrad.ops import Op

Rule = Callable[[Node], Node | None]
MAX_STEPS_PER_NODE = 64  # a longer chain of rewrites of one node is a loop between rules


class Rules:
    """Rules by op; a rule returns an equal node, or None where it does not apply."""

    def __init__(self, first: Rules | None = None) -> None:
        """Those of ``first`` are tried before its own."""
        self.by_op: dict[Op, tuple[Rule, ...]] = {} if first is None else dict(first.by_op)

    def on(self, *on_ops: Op) -> Callable[[Rule], Rule]:
        """Decorator: try this rule at nodes of these ops, in order of declaration."""

        def register(rule: Rule) -> Rule:
            for op in on_ops:
                self.by_op[op] = (*self.by_op.get(op, ()), rule)
            return rule

        return register

    def apply(self, current: Node) -> Node | None:
        """The result of the first rule that fires, or None."""
        for rule in self.by_op.get(current.op, ()):
            result = rule(current)
            if result is not None and result is not current:
                return result
        return None


def rewrite(
    roots: Iterable[Node], rules: Rules, known: dict[Node, Node] | None = None
) -> dict[Node, Node]:
    """Maps every reachable node to its rewritten form, in time linear in the graph.

    ``known`` holds results from before, and nodes to leave alone (mapped to themselves); those of
    now are entered in it.
    """
    done: dict[Node, Node] = {} if known is None else known
    stack = list(roots)
    steps: dict[Node, int] = {}  # rewrites that led to a node
    while stack:
        current = stack[-1]
        if current in done:
            stack.pop()
            continue
        missing = [operand for operand in current.src if operand not in done]
        if missing:
            stack.extend(missing)
            continue
        rebuilt = with_sources(current, tuple([done[operand] for operand in current.src]))
        better = rules.apply(rebuilt)
        if better is not None and better.origin is None:
            better.origin = current.origin
        if better is None:
            done[current] = done[rebuilt] = rebuilt
            stack.pop()
        elif better in done:
            done[current] = done[rebuilt] = done[better]
            stack.pop()
        else:  # the replacement is new: bring it to its own fixed point first
            steps[better] = steps.get(current, 0) + 1
            if steps[better] > MAX_STEPS_PER_NODE:
                raise InternalError(f"[rewrite] rules do not settle at {current}")
            stack.append(better)
    return done


def with_sources(current: Node, src: tuple[Node, ...]) -> Node:
    """``current`` made of others, of the same origin."""
    if src == current.src:
        return current
    made = node(current.op, src, current.arg)
    if made.origin is None:
        made.origin = current.origin
    return made


def replaced(roots: Sequence[Node], known: dict[Node, Node]) -> list[Node]:
    """``roots`` rebuilt with other nodes in the place of some, marks of derivatives included.
    ``known`` says which, and is told what became of the others."""
    for current in toposort(roots, lambda n: () if n in known else n.src):
        if current not in known:
            made = with_sources(current, tuple([known[operand] for operand in current.src]))
            if made.value is None:
                made.value = current.value  # it is the same one
            known[current] = made
    return [known[root] for root in roots]
