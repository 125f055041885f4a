"""Constants under PyTorch's names."""

from math import e as e, inf as inf, nan as nan, pi as pi

from lazygrad import element_types as dt

dtype = dt.DType
bool, short, int, long = dt.bool_, dt.int16, dt.int32, dt.int64
half, float, double = dt.float16, dt.float32, dt.float64

newaxis = None
Size = tuple  # shapes are tuples

# Memory formats, which are accepted and change nothing: a kernel lays out what it needs.
contiguous_format = "contiguous_format"
preserve_format = "preserve_format"
channels_last = "channels_last"
channels_last_3d = "channels_last_3d"
strided = "strided"
