"""Functions that modules call before and after forward()."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, nn


class Scaled(nn.Module):
    def forward(self, x: Tensor, factor: float = 1.0) -> Tensor:
        return x * factor


X = np.ones(2, np.float32)


def test_a_hook_before_may_change_the_arguments(device: str) -> None:
    model, x = Scaled(), Tensor(X, device=device)
    handle = model.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert model(x).tolist() == [2, 2]
    model.register_forward_pre_hook(lambda module, args: (args[0] * 3,), prepend=True)
    assert model(x).tolist() == [4, 4]
    handle.remove()
    handle.remove()
    assert model(x).tolist() == [3, 3]


def test_a_hook_after_may_change_the_result() -> None:
    model, seen = Scaled(), []
    model.register_forward_hook(lambda module, args, result: seen.append((module, args, result)))
    with model.register_forward_hook(lambda module, args, result: result + 10):
        assert model(Tensor(X)).tolist() == [11, 11]
    assert model(Tensor(X)).tolist() == [1, 1]
    assert [module for module, _, _ in seen] == [model] * 2
    assert all(result.tolist() == [1, 1] for _, _, result in seen)


def test_hooks_with_arguments_by_name() -> None:
    model = Scaled()

    def doubled(module: Any, args: Any, kwargs: Any) -> Any:
        return args, {"factor": kwargs["factor"] * 2}

    model.register_forward_pre_hook(doubled, with_kwargs=True)
    model.register_forward_hook(
        lambda module, args, kwargs, result: (kwargs, result), with_kwargs=True
    )
    kwargs, result = model(Tensor(X), factor=3.0)
    assert kwargs == {"factor": 6.0}
    assert result.tolist() == [6, 6]


def test_a_hook_that_is_always_called() -> None:
    class Failing(nn.Module):
        def forward(self) -> None:
            raise KeyError("lost")

    model, called = Failing(), []
    model.register_forward_hook(lambda *given: called.append("not"))
    model.register_forward_hook(lambda *given: called.append(given[-1]), always_call=True)
    with pytest.raises(KeyError):
        model()
    assert called == [None]


def test_hooks_of_parts_run_in_a_model(device: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).to(device)
    shapes: list[Any] = []
    for part in model:
        part.register_forward_hook(lambda module, args, result: shapes.append(result.shape))
    model(Tensor(X, device=device))
    assert shapes == [(3,), (3,)]
    assert "_hooks" not in model.state_dict()
