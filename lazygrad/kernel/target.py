"""Target: what a backend tells the scheduler and code generation about its device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Plain facts about a device; decisions are made from these, never from its name.

    Attributes:
        units: cores or compute units that run kernels' outer ranges at the same time.
        lanes: float32 elements in a vector instruction worth using; 1 where there are none.
        registers: vectors that a unit holds without touching memory.
        is_gpu: neighbouring work-items run in lockstep and coalesce their loads.
        blas: contractions are handed to a library that packs its operands itself, so the
            scheduler neither repacks operands nor splits long reductions for parallelism.
        cache: bytes of fast memory that one unit has to itself.
        local_memory: bytes that the work-items of a group can share; 0 if there is no gain.
        max_group: work-items in a group at most.
        workers: that may each run kernels one after the other for a part of what there is to do,
            with memory of their own; 0: a launch has none.
        buffers: pieces of memory that a launch can be given at most.
        allocation: bytes that are allocated in one piece at most.
        alignment: at multiples of so many bytes a part of memory may begin.
        launch: seconds that a launch takes before it does anything.
        look: seconds that the host waits for a value of what has been launched, besides the time
            that this takes.
        bandwidth: bytes a second that are read or written, all units together.
        throughput: additions a second (of float32) that a fused kernel does.
        float64, float16: arithmetic in these dtypes exists.
    """

    units: int = 1
    lanes: int = 1
    registers: int = 16
    is_gpu: bool = False
    blas: bool = False
    cache: int = 1 << 20
    local_memory: int = 0
    max_group: int = 1
    workers: int = 0
    buffers: int = 1 << 30
    allocation: int = 1 << 62
    alignment: int = 64
    launch: float = 4e-6
    look: float = 0.0
    bandwidth: float = 8e9
    throughput: float = 32e9
    float64: bool = True
    float16: bool = False
