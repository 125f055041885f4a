"""An optimizer's state in PyTorch's layout, out and in; and flat, as checkpoints hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad.aliases import snapshot
from lazygrad.errors import CheckpointError, LazygradError
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.tensor_class import Tensor

if TYPE_CHECKING:
    from lazygrad.optim.optimizer import Optimizer

Entry = Mapping[str, Any]  # of one parameter: values by name


def optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """``{"state": {index: {name: Tensor}}, "param_groups": [options]}``"""
    state: dict[int, dict[str, Tensor]] = {}
    groups = []
    numbers = _numbers(optimizer)
    for group in optimizer.param_groups:
        names = optimizer.state_names(group)
        scalars = [name for name in names if name in optimizer.scalar_states]
        for cohort in group.cohorts:
            counts = cohort.steps.numpy() if STEP in names else None
            for index, param in enumerate(cohort.params):
                if counts is not None and not counts[index]:
                    continue  # as in PyTorch: its state is made by its first update
                own = dict(optimizer.state[param])
                own |= {name: cohort.scalars[name][index] for name in scalars}
                if own:
                    state[numbers[id(param)]] = {name: snapshot(own[name]) for name in sorted(own)}
        options: dict[str, Any] = {**group, "params": [numbers[id(p)] for p in group["params"]]}
        if isinstance(options.get("lr"), Tensor):
            options["lr"] = options["lr"].item()
        groups.append(options)
    return {"state": dict(sorted(state.items())), "param_groups": groups}


def load_optimizer(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    """Check everything, then assign everything."""
    problems = list(_form_problems(given)) or list(_group_problems(optimizer, given))
    entries: dict[int, Entry] = {}
    if not problems:
        entries = _entries_by_param(optimizer, given)
        for group, options in _paired(optimizer, given):
            changed = {**group, **options}
            for param in group["params"]:
                names = optimizer.states_of(param, changed)
                shapes = {n: np.shape(optimizer.initial(n, param, changed)) for n in names}
                problems += _entry_problems(param, entries[id(param)], shapes)
    if problems:
        name = type(optimizer).__name__
        raise CheckpointError(
            f"[load_state_dict] the state does not fit this {name}:\n  " + "\n  ".join(problems)
        )
    for group, options in _paired(optimizer, given):
        group.update({key: value for key, value in options.items() if key != "params"})
        for cohort in group.cohorts:
            _assign(optimizer, group, cohort, entries)
        optimizer.after_loading(group)


def _paired(optimizer: Optimizer, given: Mapping[str, Any]) -> Iterable[tuple[Any, Any]]:
    return zip(optimizer.param_groups, given["param_groups"], strict=True)


def _assign(
    optimizer: Optimizer, group: ParamGroup, cohort: Cohort, entries: Mapping[int, Entry]
) -> None:
    for param in cohort.params:
        entry = entries[id(param)]
        for name, target in optimizer.state[param].items():
            value = entry.get(name)
            start = optimizer.initial(name, param, group) if value is None else value
            target.assign(_like(target, start))
    for name in cohort.scalars:
        values = [_number(optimizer, group, name, p, entries[id(p)]) for p in cohort.params]
        cohort.load_scalar(name, values)


def _number(
    optimizer: Optimizer, group: ParamGroup, name: str, param: Tensor, entry: Entry
) -> float:
    """A parameter's number in an entry, or that with which it starts."""
    if name == STEP:
        return _steps(entry)
    value = entry.get(name)
    return float(optimizer.initial(name, param, group) if value is None else value.item())


def _steps(entry: Entry) -> float:
    """The updates that a parameter had. PyTorch's SGD does not say, but a momentum buffer means
    that there was one."""
    count = entry.get(STEP)
    if count is None:
        return 1.0 if any(value is not None for value in entry.values()) else 0.0
    return float(count.item())


def _like(target: Tensor, value: Any) -> Tensor:
    tensor = value.detach() if isinstance(value, Tensor) else Tensor(value, device=target.device)
    return tensor.to(target.device).cast(target.dtype)


def _numbers(optimizer: Optimizer) -> dict[int, int]:
    params = [param for group in optimizer.param_groups for param in group["params"]]
    return {id(param): number for number, param in enumerate(params)}


def _entries_by_param(optimizer: Optimizer, given: Mapping[str, Any]) -> dict[int, Entry]:
    """The saved values of each parameter, by its id."""
    state = {int(number): entry for number, entry in given["state"].items()}
    found: dict[int, Entry] = {}
    for group, saved in _paired(optimizer, given):
        for param, number in zip(group["params"], saved["params"], strict=True):
            found[id(param)] = state.get(number, {})
    return found


def _form_problems(given: Any) -> Iterator[str]:
    """Whether it has the form of an optimizer's state at all."""
    if not isinstance(given, Mapping) or not {"state", "param_groups"} <= given.keys():
        yield "it has no state and param_groups"
        return
    groups = given["param_groups"]
    if not isinstance(groups, Sequence) or not all(
        isinstance(group, Mapping) and isinstance(group.get("params"), Sequence) for group in groups
    ):
        yield "its param_groups are no list of dicts with params"
    state = given["state"]
    if not isinstance(state, Mapping) or not all(
        str(number).isdecimal() and isinstance(entry, Mapping) for number, entry in state.items()
    ):
        yield "its state is no dict of dicts by the numbers of parameters"


def _group_problems(optimizer: Optimizer, given: Mapping[str, Any]) -> Iterator[str]:
    own = [len(group["params"]) for group in optimizer.param_groups]
    saved = [len(group["params"]) for group in given["param_groups"]]
    if own != saved:
        yield f"it has groups of {saved} parameters, the optimizer of {own}"
        return
    for group, options in _paired(optimizer, given):
        try:
            optimizer.check_options({**group, **options, "params": group["params"]})
        except (LazygradError, TypeError, ValueError) as error:
            yield f"an option makes no sense: {error}"


def _entry_problems(
    param: Tensor, entry: Entry, wanted: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    """What stands against an entry; ``wanted`` has the shape of each state by its name."""
    for name, value in entry.items():
        if value is None:
            continue
        if not hasattr(value, "shape") or not hasattr(value, "dtype"):
            yield f"{name} is a {type(value).__name__}, no Tensor or array"
        elif name == STEP:
            if math.prod(value.shape) != 1 or not 0 <= float(value.item()) < math.inf:
                yield f"{name} is no number of updates, for a parameter of shape {param.shape}"
        elif name not in wanted:
            yield f"unexpected {name} for a parameter of shape {param.shape}"
        elif tuple(value.shape) != wanted[name]:
            yield f"{name} has shape {tuple(value.shape)}, this one {wanted[name]}"
    missing = wanted.keys() - entry.keys() - {STEP}
    if entry and missing:
        yield f"no {', '.join(sorted(missing))} for a parameter of shape {param.shape}"


def flatten_state(state_dict: Mapping[str, Any]) -> tuple[dict[str, Tensor], str]:
    """``state_dict()`` as what ``nn.save_state`` takes: Tensors by name ("0.exp_avg"), and the
    options as JSON text for its metadata.

    >>> w = nn.Parameter(lazygrad.ones(2))
    >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    >>> w.sum().backward()
    >>> optimizer.step()
    >>> tensors, options = optim.flatten_state(optimizer.state_dict())
    >>> list(tensors), type(options).__name__
    (['0.momentum_buffer'], 'str')
    """
    tensors = {
        f"{number}.{name}": value
        for number, entry in state_dict["state"].items()
        for name, value in entry.items()
    }
    return tensors, json.dumps(state_dict["param_groups"])


def unflatten_state(tensors: Mapping[str, Any], options: str) -> dict[str, Any]:
    """What ``flatten_state`` took apart, ready for ``load_state_dict``.

    >>> w = nn.Parameter(lazygrad.ones(2))
    >>> state = optim.SGD([w], lr=0.1).state_dict()
    >>> optim.unflatten_state(*optim.flatten_state(state))["param_groups"][0]["lr"]
    0.1
    """
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    try:
        groups = json.loads(options)
    except json.JSONDecodeError as error:
        raise CheckpointError(f"[unflatten_state] the options are not JSON: {error}") from None
    return {"state": state, "param_groups": groups}
