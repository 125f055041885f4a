"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, ModuleError
from lazygrad.modes import ambient, restored
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Tensors = Mapping[str, Tensor]
STAND_INS = "_stand_ins"  # the attribute of a module that says which tensors are its parameters


@public
def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` with other tensors in the places of its parameters and buffers; as
    torch.func.functional_call. Afterwards it has its own again, also where it raised.

    What the module writes to its buffers in place, as batch norm does, it writes to those given.

    Args:
        module: any module; threads that use it at the same time see the other tensors too.
        parameter_and_buffer_dicts: tensors by their names in ``named_parameters()`` and
            ``named_buffers()``, or several such dicts without a name in common. What is not among
            them stays.
        args: the arguments, in a tuple; or one that is no tuple.
        kwargs: keyword arguments.
        tie_weights: a tensor that has several names in the module is replaced under all of them.
        strict: refuse names that are missing, or that the module does not have.

    Raises:
        ArgumentError: for what is no tensor.
        ModuleError: for a name that is given twice, for different tensors under names of one and
            the same, or for what ``strict`` refuses.

    >>> from lazygrad import Tensor, nn
    >>> from lazygrad.func import functional_call
    >>> model = nn.Linear(2, 1)
    >>> given = {"weight": Tensor([[1.0, 2.0]]), "bias": Tensor([0.5])}
    >>> functional_call(model, given, Tensor([[1.0, 1.0]])).tolist()
    [[3.5]]
    """
    tensors = _joined(parameter_and_buffer_dicts)
    own = _named(module)
    if strict and own.keys() != tensors.keys():
        missing, unexpected = own.keys() - tensors.keys(), tensors.keys() - own.keys()
        raise ModuleError(
            f"[functional_call] the names do not fit {type(module).__name__}: missing "
            f"{sorted(missing)}, unexpected {sorted(unexpected)}"
        )
    if tie_weights:
        tensors = _tied(own, tensors)
    given = () if args is None else args if isinstance(args, tuple) else (args,)
    places = {name: tensor for name, tensor in tensors.items() if name in own}
    with replaced(module, places):
        return module(*given, **(kwargs or {}))


@contextmanager
def replaced(module: Module, tensors: Tensors) -> Iterator[None]:
    """Inside, ``module`` has ``tensors`` in the places of its own; jitted functions, which would
    remember those, run as plain ones."""
    before: list[tuple[dict[str, Any], dict[str, Any]]] = []  # attributes, and what some were
    with restored():
        ambient.inline = True
        try:
            for path, tensor in tensors.items():
                owner, _, name = path.rpartition(".")
                held = module.get_submodule(owner)
                stand_ins = frozenset(parameter for parameter, _ in held._own_parameters())
                attributes = vars(held)
                known = (name, STAND_INS)
                before.append((attributes, {n: attributes[n] for n in known if n in attributes}))
                attributes |= {name: tensor, STAND_INS: stand_ins}
            yield
        finally:
            for attributes, values in reversed(before):
                del attributes[STAND_INS]
                attributes |= values


def _joined(given: Any) -> dict[str, Tensor]:
    """One dict of several.

    Raises:
        ArgumentError: for what is no dict of tensors.
        ModuleError: for a name that two of them have.
    """
    dicts = given if isinstance(given, Sequence) else [given]
    found: dict[str, Tensor] = {}
    for tensors in dicts:
        if not isinstance(tensors, Mapping):
            raise ArgumentError(
                f"[functional_call] parameters and buffers come in a dict by name, or several of "
                f"them in a tuple; got {shown(tensors)}"
            )
        for name, tensor in tensors.items():
            if not isinstance(tensor, Tensor):
                raise ArgumentError(
                    f"[functional_call] {name} must be a Tensor, got {shown(tensor)}"
                )
            if name in found:
                raise ModuleError(f"[functional_call] {name} is given in two dicts")
            found[name] = tensor
    return found


def _named(module: Module) -> dict[str, Tensor]:
    """Parameters and buffers under all of their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _tied(own: Tensors, tensors: Tensors) -> dict[str, Tensor]:
    """``tensors`` with each also under the other names of the one whose place it takes."""
    given = {id(own[name]): (name, tensor) for name, tensor in tensors.items() if name in own}
    found = dict(tensors)
    for name, held in own.items():
        first, tensor = given.get(id(held), (name, held))
        if id(held) in given and found.setdefault(name, tensor) is not tensor:
            raise ModuleError(
                f"[functional_call] {first} and {name} are one tensor of the module, but different "
                "ones are given for them; pass tie_weights=False to part them"
            )
    return found


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters and buffers of several modules of one class, each stacked along a new first dim;
    as torch.func.stack_module_state. With ``vmap`` over them and ``functional_call``, an ensemble
    computes as one model does.

    Returns:
        ``(params, buffers)``: by name, of shape ``(len(models), *shape)``, new leaves that require
        a gradient where those of the modules do.

    Raises:
        ModuleError: for no models, or models of different classes or in different modes.

    >>> from lazygrad import Tensor, nn
    >>> from lazygrad.func import functional_call, stack_module_state, vmap
    >>> models = [nn.Linear(2, 1) for _ in range(3)]
    >>> params, buffers = stack_module_state(models)
    >>> def call(params, buffers, x):
    ...     return functional_call(models[0], (params, buffers), x)
    >>> vmap(call, (0, 0, None))(params, buffers, Tensor([[1.0, 1.0]])).shape
    (3, 1, 1)
    """
    listed = list(models)
    if not listed or any(type(model) is not type(listed[0]) for model in listed):
        classes = sorted({type(model).__name__ for model in listed})
        raise ModuleError(
            f"[stack_module_state] needs modules of one class, got {', '.join(classes) or 'none'}"
        )
    if len({model.training for model in listed}) > 1:
        raise ModuleError(
            "[stack_module_state] some of the modules are in training mode and some are not"
        )
    params = [dict(model.named_parameters()) for model in listed]
    buffers = [dict(model.named_buffers()) for model in listed]
    return _stacked(params), _stacked(buffers)


def _stacked(states: Sequence[Tensors]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, first in states[0].items():
        held = [state[name] for state in states]
        if any(tensor.requires_grad != first.requires_grad for tensor in held):
            raise ModuleError(
                f"[stack_module_state] {name} requires a gradient in some of the modules only"
            )
        stacked = Tensor.stack([tensor.detach() for tensor in held])
        found[name] = stacked.requires_grad_(first.requires_grad)
    return found
