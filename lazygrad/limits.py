"""The ranges of dtypes, as torch.finfo and torch.iinfo."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.errors import DtypeError
from lazygrad.public import public


class finfo:
    """The range and precision of a dtype of floats.

    Attributes:
        bits: of one element.
        eps: the distance from 1 to the next larger number.
        max, min: the largest and smallest finite number.
        tiny, smallest_normal: the smallest number above 0 of full precision.
        resolution: 10 to the power of minus the decimals that are exact.

    >>> lazygrad.finfo(lazygrad.float16).max, lazygrad.finfo("bfloat16").eps
    (65504.0, 0.0078125)
    """

    @public
    def __init__(self, type: Any = None) -> None:
        chosen = dt.default_float if type is None else dt.of(type)
        if not chosen.is_floating_point:
            raise DtypeError(f"[finfo] {chosen.name} is not a dtype of floats; use iinfo")
        self.dtype = chosen.name
        self.bits = 8 * chosen.itemsize
        self.eps = chosen.eps
        self.max, self.min = float(chosen.largest), float(chosen.lowest)
        brain = chosen is dt.bfloat16  # with the exponents of float32
        found = np.finfo(np.dtype(np.float32) if brain else chosen.numpy)
        self.tiny = self.smallest_normal = float(found.tiny)
        self.resolution = 0.01 if brain else 10.0 ** -int(found.precision)

    def __repr__(self) -> str:
        return f"finfo({self.dtype}, min={self.min}, max={self.max}, eps={self.eps})"


class iinfo:
    """The range of a dtype of integers.

    Attributes:
        bits: of one element.
        max, min: the largest and smallest number.

    >>> lazygrad.iinfo(lazygrad.int8).min, lazygrad.iinfo("uint16").max
    (-128, 65535)
    """

    @public
    def __init__(self, type: Any) -> None:
        chosen = dt.of(type)
        if not chosen.is_integer:
            raise DtypeError(f"[iinfo] {chosen.name} is not a dtype of integers; use finfo")
        self.dtype = chosen.name
        self.bits = 8 * chosen.itemsize
        self.max, self.min = int(chosen.max), int(chosen.min)

    def __repr__(self) -> str:
        return f"iinfo({self.dtype}, min={self.min}, max={self.max})"
