"""The tree that modules make: what is below one, and what is at a path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lazygrad.errors import ModuleError
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

if TYPE_CHECKING:
    from lazygrad.nn.module import Module


def named_children(self: Module) -> Iterator[tuple[str, Module]]:
    """The modules directly below, each once.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    >>> list(model.named_children())
    [('0', Linear(in_features=2, out_features=2, bias=True)), ('1', ReLU())]
    """
    seen: set[int] = set()
    for name, module in self._own_modules():
        if id(module) not in seen:
            seen.add(id(module))
            yield name, module


def children(self: Module) -> Iterator[Module]:
    """The modules directly below, each once.

    >>> [type(layer).__name__ for layer in nn.Sequential(nn.Linear(2, 2), nn.ReLU()).children()]
    ['Linear', 'ReLU']
    """
    for _, module in self.named_children():
        yield module


def named_modules(
    self: Module, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
) -> Iterator[tuple[str, Module]]:
    """This module and all below it, parents first.

    >>> model = nn.Sequential(nn.Sequential(nn.ReLU()))
    >>> [name for name, _ in model.named_modules()]
    ['', '0', '0.0']
    """
    seen = set() if memo is None else memo
    if id(self) in seen:
        return
    if remove_duplicate:
        seen.add(id(self))
    yield prefix, self
    for name, module in self._own_modules():
        yield from module.named_modules(seen, joined(prefix, name), remove_duplicate)


def modules(self: Module) -> Iterator[Module]:
    """This module and all below it, parents first, each once.

    >>> shared = nn.ReLU()
    >>> len(list(nn.Sequential(shared, shared).modules()))
    2
    """
    for _, module in self.named_modules():
        yield module


def named_parameters(
    self: Module, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, Tensor]]:
    """Trained Tensors with their names; one that has two names comes once.

    >>> [(name, p.shape) for name, p in nn.Linear(3, 2).named_parameters(prefix="head")]
    [('head.weight', (2, 3)), ('head.bias', (2,))]
    """
    return _members(self, lambda m: m._own_parameters(), prefix, recurse, remove_duplicate)


def parameters(self: Module, recurse: bool = True) -> Iterator[Tensor]:
    """Trained Tensors, each once.

    >>> sum(p.numel() for p in nn.Linear(3, 2).parameters())
    8
    """
    for _, param in self.named_parameters(recurse=recurse):
        yield param


def named_buffers(
    self: Module, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, Tensor]]:
    """Registered buffers with their names.

    >>> [name for name, _ in nn.BatchNorm1d(2).named_buffers()]
    ['running_mean', 'running_var', 'num_batches_tracked']
    """
    return _members(self, lambda m: m._own_buffers(), prefix, recurse, remove_duplicate)


def buffers(self: Module, recurse: bool = True) -> Iterator[Tensor]:
    """Registered buffers, each once.

    >>> [buffer.shape for buffer in nn.BatchNorm1d(2).buffers()]
    [(2,), (2,), ()]
    """
    for _, buffer in self.named_buffers(recurse=recurse):
        yield buffer


def _members(
    self: Module,
    own: Callable[[Module], Iterable[tuple[str, Tensor]]],
    prefix: str,
    recurse: bool,
    remove_duplicate: bool,
) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    owners = (
        self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        if recurse
        else [(prefix, self)]
    )
    for path, module in owners:
        for name, tensor in own(module):
            if remove_duplicate and id(tensor) in seen:
                continue
            seen.add(id(tensor))
            yield joined(path, name), tensor


@public
def get_submodule(self: Module, target: str) -> Module:
    """The module at path ``target``; "" is this one.

    >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
    ReLU()
    """
    found = self
    for name in filter(None, target.split(".")):
        below = found._modules.get(name)
        if below is None:
            known = ", ".join(path for path, _ in self.named_modules() if path)
            raise ModuleError(f"[nn] no module {target!r}; there are: {known}")
        found = below
    return found


@public
def set_submodule(self: Module, target: str, module: Module, strict: bool = False) -> None:
    """Put ``module`` at path ``target``; with ``strict`` only where there is one already.

    >>> model = nn.Sequential(nn.Sequential(nn.ReLU()))
    >>> model.set_submodule("0.0", nn.Tanh())
    >>> model[0][0]
    Tanh()
    """
    owner, _, name = target.rpartition(".")
    if strict:
        self.get_submodule(target)
    self.get_submodule(owner).add_module(name, module)


@public
def get_parameter(self: Module, target: str) -> Parameter:
    """The parameter at path ``target``.

    >>> nn.Sequential(nn.Linear(3, 2)).get_parameter("0.weight").shape
    (2, 3)
    """
    found: Parameter = _member(self, target, "parameter", dict(self.named_parameters()))
    return found


@public
def get_buffer(self: Module, target: str) -> Tensor:
    """The buffer at path ``target``.

    >>> nn.Sequential(nn.BatchNorm1d(2)).get_buffer("0.running_var").tolist()
    [1.0, 1.0]
    """
    found: Tensor = _member(self, target, "buffer", dict(self.named_buffers()))
    return found


def _member(self: Module, target: str, kind: str, known: Mapping[str, Any]) -> Any:
    owner, _, name = target.rpartition(".")
    held = self.get_submodule(owner)
    members = held._parameters if kind == "parameter" else held._buffers
    if name not in members:
        raise ModuleError(f"[nn] no {kind} {target!r}; there are: {', '.join(known)}")
    return members[name]


def joined(prefix: str, name: str) -> str:
    """A path, a step longer."""
    return f"{prefix}.{name}" if prefix else name
