"""How fast the device copies memory and multiplies matrices: the limits for everything else.

By PyTorch and by ourselves, where each can; the better one counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .cuda import torch_on_cuda

SHORTEST, LONGEST = 0.02, 0.2  # seconds that a measurement should take
REPEATS = 5  # of which the fastest counts
COPY = 256 << 20  # bytes, at least: more than caches hold
SIDES = (256, 512, 1024, 2048, 4096, 8192)  # of matrices, until a product takes long enough


def items() -> list[str]:
    return ["copy by OpenCL", "copy by torch", "product by torch", "product by lazygrad"]


def run(item: str) -> dict[str, Any]:
    what, _, whose = item.partition(" by ")
    return {
        ("copy", "OpenCL"): _copy_by_opencl,
        ("copy", "torch"): _copy_by_torch,
        ("product", "torch"): _product_by_torch,
        ("product", "lazygrad"): _product_by_lazygrad,
    }[what, whose]()


def _copy_by_opencl() -> dict[str, Any]:
    import pyopencl as cl

    from lazygrad.runtime import registry

    backend = registry.backend("GPU")
    source, target = (backend.allocate(COPY) for _ in range(2))
    cl.enqueue_fill_buffer(backend.queue, source, b"\1", 0, COPY)
    return _bandwidth(
        lambda: cl.enqueue_copy(backend.queue, target, source, byte_count=COPY),
        backend.queue.finish,
    )


def _copy_by_torch() -> dict[str, Any]:
    torch, missing = torch_on_cuda()
    if torch is None:
        return {"missing": missing}
    source = torch.ones(COPY // 4, device="cuda")
    target = torch.empty_like(source)
    return _bandwidth(lambda: target.copy_(source), torch.cuda.synchronize)


def _product_by_torch() -> dict[str, Any]:
    torch, missing = torch_on_cuda()
    if torch is None:
        return {"missing": missing}
    torch.backends.cuda.matmul.allow_tf32 = False

    def product(side: int) -> Callable[[], object]:
        a, b = (torch.randn(side, side, device="cuda") for _ in range(2))
        return lambda: torch.mm(a, b)

    return _rate(product, torch.cuda.synchronize)


def _product_by_lazygrad() -> dict[str, Any]:
    from lazygrad import Tensor, jit, synchronize

    def product(side: int) -> Callable[[], object]:
        a, b = (Tensor.randn(side, side, device="GPU").realize() for _ in range(2))
        multiply = jit(lambda a, b: a @ b)
        return lambda: multiply(a, b)

    return _rate(product, lambda: synchronize("GPU"))


def _bandwidth(start: Callable[[], object], wait: Callable[[], object]) -> dict[str, Any]:
    """Read and written bytes count."""
    return {"bandwidth": 2 * COPY / _fastest(start, wait)}


def _rate(
    product: Callable[[int], Callable[[], object]], wait: Callable[[], object]
) -> dict[str, Any]:
    """Of the largest matrices whose product does not take too long."""
    rate, side = 0.0, 0
    for side in SIDES:
        seconds = _fastest(product(side), wait)
        rate = 2.0 * side**3 / seconds
        if seconds * 8 > LONGEST:  # the next one takes eight times as long
            break
    return {"flops": rate, "side": side}


def _fastest(start: Callable[[], object], wait: Callable[[], object]) -> float:
    """Seconds that one call takes when several wait in a queue."""
    start()
    wait()
    once = _seconds(start, wait, 1)
    calls = max(1, round(SHORTEST / once))
    return min(_seconds(start, wait, calls) for _ in range(REPEATS)) / calls


def _seconds(start: Callable[[], object], wait: Callable[[], object], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        start()
    wait()
    return time.perf_counter() - begin
