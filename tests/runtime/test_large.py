"""What no machine has memory for is an error of one op; what was there stays usable."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, optim
from lazygrad.errors import DeviceError

HUGE = 1 << 58  # elements


def test_a_tensor_too_large_is_an_error_and_the_next_one_is_not(device: str) -> None:
    x = Tensor(np.arange(4, dtype=np.float32), device=device)
    waits = x * 2
    for make in (
        lambda: Tensor.ones(HUGE, device=device).realize(),
        lambda: (x.reshape(4, 1).expand(4, HUGE // 4) + 1).realize(),
        lambda: (x.reshape(4, 1).expand(4, HUGE // 4) + 1).exp().numpy(),
    ):
        with pytest.raises(DeviceError, match="memory"):
            make()
    assert waits.numpy().tolist() == [0, 2, 4, 6]
    assert (x + 1).numpy().tolist() == [1, 2, 3, 4]


def test_a_jitted_step_too_large_leaves_the_weights(device: str) -> None:
    layer = nn.Linear(2, 2).to(device)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    @jit
    def step(x: Tensor, rows: Tensor) -> Tensor:
        optimizer.zero_grad()
        large = x.reshape(2, 1).expand(2, HUGE if rows.shape[0] == 2 else 4).contiguous()
        loss = layer(x).sum() + large.sum() * rows.sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    x = Tensor([1.0, 2.0], device=device)
    small, large = Tensor.ones(1, device=device), Tensor.ones(2, device=device)
    step(x, small).item()
    before = [parameter.numpy() for parameter in layer.parameters()]
    for _ in range(3):
        with pytest.raises(DeviceError, match="memory"):
            step(x, large).item()
    for parameter, value in zip(layer.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), value)
    step(x, small).item()
    assert not np.array_equal(layer.weight.numpy(), before[0])
