"""Random numbers on the host, from the streams that Tensors draw from."""

from __future__ import annotations

import numpy as np

from lazygrad.generator import Generator, default_generator


def host_random(generator: Generator | None = None) -> np.random.RandomState:
    """A source of random numbers that depends on where the stream stands, which moves on.

    NumPy promises that RandomState, unlike its newer generators, draws the same numbers in every
    version.
    """
    stream = default_generator if generator is None else generator
    return np.random.RandomState(stream.next_key().ravel().view(np.uint32))
