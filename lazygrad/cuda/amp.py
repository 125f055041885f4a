"""The names of torch.cuda.amp, which PyTorch has moved to torch.amp."""

from __future__ import annotations

from typing import Any

from lazygrad import amp


class autocast(amp.autocast):
    """``amp.autocast("cuda", ...)``.

    >>> with lazygrad.cuda.amp.autocast():
    ...     y = lazygrad.ones(2, 2) @ lazygrad.ones(2, 2)
    >>> y.dtype
    lazygrad.float16
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cuda", ...)``.

    >>> lazygrad.cuda.amp.GradScaler(init_scale=8.0).scale(Tensor(2.0)).item()
    16.0
    """

    def __init__(self, init_scale: float = 2.0**16, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000,
                 enabled: bool = True) -> None:  # fmt: skip
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )
