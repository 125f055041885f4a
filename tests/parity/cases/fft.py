"""Frequencies: what of fft is about real numbers."""

from tests.parity.case import Case, normal

CASES = [
    Case("fft.fftfreq", lambda T: [T.fft.fftfreq(n) for n in (1, 4, 5)]),
    Case("fft.fftfreq, spacing", lambda T: T.fft.fftfreq(6, 0.1, dtype=T.float64)),
    Case("fft.rfftfreq", lambda T: [T.fft.rfftfreq(n, 2.0) for n in (1, 4, 5)]),
    Case("fft.fftshift", lambda T, x: [T.fft.fftshift(x), T.fft.fftshift(x, 1)], [normal(4, 5)]),
    Case("fft.ifftshift", lambda T, x: [T.fft.ifftshift(x), T.fft.ifftshift(x, (0, -1))],
         [normal(4, 5)]),
]  # fmt: skip
