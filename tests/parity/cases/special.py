"""Special functions."""

from tests.parity.case import SPECIAL, Case, elementwise, exactly, integers, normal, uniform

# Near the zeros of lgamma and digamma the error is small beside 1, in PyTorch's as in ours.
CASES = [
    *elementwise("erf"),
    *elementwise("erfc"),
    *elementwise("erfinv", -0.9, 0.9),
    *elementwise("lgamma", 0.2, 6, atol=2e-6),
    *elementwise("digamma", 0.5, 6, specials=False, atol=2e-6),
    *elementwise("sinc"),
    *elementwise("i0", specials=False),
    *elementwise("logit", 0.1, 0.9),
    Case("lgamma, below 0", lambda T, x: T.lgamma(x), [uniform(-1.9, -1.1, 9)], rtol=1e-4),
    Case("digamma, poles", lambda T, x: T.digamma(x), [exactly([0.0, -0.0, -1.0, 1e30])], order=0),
    Case("digamma, below 0", lambda T, x: T.digamma(x), [uniform(-1.9, -1.6, 9)], rtol=1e-4),
    Case("polygamma", lambda T, x: [T.polygamma(n, x) for n in (0, 1, 2)], [uniform(0.5, 6, 9)],
         rtol=1e-4, atol=1e-5),
    Case("polygamma, method", lambda T, x: x.polygamma(1), [uniform(0.5, 6, 9)], order=1,
         rtol=1e-4),
    Case("mvlgamma", lambda T, x: T.mvlgamma(x, 3), [uniform(2, 6, 9)], order=1, atol=1e-5),
    Case("logit, eps", lambda T, x: T.logit(x, 0.2), [uniform(-0.2, 1.2, 9)], order=1),
    Case("xlogy", lambda T, x, y: [T.xlogy(x, y), T.xlogy(2.0, y), T.xlogy(x, 3)],
         [normal(3, 1), uniform(0.2, 3, 4)]),
    Case("xlogy, special", lambda T, x, y: T.xlogy(x, y),
         [exactly([[v] for v in SPECIAL]), exactly(SPECIAL)], order=0),
    *[
        Case(f"special.{name}", lambda T, x, f=name: getattr(T.special, f)(x),
             [uniform(0.1, 0.9, 3, 4)], order=order, rtol=1e-4, atol=1e-5)
        for name, order in [
            ("entr", 2), ("erf", 1), ("erfc", 1), ("erfcx", 2), ("erfinv", 1), ("exp2", 1),
            ("expit", 1), ("expm1", 1), ("gammaln", 1), ("digamma", 1), ("psi", 1), ("i0", 1),
            ("i0e", 2), ("i1", 2), ("i1e", 2), ("log1p", 1), ("log_ndtr", 2), ("logit", 1),
            ("ndtr", 2), ("ndtri", 1), ("round", 1), ("sinc", 1),
        ]
    ],
    *[
        Case(f"special.{name}, far", lambda T, x, f=name: getattr(T.special, f)(x),
             [exactly([-30.0, -9.0, -2.0, 0.0, 3.0, 20.0, 80.0])], order=0, rtol=1e-4)
        for name in ("i0e", "i1e", "i1", "log_ndtr", "ndtr")
    ],
    Case("igamma", lambda T, a, x: [T.igamma(a.detach(), x), T.igammac(a.detach(), x),
                                    a.detach().igamma(x), T.special.gammainc(a.detach(), x),
                                    T.special.gammaincc(a.detach(), x)],
         [uniform(0.3, 8, 3, 1), uniform(0.2, 12, 5)], rtol=1e-4, atol=1e-6),
    # beside infinity or 0 PyTorch takes NaN for a number
    Case("igamma, special", lambda T, a, x: [T.igamma(a, x), T.igammac(a, x)],
         [exactly([[0.0], [1.0], [2.5], [float("inf")], [-1.0], [300.0], [5000.0]]),
          exactly([0.0, 0.5, 310.0, 4900.0, float("inf"), -1.0])], order=0,
         rtol=1e-4, atol=1e-6),
    Case("igamma_", lambda T, a, x: [a.clone().igamma_(x), a.clone().igammac_(x)],
         [uniform(0.3, 8, 5), uniform(0.2, 12, 5)], order=0, rtol=1e-4, atol=1e-6),
    *[
        Case(f"special.{name}", lambda T, x, f=name: getattr(T.special, f)(x),
             [exactly([0.0, -0.3, 1.0, 7.0])], order=0, rtol=1e-4, atol=1e-5)
        for name in ("modified_bessel_i0", "modified_bessel_i1", "spherical_bessel_j0")
    ],
    Case("special.xlog1py", lambda T, x, y: T.special.xlog1py(x, y), [normal(4), uniform(0, 3, 4)]),
    Case("special.multigammaln", lambda T, x: T.special.multigammaln(x, 2), [uniform(2, 6, 4)],
         order=1, atol=1e-5),
    Case("special.logsumexp", lambda T, x: T.special.logsumexp(x, 1), [normal(3, 4)]),
    Case("special.softmax", lambda T, x: T.special.softmax(x, 1), [normal(3, 4)]),
    Case("special.log_softmax", lambda T, x: T.special.log_softmax(x, 1), [normal(3, 4)]),
    *[
        Case(f"{name}, integers", lambda T, x, f=name: getattr(T, f)(x), [integers(1, 5, 4)])
        for name in ("erf", "erfc", "lgamma", "digamma", "sinc", "i0")
    ],
]  # fmt: skip
