"""Mixed precision, with torch.amp's names: products in float16 or bfloat16 (added up in float32),
what is delicate in float32, and losses scaled so that small gradients are not lost."""

from lazygrad.amp.autocast import autocast, get_autocast_dtype, is_autocast_enabled
from lazygrad.amp.scaler import GradScaler
from lazygrad.names import lookup

__all__ = ["GradScaler", "autocast", "get_autocast_dtype", "is_autocast_enabled"]

__getattr__ = lookup("amp", "torch.amp", globals())
