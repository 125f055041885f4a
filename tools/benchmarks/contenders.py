"""Who is compared: one row for each framework and the way in which it is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from .workload import Workload

TORCH_NAMES = frozenset({"lazygrad", "torch"})  # frameworks in which PyTorch's programs run
TRANSFORMS = frozenset({*TORCH_NAMES, "jax"})  # and those that transform functions


@dataclass(frozen=True)
class Contender:
    """One framework, run in one way, in a process of its own."""

    name: str
    framework: str  # a module of benchmarks.frameworks
    env: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, bool] = field(default_factory=dict)  # for the framework's constructor
    ours: bool = False
    images_only: bool = False  # differs from its sibling in the layout of images alone
    default: bool = True  # runs without being named
    helps: frozenset[str] = frozenset()  # workloads in which it runs then; empty: in all

    def runs(self, workload: Workload, named: bool) -> bool:
        """Whether it takes part in a workload; ``named`` tells that somebody asked for it."""
        if self.images_only and not workload.images:
            return False
        if workload.torch_names and self.framework not in TORCH_NAMES:
            return False
        if workload.transforms and self.framework not in TRANSFORMS:
            return False
        return named or not self.helps or workload.name in self.helps


CONTENDERS = {
    row.name: row
    for row in (
        Contender("lazygrad-cpu", "lazygrad", {"BACKEND": "CPU"}, ours=True),
        Contender("lazygrad-gpu", "lazygrad", {"BACKEND": "GPU"}, ours=True),
        Contender(
            "lazygrad-cpu-unjitted",
            "lazygrad",
            {"BACKEND": "CPU"},
            {"jit": False},
            ours=True,
            default=False,
        ),
        Contender(
            "lazygrad-gpu-unjitted",
            "lazygrad",
            {"BACKEND": "GPU"},
            {"jit": False},
            ours=True,
            default=False,
        ),
        Contender("torch", "torch", options={"channels_last": True}),
        Contender("torch-contiguous", "torch", images_only=True),
        Contender(
            "torch-compile",
            "torch",
            options={"channels_last": True, "compile": True},
            # in the others eager PyTorch is as fast or faster, and compiling takes half a minute
            helps=frozenset({"cnn_infer", "transformer_train", "layer_norm"}),
        ),
        # PyTorch on a GPU, for `tools/on_gpu.py`; all in float32, as it is on every device here.
        Contender(
            "torch-cuda", "torch", options={"cuda": True, "channels_last": True}, default=False
        ),
        Contender(
            "torch-cuda-contiguous",
            "torch",
            options={"cuda": True},
            images_only=True,
            default=False,
        ),
        Contender(
            "torch-cuda-compile",
            "torch",
            options={"cuda": True, "channels_last": True, "compile": True},
            default=False,
        ),
        Contender("jax", "jax"),
        # 0.14 keeps one core busy here, whatever it is given: its CPU device has one queue, worked
        # off by one thread.
        Contender("tinygrad-cpu", "tinygrad", {"DEV": "CPU"}),
        Contender("tinygrad-cl", "tinygrad", {"DEV": "CL"}),
    )
}

# Where a user may have moved a cache that then would not be cold.
CACHES = ("LAZYGRAD_CACHE_DIR", "POCL_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "CACHEDB")


def environment(contender: Contender, threads: int, cache: str | None = None) -> dict[str, str]:
    """The environment of a contender's process; `cache` moves every disk cache there."""
    count = str(threads)
    settings = {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "POCL_MAX_PTHREAD_COUNT": count,
        "NUM_CPU_THREADS": count,  # tinygrad
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",  # a user's second start finds the modules compiled
    }
    if cache:
        settings |= {
            "XDG_CACHE_HOME": cache,  # pyopencl, lazygrad; the others have names of their own
            "TORCHINDUCTOR_CACHE_DIR": os.path.join(cache, "inductor"),
            "CACHEDB": os.path.join(cache, "tinygrad", "cache.db"),
        }
        if contender.framework != "lazygrad":  # which gives PoCL a folder itself, if none is chosen
            settings["POCL_CACHE_DIR"] = os.path.join(cache, "pocl")
    inherited = {name: value for name, value in os.environ.items() if name not in CACHES}
    return {**(inherited if cache else os.environ), **settings, **contender.env}


UNJITTED = "-unjitted"  # what the names of such contenders end with


def choose(only: str | None) -> list[Contender]:
    """The contenders named in a comma-separated list, or the default ones."""
    if not only:
        return [row for row in CONTENDERS.values() if row.default]
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise SystemExit(f"no contender {', '.join(unknown)}; there are: {', '.join(CONTENDERS)}")
    return [CONTENDERS[name] for name in names]
