"""An optimizer's state in PyTorch's layout, out and in; and flat, as checkpoints hold it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lazygrad.errors import CheckpointError
from lazygrad.optim.group import STEP, Cohort
from lazygrad.tensor import Tensor

if TYPE_CHECKING:
    from lazygrad.optim.optimizer import Optimizer

Entry = Mapping[str, Any]  # of one parameter: values by name


def optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """``{"state": {index: {name: Tensor}}, "param_groups": [options]}``"""
    state: dict[int, dict[str, Tensor]] = {}
    groups = []
    numbers = _numbers(optimizer)
    for group in optimizer.param_groups:
        for cohort in group.cohorts:
            for index, param in enumerate(cohort.params):
                own = dict(optimizer.state[param])
                if STEP in optimizer.state_names(group):
                    own[STEP] = cohort.steps[index]
                if own:
                    state[numbers[id(param)]] = {name: own[name].detach() for name in sorted(own)}
        options: dict[str, Any] = {**group, "params": [numbers[id(p)] for p in group["params"]]}
        if isinstance(options["lr"], Tensor):
            options["lr"] = options["lr"].item()
        groups.append(options)
    return {"state": dict(sorted(state.items())), "param_groups": groups}


def load_optimizer(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    """Check everything, then assign everything."""
    missing = {"state", "param_groups"} - given.keys()
    groups = given.get("param_groups", ())
    problems = [f"it has no {name}" for name in sorted(missing)]
    problems = problems or list(_group_problems(optimizer, groups))
    entries: dict[int, Entry] = {}
    if not problems:
        entries = _entries_by_param(optimizer, given)
        for group, options in zip(optimizer.param_groups, groups, strict=True):
            wanted = set(optimizer.state_names({**group, **options}))
            for param in group["params"]:
                problems += _entry_problems(param, entries[id(param)], wanted)
    if problems:
        name = type(optimizer).__name__
        raise CheckpointError(
            f"[load_state_dict] the state does not fit this {name}:\n  " + "\n  ".join(problems)
        )
    for group, options in zip(optimizer.param_groups, groups, strict=True):
        group.update({key: value for key, value in options.items() if key != "params"})
        optimizer.make_state(group)
        for cohort in group.cohorts:
            _assign(optimizer, cohort, entries)


def _assign(optimizer: Optimizer, cohort: Cohort, entries: Mapping[int, Entry]) -> None:
    for param in cohort.params:
        entry = entries[id(param)]
        for name, target in optimizer.state[param].items():
            value = entry.get(name)
            target.assign(Tensor.zeros_like(target) if value is None else _like(target, value))
    cohort.set_steps(_steps(entries[id(param)]) for param in cohort.params)


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
    for group, saved in zip(optimizer.param_groups, given["param_groups"], strict=True):
        for param, number in zip(group["params"], saved["params"], strict=True):
            found[id(param)] = state.get(number, {})
    return found


def _group_problems(optimizer: Optimizer, groups: list[Any]) -> Iterator[str]:
    own = [len(group["params"]) for group in optimizer.param_groups]
    saved = [len(group["params"]) for group in groups]
    if own != saved:
        yield f"it has groups of {saved} parameters, the optimizer of {own}"


def _entry_problems(param: Tensor, entry: Entry, wanted: set[str]) -> Iterator[str]:
    for name, value in entry.items():
        if name != STEP and value is not None:
            if name not in wanted:
                yield f"unexpected {name} for a parameter of shape {param.shape}"
            elif tuple(value.shape) != param.shape:
                yield f"{name} has shape {tuple(value.shape)}, the parameter {param.shape}"
    missing = wanted - entry.keys() - {STEP}
    if entry and missing:
        yield f"no {', '.join(sorted(missing))} for a parameter of shape {param.shape}"


def flatten_state(state_dict: Mapping[str, Any]) -> tuple[dict[str, Tensor], str]:
    """``state_dict()`` as what ``nn.save_state`` takes: Tensors by name ("0.exp_avg"), and the
    options as JSON text for its metadata."""
    tensors = {
        f"{number}.{name}": value
        for number, entry in state_dict["state"].items()
        for name, value in entry.items()
    }
    return tensors, json.dumps(state_dict["param_groups"])


def unflatten_state(tensors: Mapping[str, Any], options: str) -> dict[str, Any]:
    """What ``flatten_state`` took apart, ready for ``load_state_dict``."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    try:
        groups = json.loads(options)
    except json.JSONDecodeError as error:
        raise CheckpointError(f"[unflatten_state] the options are not JSON: {error}") from None
    return {"state": state, "param_groups": groups}
