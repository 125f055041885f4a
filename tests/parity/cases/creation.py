"""New tensors of given values."""

from tests.parity.case import Case, exactly, integers, normal

CASES = [
    Case("full", lambda T: [T.full((2, 3), 1.5), T.full((), 2), T.zeros(2, 3), T.ones((2,)),
                            T.zeros(size=(1, 2)), T.full((2,), True)]),
    Case("arange", lambda T: [T.arange(5), T.arange(1, 7, 2), T.arange(0, 1, 0.25),
                              T.arange(3.0), T.arange(5, 0, -2)]),
    Case("range", lambda T: [T.range(1, 4), T.range(0, 1, 0.25)]),
    Case("linspace", lambda T: [T.linspace(0, 1, 5), T.linspace(-2, 3, 4), T.linspace(1, 2, 1)]),
    Case("logspace", lambda T: [T.logspace(0, 2, 5), T.logspace(-1, 1, 3, base=2.0),
                                T.logspace(0, 3, 4, dtype=T.int64)], rtol=1e-5),
    Case("eye", lambda T: [T.eye(3), T.eye(2, 4), T.eye(2, dtype=T.int64)]),
    Case("scalar_tensor", lambda T: [T.scalar_tensor(3), T.scalar_tensor(2, dtype=T.int64)]),
    Case("tril_indices", lambda T: [T.tril_indices(3, 4), T.triu_indices(3, 3, 1),
                                    T.tril_indices(4, 3, -1), T.triu_indices(2, 4)]),
    Case("like", lambda T, x, n: [T.zeros_like(x), T.ones_like(n), T.full_like(x, 2),
                                  T.full_like(n, 7), T.zeros_like(x, dtype=T.int64)],
         [normal(2, 3), integers(0, 9, 4)], order=0),
    Case("new", lambda T, x, n: [x.new_zeros(2, 3), x.new_ones((2,)), n.new_full((2, 2), 7),
                                 x.new_tensor([1, 2]), n.new_zeros((3,), dtype=T.float32),
                                 x.new_empty(2, 3).shape, n.new_ones(2)],
         [normal(2), integers(0, 9, 2)], order=0),
    Case("as_tensor", lambda T, x: [T.as_tensor(x) is x, T.as_tensor([1, 2]), T.asarray(x),
                                    T.as_tensor(x, dtype=T.float64), T.asarray([1.0, 2.0])],
         [normal(3)], order=0),
    *[Case(name, lambda T, f=name: [getattr(T, f)(n, p) for n in (0, 1, 7) for p in (True, False)],
           atol=1e-6)
      for name in ("hann_window", "hamming_window", "blackman_window", "bartlett_window",
                   "kaiser_window")],
    Case("frombuffer", lambda T: T.frombuffer(bytearray(b"abcd"), dtype=T.uint8, offset=1)),
    Case("derivatives", lambda T, x: T.as_tensor(x) * 2, [normal(3)]),
    Case("flags", lambda T, x: [x.is_signed(), x.is_floating_point(), x.is_complex(), x.numel(),
                                x.ndimension(), x.itemsize, x.is_same_size(x)], [exactly([1, 2])]),
]  # fmt: skip
