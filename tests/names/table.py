"""PyTorch's names, held against what is here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lazygrad
import lazygrad.nn.functional
from lazygrad.names import answer

OWNERS: dict[str, Any] = {
    "torch": lazygrad,
    "torch.Tensor": lazygrad.Tensor,
    "torch.nn": lazygrad.nn,
    "torch.nn.functional": lazygrad.nn.functional,
    "torch.optim": lazygrad.optim,
    "torch.linalg": lazygrad.linalg,
    "torch.amp": lazygrad.amp,
    "torch.autograd": lazygrad.autograd,
    "torch.cuda": lazygrad.cuda,
    "torch.distributions": lazygrad.distributions,
    "torch.fft": lazygrad.fft,
    "torch.nn.init": lazygrad.nn.init,
    "torch.nn.utils": lazygrad.nn.utils,
    "torch.special": lazygrad.special,
}


def theirs() -> dict[str, list[str]]:
    """The names of PyTorch, by what they belong to."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in (Path(__file__).parent / "torch.txt").read_text().splitlines():
        section = re.fullmatch(r"\[(.*)\]", line)
        if section:
            names = found[section[1]] = []
        elif not line.startswith("#"):
            names += line.split()
    return found


def is_here(owner: str, name: str) -> bool:
    return name in dir(OWNERS[owner])


def summary() -> dict[str, tuple[int, dict[str, list[str]]]]:
    """By what they belong to: how many names are here; the others, by what is said of them."""
    found = {}
    for owner, names in theirs().items():
        others: dict[str, list[str]] = {}
        for name in names:
            if not is_here(owner, name):
                others.setdefault(answer(f"{owner}.{name}") or "", []).append(name)
        found[owner] = (sum(is_here(owner, name) for name in names), others)
    return found
