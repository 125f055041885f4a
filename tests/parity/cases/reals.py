"""Functions of complex numbers, of real ones; and what is found in several places."""

from __future__ import annotations

from tests.parity.case import Case, integers, normal, special, uniform

X = normal(3, 4)

CASES = [
    Case("conj", lambda T, x: [T.conj(x), x.conj(), T.conj_physical(x), x.conj_physical()], [X]),
    Case("resolve", lambda T, x: [T.resolve_conj(x), x.resolve_conj(), T.resolve_neg(x),
                                  x.resolve_neg(), T.is_conj(x), x.is_conj(), T.is_neg(x),
                                  x.is_neg()], [X]),
    Case("angle", lambda T, x: [T.angle(x), x.angle()], [X], order=1),
    Case("angle, special", lambda T, x: T.angle(x), [special()], order=0),
    Case("angle, integers", lambda T, x: T.angle(x), [integers(-3, 4, 5)]),
    Case("adjoint", lambda T, x: [T.adjoint(x), x.adjoint(), x.mH], [normal(2, 3, 4)]),
    Case("H", lambda T, x: x.H, [X]),
    Case("nonzero_static", lambda T, x: [T.nonzero_static(x, size=4), x.nonzero_static(size=9)],
         [integers(0, 2, 3, 2)]),
    Case("conv3d of the package", lambda T, x, w: T.conv3d(x, w, padding=1),
         [normal(1, 2, 3, 4, 3), normal(2, 2, 2, 3, 2)], order=1),
    Case("conv_transpose1d of the package", lambda T, x, w: T.conv_transpose1d(x, w, stride=2),
         [normal(1, 2, 4), normal(2, 3, 3)], order=1),
    Case("conv_transpose3d of the package", lambda T, x, w: T.conv_transpose3d(x, w),
         [normal(1, 2, 2, 3, 2), normal(2, 1, 2, 2, 2)], order=1),
    Case("rrelu_ of positive numbers", lambda T, x: T.rrelu_(x * 1), [uniform(0.1, 1, 4)]),
    Case("base classes", lambda T: [
        issubclass(T.nn.LSTM, T.nn.RNNBase), issubclass(T.nn.GRUCell, T.nn.RNNCellBase),
        (m := T.nn.Linear(2, 2)).share_memory() is m,
    ]),
]  # fmt: skip
