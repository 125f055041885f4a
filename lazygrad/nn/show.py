"""The ``repr`` of a module, laid out as PyTorch's."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lazygrad.nn.module import Module


def show_module(module: Module, merge_equal: bool = False) -> str:
    """One line for a layer, a block with a line a child for a container.

    With ``merge_equal`` a run of children that look the same takes one line: ``(0-3): 4 x ...``
    """
    name = type(module).__name__
    extra = module.extra_repr()
    children = [(key, repr(child)) for key, child in module.named_children()]
    if not children and "\n" not in extra:
        return f"{name}({extra})"
    blocks = merged(children) if merge_equal else children
    lines = extra.splitlines()
    lines += [f"({key}): {text}".replace("\n", "\n  ") for key, text in blocks]
    return f"{name}(\n  " + "\n  ".join(lines) + "\n)"


def merged(children: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Runs of equal texts as one entry: their keys as ``first-last``, and how many."""
    blocks = []
    for text, run in groupby(children, key=lambda child: child[1]):
        keys = [key for key, _ in run]
        if len(keys) == 1:
            blocks.append((keys[0], text))
        else:
            blocks.append((f"{keys[0]}-{keys[-1]}", f"{len(keys)} x {text}"))
    return blocks
