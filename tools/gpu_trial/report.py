"""What a reader sees of each result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]
KERNELS_SHOWN = 24
FAILURES_SHOWN = 12


@dataclass
class Limits:
    """The best that was seen of the device: FLOP/s of a product, bytes/s of a copy."""

    flops: float = 0.0
    bandwidth: float = 0.0

    def take(self, result: Result) -> None:
        self.flops = max(self.flops, result.get("flops", 0.0))
        self.bandwidth = max(self.bandwidth, result.get("bandwidth", 0.0))

    def rates(self, flops: float, nbytes: float, seconds: float) -> str:
        """What was achieved, and its shares of the limits, where they are known."""
        if seconds <= 0:
            return ""
        work, traffic = flops / seconds, nbytes / seconds
        arithmetic = f"{work / 1e9:9.1f} GFLOP/s {_share(work, self.flops):>4}" if flops else ""
        return f"{arithmetic:22} {traffic / 1e9:8.1f} GB/s {_share(traffic, self.bandwidth):>4}"


def _share(rate: float, limit: float) -> str:
    return f"{rate / limit:.0%}" if limit else ""


def shown(part: str, item: str, result: Result, limits: Limits) -> list[str]:
    """The lines for a result."""
    if "error" in result:
        first, *rest = result["error"].splitlines() or [""]
        return [f"  FAILED {item}: {first}", *(f"         {line}" for line in rest)]
    return _SHOW[part](item, result, limits)


# -- each part ----------------------------------------------------------------------------------


def _facts(item: str, result: Result, limits: Limits) -> list[str]:
    if "missing" in result:
        return [f"  {result['missing']}"]
    if item == "device":
        return _device(result)
    if item == "torch":
        return [
            f"  PyTorch {result['version']}, {result['device']}, capability "
            f"{result['capability']}, CUDA {result['cuda']}, cuDNN {result['cudnn']}"
        ]
    options = " ".join(result["options"])
    return [f"  {result['target']}", f"  {result['dialect']}", f"  compiled with {options}"]


def _device(facts: Result) -> list[str]:
    """The facts that decide most, in words; all of them are in the JSON file."""
    words = facts["extensions"].split()
    has = ", ".join(w for w in words if re.search("fp16|fp64|subgroups|int64|atomic", w)) or "none"
    size = facts["global_mem_size"] / 2**30
    lines = [
        f"{facts['name'].strip()}, {'/'.join(facts['type'])}, by {facts['vendor'].strip()}",
        f"{facts['platform'].strip()}, {facts['platform_version'].strip()}",
        f"{facts['version'].strip()}, driver {facts['driver_version']}, "
        f"pyopencl {facts['pyopencl']}",
        f"{facts['max_compute_units']} units at {facts['max_clock_frequency']} MHz, "
        f"{size:.1f} GiB, at most {facts['max_mem_alloc_size'] / 2**30:.1f} GiB in one piece",
        f"{facts['local_mem_size'] / 2**10:.0f} KiB of local memory, groups of up to "
        f"{facts['max_work_group_size']}",
        f"single precision: {', '.join(facts['single_fp_config']).lower()}",
        f"{len(words)} extensions, of those that matter: {has}",
    ]
    if "compute_capability_major_nv" in facts:
        lines.append(
            f"compute capability {facts['compute_capability_major_nv']}."
            f"{facts.get('compute_capability_minor_nv', '?')}, warps of "
            f"{facts.get('warp_size_nv', '?')}"
        )
    return [f"  {line}" for line in lines]


def _limits(item: str, result: Result, limits: Limits) -> list[str]:
    if "missing" in result:
        return [f"  {item:20} {result['missing']}"]
    if "bandwidth" in result:
        return [f"  {item:20} {result['bandwidth'] / 1e9:9.1f} GB/s, read and written"]
    side = result["side"]
    return [f"  {item:20} {result['flops'] / 1e9:9.1f} GFLOP/s, {side}x{side}, float32"]


def _losses(item: str, result: Result, limits: Limits) -> list[str]:
    losses = result["losses"]["GPU"]
    verdict = f"FAILED: {result['failed']}" if "failed" in result else "as on the CPU"
    return [
        f"  {item:8} {losses[0]:.4f} -> {losses[-1]:.4f} in {len(losses)} steps, {verdict} "
        f"(at most {result['apart']:.1e} apart)"
    ]


def _kernels(item: str, result: Result, limits: Limits) -> list[str]:
    parts = result["parts"]
    total = sum(part["seconds"] for part in parts)
    lines = [
        f"  {item}: {_time(result['step'])} a step, of which the device works {_time(total)}, on "
        f"{len(parts)} kernels or groups of them"
    ]
    longest = sorted(parts, key=lambda part: -part["seconds"])
    for part in longest[:KERNELS_SHOWN]:
        seconds = part["seconds"]
        rates = limits.rates(part["flops"], part["bytes"], seconds)
        lines.append(f"  {_time(seconds):>10} {seconds / total:5.1%} {rates}  {part['name']}")
    rest = sum(part["seconds"] for part in longest[KERNELS_SHOWN:])
    if rest:
        others = len(parts) - KERNELS_SHOWN
        lines.append(f"  {_time(rest):>10} {rest / total:5.1%} in {others} others")
    return lines


def _conformance(item: str, result: Result, limits: Limits) -> list[str]:
    """Only what is wrong."""
    return [f"  FAILED {result['failed']}"] if "failed" in result else []


def _rows(item: str, result: Result, limits: Limits) -> list[str]:
    lines = [f"  {item}: {result['what']}"]
    for row in result["rows"]:
        name = f"    {row['contender']:22}"
        if "median_ms" not in row:
            lines.append(f"{name} {'not here' if row.get('unavailable') else 'failed'}: "
                         f"{row['error'].splitlines()[0]}")  # fmt: skip
            continue
        seconds = row["median_ms"] / 1e3
        peer = result["best_peer"]
        ratio = None if row["contender"] == peer else row["over_best_peer"]
        lines.append(
            f"{name} {_time(seconds):>9} {limits.rates(result['flops'], result['bytes'], seconds)}"
            + (f"  {ratio:.2f} of the time of {peer}" if ratio is not None else "")
            + ("  RESULT DIFFERS" if row["agrees"] is False else "")
        )
    return lines


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"


_SHOW: Mapping[str, Callable[[str, Result, Limits], list[str]]] = {
    "facts": _facts,
    "limits": _limits,
    "losses": _losses,
    "kernels": _kernels,
    "conformance": _conformance,
    "rows": _rows,
    "compiled": _rows,
}
