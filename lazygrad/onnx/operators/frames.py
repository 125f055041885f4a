"""Where windows lie: pads, sizes, strides and dilations of a node, in the standard's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad.nn import functional as F
from lazygrad.tensor_class import Tensor

SPATIAL = 2  # the first of the dims that windows move along


@dataclass(frozen=True)
class Frame:
    """Windows over the last dims of a tensor; one number of each kind a dim."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    starts: tuple[int, ...]  # pads before
    ends: tuple[int, ...]  # pads after

    @classmethod
    def of(
        cls,
        sizes: Sequence[int],
        kernel: Sequence[int],
        strides: Sequence[int] | None,
        dilations: Sequence[int] | None,
        pads: Sequence[int] | None,
        auto_pad: str,
    ) -> Frame:
        rank = len(sizes)
        kernel = tuple(kernel)
        strides, dilations = tuple(strides or (1,) * rank), tuple(dilations or (1,) * rank)
        given = tuple(pads or (0,) * 2 * rank)
        starts, ends = given[:rank], given[rank:]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            needed = [
                max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
                for n, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
            ]
            less, more = tuple(n // 2 for n in needed), tuple(n - n // 2 for n in needed)
            starts, ends = (less, more) if auto_pad == "SAME_UPPER" else (more, less)
        elif auto_pad == "VALID":
            starts = ends = (0,) * rank
        return cls(kernel, strides, dilations, starts, ends)

    @property
    def spans(self) -> tuple[int, ...]:
        """What a window covers."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def counts(self, sizes: Sequence[int], ceil_mode: bool) -> list[int]:
        """The number of windows: with ``ceil_mode`` also one that goes beyond the end, unless it
        would begin there."""
        found = []
        for n, s, span, start, end in zip(
            sizes, self.strides, self.spans, self.starts, self.ends, strict=True
        ):
            room = n + start + end - span
            count = (-(-room // s) if ceil_mode else room // s) + 1
            found.append(count - (ceil_mode and (count - 1) * s >= n + start))
        return found

    def padded(self, x: Tensor, value: float = 0.0, counts: Sequence[int] = ()) -> Tensor:
        """``x`` with its pads, and what ``counts`` windows need beyond them."""
        ends = self.ends
        if counts:
            moves = zip(
                counts, self.strides, self.spans, self.starts, x.shape[SPATIAL:], strict=True
            )
            ends = tuple((c - 1) * s + span - start - n for c, s, span, start, n in moves)
        return pad(x, self.starts, ends, value)


def pad(x: Tensor, starts: Sequence[int], ends: Sequence[int], value: float = 0.0) -> Tensor:
    """The last dims of ``x`` with so many elements before and after; negative ones are cut off."""
    if not any((*starts, *ends)):
        return x
    pairs: list[Any] = []
    for start, end in zip(reversed(starts), reversed(ends), strict=True):
        pairs += (start, end)
    return F.pad(x, pairs, value=value)
