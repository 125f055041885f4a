"""Launches that run several kernels in turn: work-items wait for each other."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lazygrad.runtime.backend import Call, Program
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend, backend as opencl, device, prelude, sources
from lazygrad_opencl.driver import cl
from lazygrad_opencl.prelude import Dialect
from lazygrad_opencl.program import build
from lazygrad_opencl.turns import ENDED, LINE

pytestmark = pytest.mark.gpu
SIZE, DEPTH = 192, 12
HAS_TICKS = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")


@pytest.fixture(scope="module")
def backend() -> OpenCLBackend:
    made = OpenCLBackend()
    if not made._dialect.workers:
        pytest.skip("on GPUs, and without a core for each unit, every batch has its own launch")
    return made


def chain(backend: OpenCLBackend) -> tuple[Program, list[Any], np.ndarray[Any, Any]]:
    """x @ w @ w @ ... as one launch, its memory, and what the last of it should hold."""
    kernel = ks.matmul(SIZE, SIZE, SIZE)
    calls = [Call(kernel, (2 + n, 1 + n if n else 1, 0)) for n in range(DEPTH)]
    (code,) = backend.generate(calls)
    (program,) = backend.load([code])
    assert len(code.parts) == DEPTH and code.data.parts == DEPTH
    rng = np.random.default_rng(0)
    w = (rng.standard_normal((SIZE, SIZE)) / SIZE**0.5).astype(np.float32)
    x = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    memory = [backend.allocate(x.nbytes) for _ in range(DEPTH + 2)]
    backend.upload(memory[0], w)
    backend.upload(memory[1], x)
    expected = x.astype(np.float64)
    for _ in range(DEPTH):
        expected = expected @ w
    return program, [memory[number] for number in code.memory], expected


def last(backend: OpenCLBackend, program: Program, memory: list[Any]) -> np.ndarray[Any, Any]:
    found = np.empty((SIZE, SIZE), np.float32)
    backend.download(memory[program.code.memory.index(DEPTH + 1)], found)
    return found


def test_every_kernel_sees_what_the_one_before_wrote(backend: OpenCLBackend) -> None:
    program, memory, expected = chain(backend)
    call = program.bind(memory)
    call()
    first = last(backend, program, memory)
    np.testing.assert_allclose(first, expected, rtol=1e-3, atol=1e-4)
    for _ in range(200):
        backend.upload(memory[program.code.memory.index(DEPTH + 1)], np.zeros_like(first))
        call()
        np.testing.assert_array_equal(last(backend, program, memory), first)


def test_counters_are_cleared(backend: OpenCLBackend) -> None:
    program, memory, _ = chain(backend)
    program.launch(memory)
    counters = np.ones((DEPTH + 1, LINE * (1 + backend.target.workers)), np.int64)
    backend.download(program._more[-1], counters)  # type: ignore[attr-defined]
    ended = counters[:, ENDED].copy()
    assert (np.diff(ended, prepend=ended[-1])[:-1] >= 0).all()  # when it began comes last
    counters[:, ENDED] = 0
    assert not counters.any()


@pytest.mark.parametrize("counted", [True, False])
def test_parts_are_timed_one_by_one(
    backend: OpenCLBackend, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    """Without a counter of the processor, each in a launch of its own."""
    if not counted:
        monkeypatch.setattr(prelude, "TURNS", re.sub("TICKS .*", "TICKS 0", prelude.TURNS))
    program, memory, expected = chain(backend)
    seconds = program.launch_timed(memory)
    assert len(seconds) == DEPTH and all(0 < spent < 10 for spent in seconds)
    assert program._ticks().any() == (counted and HAS_TICKS)  # type: ignore[attr-defined]
    np.testing.assert_allclose(last(backend, program, memory), expected, rtol=1e-3, atol=1e-4)
    program.launch(memory)
    np.testing.assert_allclose(last(backend, program, memory), expected, rtol=1e-3, atol=1e-4)


ALONE = """
__kernel void homes(__global long *counters, __global int *found, const int given) {
  found[0] = processor() % WORKERS;
  for (int worker = 0; worker < given; worker++) found[1 + worker] = home_of(worker, counters);
}
__kernel void items(__global long *counters, __global int *found, const int count) {
  for (int step = 0; step < 3; step++)
    for (int share = 0, before = 0; share < WORKERS; share++) {
      if (FIRST(count) != before) found[0] = -1;
      before += SIZE(count);
      for (int item; (item = TAKE_IN(0, step, SIZE(count))) >= 0;)
        found[count * step + FIRST(count) + item]++;
    }
}
// AWAIT(
"""


def run_alone(backend: OpenCLBackend, name: str, workers: int, count: int, size: int) -> list[int]:
    """What a single work-item of one of these functions writes, among so many workers."""
    text = f"{prelude.prelude(ALONE, Dialect(workers=workers))}\n{ALONE}"
    function = cl.Kernel(build(backend.context, backend.device, text, ["-w"]), name)
    found, counters = np.zeros(size, np.int32), np.zeros(LINE * (1 + workers), np.int64)
    memory = [backend.allocate(array.nbytes) for array in (counters, found)]
    for piece, array in zip(memory, (counters, found), strict=True):
        backend.upload(piece, array)
    function(backend.queue, (1,), (1,), *memory, np.int32(count))
    backend.download(memory[1], found)
    return [int(value) for value in found]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_homes_are_those_of_processors_or_the_next_ones(
    backend: OpenCLBackend, workers: int
) -> None:
    own, *homes = run_alone(backend, "homes", workers, workers + 2, workers + 3)
    assert homes == [(own + i) % workers for i in range(workers)] + [0, 0]


@pytest.mark.parametrize("count", [1, 2, 7, 32])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_shares_are_taken_in_each_step(backend: OpenCLBackend, workers: int, count: int) -> None:
    assert run_alone(backend, "items", workers, count, 3 * count) == [1] * 3 * count


def test_each_part_shows_its_functions(backend: OpenCLBackend) -> None:
    program, _, _ = chain(backend)
    for part in program.code.parts:
        assert part.name in part.source and part.calls == (program.code.parts.index(part),)


def test_without_a_core_each_nobody_waits(
    backend: OpenCLBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is kept on fewer cores than the driver has threads."""
    monkeypatch.setattr(device, "available_cores", lambda: backend.target.units - 1)
    limited = OpenCLBackend()
    kernel = ks.matmul(SIZE, SIZE, SIZE)
    codes = limited.generate([Call(kernel, (2 + n, 1 + n if n else 1, 0)) for n in range(3)])
    assert [len(code.parts) for code in codes] == [1, 1, 1]


def test_one_thread_does_everything(backend: OpenCLBackend) -> None:
    """It takes the part of all work-items, and waits for none."""
    code = (
        "import os; os.environ['BACKEND'] = 'GPU'\n"
        "import numpy as np\n"
        "from lazygrad import Tensor\n"
        "x = w = Tensor(np.eye(192, dtype=np.float32) * 2)\n"
        "for _ in range(9): x = (x @ w).relu()\n"
        "print(x.sum().item())\n"
    )
    environment = {**os.environ, "POCL_MAX_PTHREAD_COUNT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300,
        check=True,
    )  # fmt: skip
    assert float(done.stdout) == 192 * 2**10


def test_equal_kernels_are_generated_once(
    backend: OpenCLBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, int] = {}

    def counting(where: Any, name: str) -> None:
        function = getattr(where, name)

        def counted(*arguments: Any, **how: Any) -> Any:
            made[name] = made.get(name, 0) + 1
            return function(*arguments, **how)

        monkeypatch.setattr(where, name, counted)

    counting(opencl, "loop_nest")
    counting(sources, "render_function")
    chain(backend)
    assert made == {"loop_nest": 1, "render_function": 1}
