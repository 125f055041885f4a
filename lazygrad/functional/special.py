"""Special functions, those of torch.special too.

Errors against float64, in units in the last place of float32, stand in
tests/lang/test_special.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.arguments import require_range, shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, GradError
from lazygrad.functional.maps import either, unary
from lazygrad.handle import Handle
from lazygrad.lang import arithmetic, bessel, gamma, probability, transcendental
from lazygrad.public import alias, public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

erf = unary(
    transcendental.erf,
    'Tensor([0.0, 1.0, float("inf")]).erf().realize()',
    "Tensor([0.    , 0.8427, 1.    ])",
)
erfc = unary(probability.erfc, "Tensor(9.0).erfc().item()", "4.137031708073991e-37")
erfcx = unary(probability.erfcx, "lazygrad.special.erfcx(Tensor(50.0)).realize()", "Tensor(0.0113)")
erfinv = unary(
    probability.erfinv, "Tensor([0.5, 1.0]).erfinv().realize()", "Tensor([0.4769,    inf])"
)
ndtr = unary(
    probability.ndtr,
    "lazygrad.special.ndtr(Tensor([0.0, 1.96])).realize()",
    "Tensor([0.5  , 0.975])",
)
ndtri = unary(
    probability.ndtri,
    "lazygrad.special.ndtri(Tensor([0.5, 0.975])).realize()",
    "Tensor([0.  , 1.96])",
)
log_ndtr = unary(
    probability.log_ndtr, "lazygrad.special.log_ndtr(Tensor(-20.0)).realize()", "Tensor(-203.9172)"
)
lgamma = unary(
    gamma.lgamma, "Tensor([2.5, 5.0, 0.0]).lgamma().realize()", "Tensor([0.2847, 3.1781,    inf])"
)
digamma = unary(
    gamma.digamma, "Tensor([1.0, 0.0]).digamma().realize()", "Tensor([-0.5772,    -inf])"
)
i0 = unary(bessel.i0, "Tensor([0.0, 1.0]).i0().realize()", "Tensor([1.    , 1.2661])")
i0e = unary(
    bessel.i0e, "lazygrad.special.i0e(Tensor([0.0, 100.0])).realize()", "Tensor([1.    , 0.0399])"
)
i1 = unary(
    bessel.i1, "lazygrad.special.i1(Tensor([0.0, -1.0])).realize()", "Tensor([ 0.    , -0.5652])"
)
i1e = unary(
    bessel.i1e, "lazygrad.special.i1e(Tensor([0.0, 100.0])).realize()", "Tensor([0.    , 0.0397])"
)
sinc = unary(
    arithmetic.sinc,
    "Tensor([0.0, 0.5, 1.5]).sinc().realize()",
    "Tensor([ 1.    ,  0.6366, -0.2122])",
)
entr = unary(
    arithmetic.entr,
    "lazygrad.special.entr(Tensor([0.5, 0.0, -1.0])).realize()",
    "Tensor([0.3466, 0.    ,   -inf])",
)
xlogy = either(
    arithmetic.xlogy, "Tensor([0.0, 2.0]).xlogy(Tensor([0.0, 1.0])).tolist()", "[0.0, 0.0]"
)
xlog1py = either(
    arithmetic.xlog1py,
    "lazygrad.special.xlog1py(Tensor([0.0, 2.0]), Tensor([-1.0, 0.0])).tolist()",
    "[0.0, 0.0]",
)


@public
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of ``sigmoid``; with ``eps`` of x in [eps, 1 - eps].

    >>> Tensor([0.5, 1.0]).logit().tolist()
    [0.0, inf]
    >>> Tensor([0.5, 1.0]).logit(eps=0.1).realize()
    Tensor([0.    , 2.1972])
    """
    if eps is not None:
        require_range("logit", 0, 0.5, eps=eps)
    return wrap(arithmetic.logit(read(input), eps))


@public
def polygamma(n: int | Tensor, input: int | Tensor) -> Tensor:
    """The ``n``-th derivative of ``digamma``: ``polygamma(1, x)`` or ``x.polygamma(1)``. Of
    negative numbers for ``n`` up to 1, else NaN.

    Raises:
        ArgumentError: unless one is an integer and one a Tensor.
        ValueRangeError: for a negative order.

    >>> Tensor(1.0).polygamma(1).realize()
    Tensor(1.6449)
    """
    order, values = (input, n) if isinstance(n, Handle) else (n, input)
    if isinstance(order, Handle) or not isinstance(values, Handle):
        raise ArgumentError(
            f"[polygamma] takes an order and a Tensor, got {shown(n)} and {shown(input)}"
        )
    require_range("polygamma", 0, n=order)
    return wrap(gamma.polygamma(order, read(values)))


@public
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    >>> Tensor(2.0).mvlgamma(2).realize()
    Tensor(0.4516)
    """
    require_range("mvlgamma", 1, p=p)
    return wrap(gamma.mvlgamma(read(input), p))


@public
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """The regularized lower incomplete gamma function P(input, other), computed on the host.

    Raises:
        GradError: where ``input`` requires a gradient: there is one by ``other`` only.

    >>> Tensor(1.0).igamma(Tensor(2.0)).realize()
    Tensor(0.8647)
    """
    return _incomplete("igamma", input, other)


@public
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """``1 - igamma(input, other)``, without losing its digits where that is near 1.

    >>> Tensor(1.0).igammac(Tensor(50.0)).item()
    1.9287498933537385e-22
    """
    return _incomplete("igammac", input, other)


def _incomplete(op: str, input: Tensor, other: Tensor) -> Tensor:
    order = read(input)
    if order.tracked:
        raise GradError(f"[{op}] has no derivative by its first argument; detach() it")
    return wrap(gamma.igamma(order, read(other), upper=op == "igammac"), op)


@public
def spherical_bessel_j0(input: Tensor) -> Tensor:
    """``sin(x) / x``, 1 at 0.

    >>> lazygrad.special.spherical_bessel_j0(Tensor([0.0, lazygrad.pi / 2])).realize()
    Tensor([1.    , 0.6366])
    """
    return wrap(arithmetic.sine_ratio(read(input)))


gammainc = alias(igamma, "gammainc")
gammaincc = alias(igammac, "gammaincc")
modified_bessel_i0 = alias(i0, "modified_bessel_i0")
modified_bessel_i1 = alias(i1, "modified_bessel_i1")
psi = alias(digamma, "psi")
gammaln = alias(lgamma, "gammaln")
multigammaln = alias(mvlgamma, "multigammaln")
