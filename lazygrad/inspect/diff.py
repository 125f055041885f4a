"""What tells two dumps from each other: kernels that came, went, were merged, split or changed."""

from __future__ import annotations

import difflib
import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from lazygrad.inspect import costs
from lazygrad.inspect.dump import ABOUT, folder_of, plans_in, read_step
from lazygrad.inspect.heading import without
from lazygrad.inspect.step import OUTPUT, Step, StepKernel
from lazygrad.inspect.words import counted
from lazygrad.runtime import registry

T = TypeVar("T")
ALIKE = 0.5  # of what two kernels come from and write, from where on one has become the other; and
# of the names of the kernels of two plans


@dataclass(frozen=True)
class Dumped:
    """A plan of a dump."""

    folder: Path
    step: Step

    def text(self, kernel: StepKernel, file: str) -> list[str]:
        """The lines of a file of a kernel; of its source for ``kernel.*``."""
        folder = self.folder / folder_of(self.step, kernel)
        found = sorted(folder.glob(file))
        if not found:
            return []
        text = found[0].read_text()
        if found[0].name == ABOUT:
            return text.splitlines()
        comment = registry.backend(self.step.device).comment
        return without(text, comment).splitlines()  # what the user calls things changes no code


@dataclass(frozen=True)
class Change:
    """Kernels that became others: one became one, or several, or several one."""

    before: tuple[StepKernel, ...]
    after: tuple[StepKernel, ...]

    @property
    def kind(self) -> str:
        sizes = (min(len(self.before), 2), min(len(self.after), 2))
        return KINDS[sizes]


KINDS = {(0, 1): "new", (0, 2): "new", (1, 0): "gone", (2, 0): "gone", (1, 1): "changed",
         (2, 1): "merged", (1, 2): "split"}  # fmt: skip
MARKS = {"new": "+", "gone": "-", "changed": "~", "merged": ">", "split": "<"}


@dataclass
class Difference:
    """Between two plans; ``same`` counts the kernels that did not change."""

    before: Dumped | None
    after: Dumped | None
    same: int = 0
    changes: list[Change] = field(default_factory=list)


def compare(before: str | Path, after: str | Path) -> list[Difference]:
    """The differences between the plans of two dumps, in order: folders of plans, or those in which
    they lie, of which the latest run counts. Plans that are the same have no ``changes``."""
    return [_between(a, b) for a, b in _pairs(_plans(Path(before)), _plans(Path(after)))]


def differ(found: Sequence[Difference]) -> bool:
    """Whether anything changed."""
    return any(each.changes or each.before is None or each.after is None for each in found)


# -- plans -------------------------------------------------------------------------------------


def _plans(folder: Path) -> list[Dumped]:
    return [Dumped(plan, read_step(plan)) for plan in plans_in(folder, "diff")]


def _pairs(
    before: Sequence[Dumped], after: Sequence[Dumped]
) -> Iterator[tuple[Dumped | None, Dumped | None]]:
    """Plans of functions of one name, and others, each in their order; before them steps that were
    jitted in one dump only, where they have that name."""
    old, new = list(before), list(after)
    yield from _matched(old, new, lambda a, b: _is_jitted_once(a, b, before, after))
    names = dict.fromkeys(dumped.step.called for dumped in (*old, *new))
    for name in names:
        yield from zip_longest(
            [dumped for dumped in old if dumped.step.called == name],
            [dumped for dumped in new if dumped.step.called == name],
        )


def _is_jitted_once(
    a: Dumped, b: Dumped, before: Sequence[Dumped], after: Sequence[Dumped]
) -> bool:
    """Whether one of them has a name that no plan of the other dump has, and the other one has none
    but kernels of the same names, about."""
    if bool(a.step.called) == bool(b.step.called):
        return False
    called, others = (a.step.called, after) if a.step.called else (b.step.called, before)
    names = [frozenset(kernel.name for kernel in each.step.kernels) for each in (a, b)]
    return all(each.step.called != called for each in others) and _are_alike(*names)


# -- kernels -----------------------------------------------------------------------------------


def _between(before: Dumped | None, after: Dumped | None) -> Difference:
    found = Difference(before, after)
    if before is None or after is None:
        return found
    old, new = list(before.step.kernels), list(after.step.kernels)
    sources = {id(k): d.text(k, "kernel.*") for d in (before, after) for k in d.step.kernels}

    def same(a: StepKernel, b: StepKernel) -> bool:
        return a.key == b.key and sources[id(a)] == sources[id(b)]

    found.same = len(list(_matched(old, new, same)))
    marks = {id(k): _features(d.step, k) for d in (before, after) for k in d.step.kernels}
    found.changes += _remade(old, new, marks)
    found.changes += _regrouped(old, new, lambda part, whole: marks[id(part)] <= marks[id(whole)])
    found.changes += _similar(old, new, marks)
    moved = {number: frozenset(map(_placeless, features)) for number, features in marks.items()}
    found.changes += _remade(old, new, moved)
    found.changes += _similar(old, new, moved)
    found.changes += (Change((a,), ()) for a in old)
    found.changes += (Change((), (b,)) for b in new)
    return found


Rule = Callable[[StepKernel, StepKernel], bool]


def _matched(old: list[T], new: list[T], rule: Callable[[T, T], bool]) -> Iterator[tuple[T, T]]:
    """Pairs that a rule holds for, each kernel or plan in one; they are taken out of the lists."""
    for a in list(old):
        b = next((b for b in new if rule(a, b)), None)
        if b is not None:
            old.remove(a)
            new.remove(b)
            yield a, b


def _are_alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= ALIKE * len(a | b) > 0


Marks = Mapping[int, frozenset[str]]  # what kernels are known by, by their id


def _remade(old: list[StepKernel], new: list[StepKernel], marks: Marks) -> Iterator[Change]:
    """Kernels for the same that are made otherwise."""

    def rule(a: StepKernel, b: StepKernel) -> bool:
        return a.key == b.key or (a.name == b.name and marks[id(a)] == marks[id(b)])

    return (Change((a,), (b,)) for a, b in _matched(old, new, rule))


def _similar(old: list[StepKernel], new: list[StepKernel], marks: Marks) -> Iterator[Change]:
    """Kernels for much of the same."""

    def rule(a: StepKernel, b: StepKernel) -> bool:
        return _are_alike(marks[id(a)], marks[id(b)])

    return (Change((a,), (b,)) for a, b in _matched(old, new, rule))


def _regrouped(old: list[StepKernel], new: list[StepKernel], covers: Rule) -> Iterator[Change]:
    """Kernels whose operations several had, or that several have now; taken out of the lists."""
    for wholes, parts, merged in ((new, old, True), (old, new, False)):
        for whole in list(wholes):
            inside = [part for part in parts if covers(part, whole)]
            if len(inside) > 1:
                wholes.remove(whole)
                for part in inside:
                    parts.remove(part)
                yield Change(tuple(inside), (whole,)) if merged else Change((whole,), tuple(inside))


def _features(step: Step, kernel: StepKernel) -> frozenset[str]:
    """What a kernel comes from, and which outputs it writes."""
    outputs = [step.buffers[n].name for n in kernel.written if step.buffers[n].role == OUTPUT]
    return frozenset((*kernel.origins, *outputs))


def _placeless(feature: str) -> str:
    """Without the line, which moves when somebody writes above it."""
    return feature.partition(" (")[0]


# -- in words ----------------------------------------------------------------------------------


def text(found: Sequence[Difference], *, sources: bool = False) -> str:
    """For a terminal; with the lines of sources that changed, and of loop nests anyway."""
    lines: list[str] = []
    for each in found:
        lines.append(_title(each))
        if each.same:
            lines.append(f"  {counted(each.same, 'kernel')} as before")
        for change in each.changes:
            lines.append(f"{MARKS[change.kind]} {_told(change)}")
            for file in (ABOUT, "kernel.*") if sources else (ABOUT,):
                lines += (f"    {line}" for line in _unified(each, change, file))
    return "\n".join(lines)


def _title(each: Difference) -> str:
    if each.before is None or each.after is None:
        return _heading(each)
    return str(costs.Change(_heading(each), *_costs(each)))


def _heading(each: Difference) -> str:
    known = each.before or each.after
    assert known is not None
    if each.before is None or each.after is None:
        name = _named(known.step.called, known.folder)
        return f"{name}: only in the {'first' if each.before else 'second'} dump"
    called = each.before.step.called or each.after.step.called
    return f"{_named(called, each.before.folder)} and {each.after.folder}"


def _costs(each: Difference) -> tuple[costs.Costs, costs.Costs]:
    assert each.before is not None and each.after is not None
    return _of_step(each.before.step), _of_step(each.after.step)


def _of_step(step: Step) -> costs.Costs:
    return {
        "kernels": len(step.kernels),
        "launches": len(step.launches),
        "FLOP": step.flops,
        "bytes moved": step.nbytes,
        "bytes of temporaries": step.temporaries,
    }


def _named(called: str, folder: Path) -> str:
    return f"{called} in {folder}" if called else str(folder)


def _told(change: Change) -> str:
    kernels = (*change.before, *change.after)
    if change.kind in ("new", "gone"):
        return f"{change.kind}: {', '.join(map(_cost, kernels))}"
    names = [" and ".join(kernel.name for kernel in side) for side in (change.before, change.after)]
    became = names[0] if names[0] == names[1] else " -> ".join(names)
    return (
        f"{change.kind}: {became} ({costs.told(*map(_of_kernels, (change.before, change.after)))})"
    )


def _cost(kernel: StepKernel) -> str:
    alone = _of_kernels([kernel])
    return f"{kernel.name} ({costs.told(alone, alone)})"


def _of_kernels(kernels: Sequence[StepKernel]) -> costs.Costs:
    return {"FLOP": sum(k.flops for k in kernels), "bytes": sum(k.nbytes for k in kernels)}


def _unified(each: Difference, change: Change, file: str) -> Iterable[str]:
    """The lines of a file of the kernels that changed."""
    before, after = _texts(each, change, file)
    return list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]


def _texts(each: Difference, change: Change, file: str) -> tuple[list[str], list[str]]:
    assert each.before is not None and each.after is not None
    return (
        [line for kernel in change.before for line in each.before.text(kernel, file)],
        [line for kernel in change.after for line in each.after.text(kernel, file)],
    )


# -- as a page ---------------------------------------------------------------------------------


def page(found: Sequence[Difference]) -> str:
    """The same as HTML, sources side by side."""
    sides = difflib.HtmlDiff(wrapcolumn=90)
    parts = []
    for each in found:
        parts.append(f"<h2>{html.escape(_heading(each))}</h2>")
        if each.before is not None and each.after is not None:
            parts.append(costs.table([costs.Change("the step", *_costs(each))]))
        parts.append(f"<p>{counted(each.same, 'kernel')} as before</p>" if each.same else "")
        for change in each.changes:
            tables = [
                sides.make_table(*_texts(each, change, file), context=True, numlines=2)
                for file in (ABOUT, "kernel.*")
            ]
            heading = f"<summary>{html.escape(_told(change))}</summary>"
            parts.append(f"<details>{heading}{''.join(tables)}</details>")
    return costs.page("Two dumps", "\n".join(parts or ["<p>no plans</p>"]))
