"""What programs ask of torch.cuda, answered for the backend GPU: an OpenCL device."""

from __future__ import annotations

from typing import Any

from lazygrad.config import settings
from lazygrad.errors import LazygradError
from lazygrad.generator import manual_seed as manual_seed
from lazygrad.names import listing, lookup
from lazygrad.runtime import registry
from lazygrad.runtime.devices import cuda_device
from lazygrad.runtime.executor import synchronize as _synchronize

GPU = "GPU"


def is_available() -> bool:
    """Whether there is a GPU, or BACKEND=GPU says that what OpenCL offers is to be used as one.

    >>> device = "cuda" if lazygrad.cuda.is_available() else "cpu"
    >>> lazygrad.zeros(2, device=device).device.type == device
    True
    """
    if settings.backend.upper() == GPU:
        return True
    try:
        return registry.backend(GPU).target.is_gpu
    except (LazygradError, ImportError):
        return False


def device_count() -> int:
    """1 if there is one, else 0.

    >>> lazygrad.cuda.device_count() == int(lazygrad.cuda.is_available())
    True
    """
    return int(is_available())


def current_device() -> int:
    """0: there is one device.

    >>> lazygrad.cuda.current_device()
    0
    """
    return 0


def set_device(device: Any) -> None:
    """Accepted for the one device that there is.

    >>> lazygrad.cuda.set_device(0)
    """
    cuda_device(device)


def get_device_name(device: Any = None) -> str:
    """What the driver calls it.

    >>> name = lazygrad.cuda.get_device_name() if lazygrad.cuda.is_available() else "no GPU"
    """
    return str(registry.backend(GPU).fingerprint)


def synchronize(device: Any = None) -> None:
    """Waits until the GPU has finished all its work.

    >>> if lazygrad.cuda.is_available():
    ...     lazygrad.cuda.synchronize()
    """
    _synchronize(GPU)


def manual_seed_all(seed: int) -> None:
    """As ``manual_seed``: devices share one stream of random numbers.

    >>> lazygrad.cuda.manual_seed_all(0)
    >>> lazygrad.initial_seed()
    0
    """
    manual_seed(seed)


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """True: bfloat16 is stored as such and computed in float32, on every device.

    >>> lazygrad.cuda.is_bf16_supported()
    True
    """
    return True


def empty_cache() -> None:
    """Nothing to do: memory that no tensor holds is given back by itself.

    >>> lazygrad.cuda.empty_cache()
    """


PARTS = ("amp",)
__getattr__ = lookup("cuda", "torch.cuda", globals(), PARTS)
__dir__ = listing(globals(), PARTS)
