"""Windows of signal processing."""

from __future__ import annotations

from tests.parity.case import Case

NAMES = ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")

CASES = [
    Case(
        f"{name}, {length}, {periodic}",
        lambda T, n=name, size=length, p=periodic: getattr(T, n)(size, periodic=p),
    )
    for name in NAMES
    for length in (0, 1, 2, 9, 16)
    for periodic in (True, False)
] + [
    Case("hamming_window, weights", lambda T: T.hamming_window(8, True, 0.6, 0.4)),
    Case("kaiser_window, beta", lambda T: T.kaiser_window(8, True, 5.0)),
    *[Case(f"{n}, double", lambda T, n=n: getattr(T, n)(7, dtype=T.float64)) for n in NAMES],
    *[Case(f"{n}, half", lambda T, n=n: getattr(T, n)(7, dtype=T.float16)) for n in NAMES],
]
