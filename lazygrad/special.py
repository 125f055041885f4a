"""torch.special: special functions under the names that it has for them."""

from lazygrad.functional.activation import (
    log_softmax as log_softmax,
    sigmoid as expit,
    softmax as softmax,
)
from lazygrad.functional.elementwise import (
    exp2 as exp2,
    expm1 as expm1,
    log1p as log1p,
    round as round,
)
from lazygrad.functional.reduce import logsumexp as logsumexp
from lazygrad.functional.special import (
    digamma as digamma,
    entr as entr,
    erf as erf,
    erfc as erfc,
    erfcx as erfcx,
    erfinv as erfinv,
    gammainc as gammainc,
    gammaincc as gammaincc,
    gammaln as gammaln,
    i0 as i0,
    i0e as i0e,
    i1 as i1,
    i1e as i1e,
    log_ndtr as log_ndtr,
    logit as logit,
    modified_bessel_i0 as modified_bessel_i0,
    modified_bessel_i1 as modified_bessel_i1,
    multigammaln as multigammaln,
    ndtr as ndtr,
    ndtri as ndtri,
    polygamma as polygamma,
    psi as psi,
    sinc as sinc,
    spherical_bessel_j0 as spherical_bessel_j0,
    xlog1py as xlog1py,
    xlogy as xlogy,
)
from lazygrad.names import lookup

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc",
    "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "multigammaln", "ndtr", "ndtri",
    "polygamma", "psi", "round", "sinc", "softmax", "spherical_bessel_j0", "xlog1py", "xlogy",
]  # fmt: skip

__getattr__ = lookup("special", "torch.special", globals())
