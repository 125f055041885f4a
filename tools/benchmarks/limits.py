"""The machine's limits: how fast it multiplies matrices, and how fast it copies memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

LIMITS = "limits"  # the name of the worker that measures them
SIDE = 2048
COPY = 16 * 2**20  # numbers a thread copies: more than any cache holds


class Peaks:
    """A worker session that measures the limits instead of a workload."""

    def __init__(self, threads: int):
        self.threads = threads

    def begin(self) -> dict[str, Any]:
        random = np.random.default_rng(0)
        a = random.standard_normal((SIDE, SIDE), dtype=np.float32)
        b, c = a.T.copy(), np.empty_like(a)
        self.products: list[Callable[[], object]] = [lambda: np.matmul(a, b, out=c)]
        self._add_torch(a, b, c)
        self._add_jax(a, b)
        self._add_lazygrad(a, b)
        self.pool = ThreadPoolExecutor(self.threads)
        self.pairs = [
            (np.ones(COPY, np.float32), np.ones(COPY, np.float32)) for _ in range(self.threads)
        ]
        return {}

    def _add_torch(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
        """Which library's product is the fastest differs by machine: the limit is the best."""
        try:
            import torch
        except ImportError:
            return
        torch.set_num_threads(self.threads)
        x, y, out = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c)
        self.products.append(lambda: torch.mm(x, y, out=out))

    def _add_jax(self, a: np.ndarray, b: np.ndarray) -> None:
        try:
            import jax
        except ImportError:
            return
        x, y = jax.device_put(a), jax.device_put(b)
        product = jax.jit(lambda x, y: x @ y)
        self.products.append(lambda: product(x, y).block_until_ready())

    def _add_lazygrad(self, a: np.ndarray, b: np.ndarray) -> None:
        """Where our own product is the fastest, it is the limit that our other kernels have."""
        try:
            from lazygrad import Tensor, jit, synchronize

            x, y = Tensor(a, device="GPU"), Tensor(b, device="GPU")
            product = jit(lambda x, y: x @ y)
            product(x, y)
        except Exception:  # without OpenCL there is one candidate less
            return

        def run() -> None:
            product(x, y)
            synchronize("GPU")

        self.products.append(run)

    def measure(self) -> dict[str, float]:
        """FLOP/s of the best matrix product, bytes/s of a copy (read and written)."""
        product = min(_best_of(5, product) for product in self.products)
        copy = _best_of(5, self._copy)
        return {
            "flops": 2.0 * SIDE**3 / product,
            "bandwidth": 2.0 * 4 * COPY * self.threads / copy,
        }

    def _copy(self) -> None:
        list(self.pool.map(lambda pair: np.copyto(*pair), self.pairs))


def _best_of(times: int, call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
