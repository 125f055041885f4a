"""Streams of random numbers of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lazygrad
from lazygrad import Generator, Tensor, default_generator, jit, random
from lazygrad.errors import ValueRangeError

DRAWS: dict[str, Callable[..., Tensor]] = {
    "rand": lambda **options: lazygrad.rand(4, **options),
    "randn": lambda **options: lazygrad.randn(4, **options),
    "randperm": lambda **options: lazygrad.randperm(20, **options),
    "uniform": lambda **options: Tensor.uniform(4, **options),
    "normal": lambda **options: Tensor.normal(4, **options),
    "randint": lambda **options: Tensor.randint(20, low=0, high=100, **options),
    "rand_like": lambda device, **options: Tensor.zeros(4, device=device).rand_like(**options),
    "uniform_": lambda device, **options: Tensor.zeros(4, device=device).uniform_(**options),
    "normal_": lambda device, **options: Tensor.zeros(4, device=device).normal_(**options),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_stream_is_apart_from_the_default_one(name: str, device: str) -> None:
    draw = DRAWS[name]
    stream = Generator().manual_seed(7)
    options: Any = {"device": device}
    lazygrad.manual_seed(7)
    first = [draw(**options).tolist() for _ in range(2)]
    lazygrad.manual_seed(3)
    before = draw(**options).tolist()
    own = [draw(generator=stream, **options).tolist() for _ in range(2)]
    after = draw(**options).tolist()
    lazygrad.manual_seed(3)
    assert [before, after] == [draw(**options).tolist() for _ in range(2)]
    assert own == first  # the numbers of its seed
    assert own[0] != own[1]


def test_in_jitted_code_it_goes_on_from_call_to_call(device: str) -> None:
    stream = Generator(device=device).manual_seed(5)
    step = jit(lambda: lazygrad.rand(3, generator=stream, device=device))
    found = [step().tolist() for _ in range(3)]
    stream.manual_seed(5)
    assert found == [lazygrad.rand(3, generator=stream, device=device).tolist() for _ in range(3)]


def test_states() -> None:
    stream = Generator().manual_seed(-1)
    assert stream.initial_seed() == 2**64 - 1
    lazygrad.rand(2, generator=stream)
    state = stream.get_state()
    drawn = lazygrad.rand(2, generator=stream).tolist()
    other = Generator().set_state(state)
    assert lazygrad.rand(2, generator=other).tolist() == drawn
    assert stream.seed() == stream.initial_seed() != 2**64 - 1
    with pytest.raises(ValueRangeError, match=r"\[set_state\] a state is 2 numbers of uint64"):
        stream.set_state(Tensor([1.0, 2.0]))
    with pytest.raises(ValueRangeError, match=r"\[manual_seed\] the seed"):
        stream.manual_seed(1 << 64)


def test_the_default_stream() -> None:
    assert lazygrad.manual_seed(11) is default_generator
    assert lazygrad.initial_seed() == 11
    state = lazygrad.get_rng_state()
    first = lazygrad.rand(2).tolist()
    lazygrad.set_rng_state(state)
    with random.fork_rng():
        assert lazygrad.rand(2).tolist() == first
    assert lazygrad.rand(2).tolist() == first
    assert lazygrad.seed() == random.initial_seed()
