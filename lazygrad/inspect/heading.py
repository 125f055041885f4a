"""What stands before the code of a kernel, wherever it is shown: its formula, the plain loops that
compute it, what its axes and buffers are. The code itself has no names of the user's, because equal
kernels are generated once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap

from lazygrad.inspect.formula import Named, axes_of, buffers_of, formula, plain_loops
from lazygrad.inspect.step import Step, StepKernel
from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel, buffer_names

WIDTH = 96  # characters, and a few more for comments
MOST = 2  # buffers of which an axis says that it walks along them
INDENT = "    "


def heading(kernel: object, step: Step, row: StepKernel, code: str) -> list[str]:
    """The lines, none for what is no kernel; ``code`` is what they stand before."""
    if not isinstance(kernel, Kernel):
        return []
    buffers = buffers_of(kernel, step, row)
    values = [step.buffers[number] for number in row.buffers]
    pairs = zip(values, buffers, strict=True)
    facts = [f"{replace(value, name=known.name)} {value.dtype}" for value, known in pairs]
    return _heading(kernel, buffers, facts, code)


def heading_inside(kernel: object, code: str) -> list[str]:
    """The same of a kernel in a loop, whose buffers have no names of the user's."""
    if not isinstance(kernel, Kernel):
        return []
    named = zip(buffer_names(kernel), kernel.buffers, strict=True)
    buffers = [Named(name, (spec.size,), spec.size) for name, spec in named]
    facts = [f"{spec.size} elements, {spec.dtype.name}" for spec in kernel.buffers]
    return _heading(kernel, buffers, facts, code)


def _heading(
    kernel: Kernel, buffers: Sequence[Named], facts: Sequence[str], code: str
) -> list[str]:
    lines = [*_wrapped(formula(kernel, buffers))]
    if any(e.op in ex.BINDING for e in ex.toposort(kernel.values)):
        lines += ["", "as plain loops:", "", *_wrapped(plain_loops(kernel, buffers))]
    axes = list(_axes(kernel, buffers, code))
    lines += ["", "axes:", *_wrapped("\n".join(INDENT + axis for axis in axes))] if axes else []
    named = zip(buffer_names(kernel), facts, strict=True)
    return [*lines, "", "buffers:", *(f"{INDENT}{name}: {fact}" for name, fact in named)]


def commented(lines: Iterable[str], comment: str) -> str:
    """Lines as comments of a language, and an empty line; nothing for none."""
    text = "".join(f"{comment} {line}".rstrip() + "\n" for line in lines)
    return f"{text}\n" if text else ""


def without(text: str, comment: str) -> str:
    """Code without the comments that it begins with."""
    lines = text.splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith(comment)):
        del lines[0]
    return "\n".join(lines)


def _wrapped(text: str) -> Iterator[str]:
    for line in text.splitlines():
        begin = line[: len(line) - len(line.lstrip())]
        yield from wrap(
            line, WIDTH, subsequent_indent=begin + 2 * INDENT, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


# -- axes ---------------------------------------------------------------------------------------


def _axes(kernel: Kernel, buffers: Sequence[Named], code: str) -> Iterator[str]:
    """What each counts, and where it is in the code if it has no name of its own there."""
    reduced = {
        r: "summed" if e.arg.op.name == "SUM" else "the largest of"
        for e in ex.toposort(kernel.values)
        if e.op is ex.REDUCE
        for r in e.arg.ranges
    }
    for r in axes_of(kernel):
        how = f", {reduced[r]}" if r in reduced else ""
        along = "; ".join(_dims(kernel, buffers, r))
        yield f"{r.name} < {r.size}{how}{': ' if along else ''}{along}{_place(r, code)}"


def _dims(kernel: Kernel, buffers: Sequence[Named], r: Range) -> Iterator[str]:
    """The dims of buffers that an axis walks along: by itself, or as a part of their index."""
    found: dict[str, dict[str, None]] = {}
    for slot, index in _accesses(kernel):
        for dim, place in enumerate(buffers[slot].coordinates(index)):
            if r in place.ranges:
                whole = "" if place.only_atom == r else "within "
                found.setdefault(f"{whole}dim {dim} of", {})[buffers[slot].name] = None
    for where, names in found.items():
        listed = [*names][:MOST]
        yield f"{where} {', '.join(listed)}{', ...' if len(names) > MOST else ''}"


def _accesses(kernel: Kernel) -> Iterator[tuple[int, Index]]:
    for output in kernel.outputs:
        yield output.slot, output.index
    for value in ex.toposort(kernel.values):
        if value.op is ex.LOAD:
            yield value.arg.slot, value.arg.index


def _place(r: Range, code: str) -> str:
    """Where an axis is that code does not name."""
    if re.search(rf"\b{r.name}\b", code):
        return ""
    joined = re.search(rf"\b(?:[a-z]\d+_)*{r.name}(?:_[a-z]\d+)*\b", code)
    if joined:
        return f" (a part of {joined[0]} in the code)"
    return " (not named in the code)"
