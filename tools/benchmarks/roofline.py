"""The roofline picture: what each contender achieves, under what the machine can do.

A workload's place along the x axis is its arithmetic intensity, the least operations over the least
bytes; the roof is the lower of arithmetic peak and bandwidth times intensity (Williams, Waterman
and Patterson, 2009). Workloads without contractions have no place there: a second panel shows how
many bytes a second they move, against the bandwidth of a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STYLES = {  # colour, marker, size by the first word of a contender's name
    "lazygrad-cpu": ("#1f77b4", "o", 70),
    "lazygrad-gpu": ("#d62728", "o", 70),
    "torch": ("#8c6d31", "s", 34),
    "jax": ("#2ca02c", "^", 38),
    "tinygrad": ("#9467bd", "D", 30),
}
OTHER = ("#7f7f7f", "x", 30)


@dataclass(frozen=True)
class Point:
    """One contender in one workload; ``intensity`` in FLOP a byte, ``rate`` in GFLOP/s, or, where
    there is no intensity, in GB/s."""

    workload: str
    contender: str
    intensity: float
    rate: float


@dataclass(frozen=True)
class Picture:
    """What is drawn: the roof (GFLOP/s, GB/s) and the points."""

    peak: float
    bandwidth: float
    contractions: tuple[Point, ...]
    streams: tuple[Point, ...]


def picture(records: Sequence[dict[str, Any]]) -> Picture:
    """The steady records as points."""
    steady = [data for data in records if data["kind"] == "steady"]
    contractions, streams = [], []
    for data in steady:
        for row in data["rows"]:
            if "median_ms" not in row:
                continue
            seconds = row["median_ms"] / 1e3
            if data["flops"]:
                intensity, work = data["flops"] / data["bytes"], data["flops"]
                into = contractions
            else:
                intensity, work, into = 0.0, data["bytes"], streams
            into.append(Point(data["workload"], row["contender"], intensity, work / seconds / 1e9))
    return Picture(
        peak=max((data["sgemm_gflops"] for data in steady), default=0.0),
        bandwidth=max((data["copy_gbytes"] for data in steady), default=0.0),
        contractions=tuple(contractions),
        streams=tuple(streams),
    )


def draw(records: Sequence[dict[str, Any]], file: Path) -> None:
    """Writes the picture; the ending of ``file`` chooses the format."""
    try:
        import matplotlib
    except ImportError as error:
        raise SystemExit(f"--plot needs matplotlib ({error}): pip install lazygrad[plot]") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = picture(records)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(13, 6), width_ratios=(3, 2), layout="constrained"
    )
    _draw_roofline(left, shown)
    _draw_streams(right, shown)
    shown_as: dict[str, Any] = {}
    for axes in (right, left):
        handles, labels = axes.get_legend_handles_labels()
        shown_as |= dict(zip(labels, handles, strict=True))
    figure.legend(
        shown_as.values(), shown_as.keys(), loc="outside lower center", ncols=6, frameon=False
    )
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def _draw_roofline(axes: Any, shown: Picture) -> None:
    axes.set(xscale="log", yscale="log", xlabel="FLOP a byte (least)", ylabel="GFLOP/s")
    axes.set_title("contractions")
    if shown.contractions:
        places = [point.intensity for point in shown.contractions]
        ends = [min(places) / 2, shown.peak / shown.bandwidth, max(places) * 2]
        roof = [min(shown.peak, shown.bandwidth * x) for x in sorted(ends)]
        axes.plot(sorted(ends), roof, color="black", linewidth=1.2)
        axes.text(min(ends), shown.peak, f"{shown.peak:.0f} GFLOP/s", va="bottom", fontsize=9)
    for name in _contenders(shown.contractions):
        mine = [point for point in shown.contractions if point.contender == name]
        colour, marker, size = _style(name)
        axes.scatter(
            [p.intensity for p in mine], [p.rate for p in mine],
            c=colour, marker=marker, s=size, label=name, alpha=0.85, zorder=3,
        )  # fmt: skip
    best: dict[str, Point] = {}
    for point in shown.contractions:
        if point.workload not in best or point.rate > best[point.workload].rate:
            best[point.workload] = point
    above = max([shown.peak, *(point.rate for point in best.values())]) * 1.4
    for point in best.values():  # above the roof, upright, so that neighbours stay apart
        axes.plot(2 * [point.intensity], [point.rate, above], color="black", alpha=0.15)
        axes.text(point.intensity, above, f" {point.workload}", rotation=60, fontsize=8)
    axes.grid(True, which="major", alpha=0.25)
    axes.set_ylim(top=12 * shown.peak if shown.peak else None)


def _draw_streams(axes: Any, shown: Picture) -> None:
    names = _contenders(shown.streams)
    workloads = list(dict.fromkeys(point.workload for point in shown.streams))
    height = 0.8 / max(1, len(names))
    for number, name in enumerate(names):
        mine = {p.workload: p.rate for p in shown.streams if p.contender == name}
        places = [i + (number - (len(names) - 1) / 2) * height for i in range(len(workloads))]
        rates = [mine.get(workload, 0.0) for workload in workloads]
        axes.barh(places, rates, height * 0.9, color=_style(name)[0], label=name)
    axes.axvline(shown.bandwidth, color="black", linewidth=1.2)
    axes.set_yticks(range(len(workloads)), workloads)
    axes.invert_yaxis()
    axes.set(xlabel="GB/s (least bytes over time); line: copy of memory")
    axes.set_title("streams")
    axes.grid(True, axis="x", alpha=0.25)


def _contenders(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(point.contender for point in points))


def _style(contender: str) -> tuple[str, str, int]:
    found = [name for name in STYLES if contender.startswith(name)]
    return STYLES[found[0]] if found else OTHER
