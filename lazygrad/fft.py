"""What of torch.fft is about real numbers: frequencies, and their order. Transforms give complex
numbers, of which there are none."""

from lazygrad.functional.frequencies import (
    fftfreq as fftfreq,
    fftshift as fftshift,
    ifftshift as ifftshift,
    rfftfreq as rfftfreq,
)
from lazygrad.names import lookup

__getattr__ = lookup("fft", "torch.fft", globals())
