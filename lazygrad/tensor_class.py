"""Tensor: a thin mutable handle on a Node. Operations build graph and compute nothing.

The class holds facts, values and derivatives; every function is written once, in
``lazygrad.functional``, and stands here under its name. It is one class without mixins, so that
"where is ``Tensor.add``" has one answer.
"""

from __future__ import annotations

from builtins import bool as Bool
from functools import partial
from typing import Any

from lazygrad import (
    backward as derivatives,
    element_types as dt,
    exchange,
    inplace as writing,
    turns as tn,
    values,
    written as wr,
)
from lazygrad.aliases import detached_view, view_of
from lazygrad.bridge import (
    bind_grad,
    bind_new,
    current_grad,
    current_node,
    is_leaf,
    made_by_wrap,
)
from lazygrad.errors import MissingNameError
from lazygrad.functional import (
    activation as act,
    attention,
    compare as cmp,
    conversion,
    copies,
    counting,
    creation,
    diagonals as dg,
    distance,
    draws,
    dropout as drop,
    elementwise as ew,
    factors,
    facts,
    indexing,
    joining,
    like,
    linalg,
    lookup,
    loss,
    movement as move,
    normalization as norms,
    pool,
    random,
    reals,
    reduce,
    scans,
    scatter as scattering,
    selecting,
    solving,
    sorting,
    special as sp,
    spectra,
    splitting,
    statistics,
    tinygrad,
    trigonometry as tr,
    ufuncs,
    views as vw,
    windows,
)
from lazygrad.functional.maps import infix, operator, product
from lazygrad.handle import Handle
from lazygrad.lang import comparison
from lazygrad.lang.elementwise import add, div, mul, sub
from lazygrad.lang.movement import permute
from lazygrad.lang.rounding import floor_divide, remainder
from lazygrad.lang.transcendental import pow
from lazygrad.names import said
from lazygrad.namespace import array_namespace
from lazygrad.public import alias, public


@made_by_wrap
class Tensor(Handle):
    """A multi-dimensional array whose value is computed when it is needed.

    Args:
        data: a number, nested lists, a NumPy array (copied) or another Tensor (detached).
        dtype: default: of arrays their own; of Python numbers bool, int64 or float32.
        device: name of a backend; default: the one that ``BACKEND`` names.
        requires_grad: whether ``backward()`` fills ``grad`` with the derivative by this tensor.

    >>> x = Tensor([[1.0, 2.0]], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y
    Tensor(5., requires_grad=True)
    >>> y.backward()
    >>> x.grad.tolist(), x.is_leaf, y.requires_grad, x.data.requires_grad, x.T.shape
    ([[2.0, 4.0]], True, True, False, (2, 1))
    """

    __slots__ = ()
    __array_ufunc__ = ufuncs.array_ufunc  # array + tensor is the tensor's business
    __array_namespace__ = array_namespace
    __hash__ = object.__hash__

    _grad: Tensor | None

    @partial(public, hint=creation.sizes_meant)
    def __init__(
        self, data: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> None:
        bind_new(self, creation.leaf_of(data, dtype, device))
        if requires_grad:
            self.requires_grad_()

    def __getattr__(self, name: str) -> Any:
        raise MissingNameError(said("Tensor", "torch.Tensor", name, dir(type(self))))

    # -- facts --------------------------------------------------------------------------------

    dim, ndimension, size, numel = facts.dim, facts.ndimension, facts.size, facts.numel
    nelement, element_size = facts.nelement, facts.element_size
    is_floating_point, is_signed = facts.is_floating_point, facts.is_signed
    is_complex, is_nonzero, is_same_size = facts.is_complex, facts.is_nonzero, facts.is_same_size
    stride, storage_offset, is_contiguous = facts.stride, facts.storage_offset, facts.is_contiguous
    get_device, is_inference, is_pinned = facts.get_device, facts.is_inference, facts.is_pinned
    is_shared, pin_memory, share_memory_ = facts.is_shared, facts.pin_memory, facts.share_memory_
    __len__, __iter__, __contains__ = facts.length, values.slices, cmp.contains
    __repr__, _repr_html_ = values.described, values.in_notebook

    # -- values on the host -------------------------------------------------------------------

    realize, numpy, item, tolist = values.realize, values.numpy, values.item, values.tolist
    __bool__, __index__ = values.truth, values.index
    __deepcopy__, __reduce_ex__ = exchange.deepcopy, exchange.reduce
    __array__, __dlpack__ = exchange.array, exchange.dlpack
    __dlpack_device__, to_device = exchange.dlpack_device, conversion.to_device
    __float__, __int__, __complex__ = values.to_float, values.to_int, values.to_complex
    __format__, __round__ = values.formatted, values.rounded

    # -- derivatives --------------------------------------------------------------------------

    @property
    def requires_grad(self) -> Bool:
        """Whether derivatives flow through this tensor to a leaf."""
        return current_node(self).tracked

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The derivative that ``backward`` has accumulated, or None; a detached tensor."""
        found: Any = current_grad(self)
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            derivatives.check_gradient(self, value)
        bind_grad(self, value)

    @property
    def is_leaf(self) -> Bool:
        """Whether it is not the result of a recorded operation."""
        return is_leaf(self)

    @property
    def data(self) -> Tensor:
        """The same value without derivative history, which can be written."""
        return detached_view(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        writing.set_data(self, value)

    backward, requires_grad_ = derivatives.backward, derivatives.requires_grad_

    # -- operators -------------------------------------------------------------------------------

    __add__, __radd__ = infix(add)
    __sub__, __rsub__ = infix(sub)
    __mul__, __rmul__ = infix(mul)
    __truediv__, __rtruediv__ = infix(div)
    __floordiv__, __rfloordiv__ = infix(floor_divide)
    __mod__, __rmod__ = infix(remainder)
    __pow__, __rpow__ = infix(pow)
    __matmul__, __rmatmul__ = product(reverse=False), product(reverse=True)
    __and__, __rand__ = infix(comparison.bitwise_and)
    __or__, __ror__ = infix(comparison.bitwise_or)
    __xor__, __rxor__ = infix(comparison.bitwise_xor)
    __lshift__, __rlshift__ = infix(comparison.lshift)
    __rshift__, __rrshift__ = infix(comparison.rshift)
    __lt__, __le__ = operator(comparison.lt), operator(comparison.le)
    __gt__, __ge__ = operator(comparison.gt), operator(comparison.ge)
    __eq__, __ne__ = operator(comparison.eq), operator(comparison.ne)  # type: ignore[assignment]
    __neg__, __abs__, __invert__, __pos__ = ew.neg, ew.abs, ew.bitwise_not, ew.positive
    __getitem__, __setitem__ = indexing.getitem, writing.setitem

    # -- functions, by family; each stands in its module of lazygrad.functional -----------------

    neg, negative, abs, absolute, sign = ew.neg, ew.negative, ew.abs, ew.absolute, ew.sign
    sgn, reciprocal, square, sqrt, rsqrt = ew.sgn, ew.reciprocal, ew.square, ew.sqrt, ew.rsqrt
    exp, exp2, expm1, log, log1p, log2 = ew.exp, ew.exp2, ew.expm1, ew.log, ew.log1p, ew.log2
    log10, sin, cos, tan, floor, ceil = ew.log10, ew.sin, ew.cos, ew.tan, ew.floor, ew.ceil
    trunc, fix, frac, round, positive = ew.trunc, ew.fix, ew.frac, ew.round, ew.positive
    signbit, deg2rad, rad2deg, frexp = ew.signbit, ew.deg2rad, ew.rad2deg, ew.frexp
    bitwise_not, bitwise_and, bitwise_or = ew.bitwise_not, ew.bitwise_and, ew.bitwise_or
    bitwise_xor, bitwise_left_shift = ew.bitwise_xor, ew.bitwise_left_shift
    bitwise_right_shift, add, sub, subtract = ew.bitwise_right_shift, ew.add, ew.sub, ew.subtract
    rsub, mul, multiply, div, divide = ew.rsub, ew.mul, ew.multiply, ew.div, ew.divide
    true_divide, floor_divide, fmod = ew.true_divide, ew.floor_divide, ew.fmod
    remainder, pow, float_power, maximum = ew.remainder, ew.pow, ew.float_power, ew.maximum
    minimum, fmax, fmin, logaddexp = ew.minimum, ew.fmax, ew.fmin, ew.logaddexp
    logaddexp2, hypot, copysign, nextafter = ew.logaddexp2, ew.hypot, ew.copysign, ew.nextafter
    ldexp, heaviside, gcd, lcm, clamp = ew.ldexp, ew.heaviside, ew.gcd, ew.lcm, ew.clamp
    clip, clamp_min, clamp_max, lerp = ew.clip, ew.clamp_min, ew.clamp_max, ew.lerp
    addcmul, addcdiv, nan_to_num = ew.addcmul, ew.addcdiv, ew.nan_to_num
    masked_fill, asin, acos, atan, atan2 = ew.masked_fill, tr.asin, tr.acos, tr.atan, tr.atan2
    sinh, cosh, asinh, acosh, atanh = tr.sinh, tr.cosh, tr.asinh, tr.acosh, tr.atanh
    arcsin, arccos, arctan, arctan2 = tr.arcsin, tr.arccos, tr.arctan, tr.arctan2
    arcsinh, arccosh, arctanh, erf, erfc = tr.arcsinh, tr.arccosh, tr.arctanh, sp.erf, sp.erfc
    erfinv, lgamma, digamma, polygamma = sp.erfinv, sp.lgamma, sp.digamma, sp.polygamma
    mvlgamma, i0, sinc, xlogy, logit = sp.mvlgamma, sp.i0, sp.sinc, sp.xlogy, sp.logit
    igamma, igammac, nonzero_static = sp.igamma, sp.igammac, selecting.nonzero_static

    lt, less, le, less_equal, gt = cmp.lt, cmp.less, cmp.le, cmp.less_equal, cmp.gt
    greater, ge, greater_equal, eq = cmp.greater, cmp.ge, cmp.greater_equal, cmp.eq
    equal, ne, not_equal, logical_and = cmp.equal, cmp.ne, cmp.not_equal, cmp.logical_and
    logical_or, logical_xor, logical_not = cmp.logical_or, cmp.logical_xor, cmp.logical_not
    isnan, isinf, isfinite, isposinf = cmp.isnan, cmp.isinf, cmp.isfinite, cmp.isposinf
    isneginf, isreal, isclose, allclose = cmp.isneginf, cmp.isreal, cmp.isclose, cmp.allclose
    where = cmp.where_self

    relu, relu6, leaky_relu, elu, selu = act.relu, act.relu6, act.leaky_relu, act.elu, act.selu
    hardshrink, prelu, gelu, silu, mish = act.hardshrink, act.prelu, act.gelu, act.silu, act.mish
    sigmoid, logsigmoid, tanh, hardtanh = act.sigmoid, act.logsigmoid, act.tanh, act.hardtanh
    hardsigmoid, hardswish, softplus = act.hardsigmoid, act.hardswish, act.softplus
    softsign, softmax, log_softmax = act.softsign, act.softmax, act.log_softmax

    sum, mean, prod, cumsum, var = reduce.sum, reduce.mean, reduce.prod, reduce.cumsum, reduce.var
    std, max, min, amax, amin = reduce.std, reduce.max, reduce.min, reduce.amax, reduce.amin
    argmax, argmin, any, all = reduce.argmax, reduce.argmin, reduce.any, reduce.all
    logsumexp, nansum, nanmean = reduce.logsumexp, statistics.nansum, statistics.nanmean
    count_nonzero, aminmax, cov = statistics.count_nonzero, statistics.aminmax, statistics.cov
    corrcoef, cumprod, logcumsumexp = statistics.corrcoef, scans.cumprod, scans.logcumsumexp
    cummax, cummin, diff, norm = scans.cummax, scans.cummin, scans.diff, distance.norm
    dist, renorm = distance.dist, distance.renorm

    sort, argsort, msort, topk = sorting.sort, sorting.argsort, sorting.msort, sorting.topk
    kthvalue, median, nanmedian = sorting.kthvalue, sorting.median, sorting.nanmedian
    mode, quantile, nanquantile = sorting.mode, sorting.quantile, sorting.nanquantile
    nonzero, argwhere = selecting.nonzero, selecting.argwhere
    masked_select, take = selecting.masked_select, selecting.take
    take_along_dim, unique = selecting.take_along_dim, selecting.unique
    unique_consecutive, bincount = selecting.unique_consecutive, counting.bincount
    histc, histogram = counting.histc, counting.histogram

    reshape, reshape_as, view, view_as = vw.reshape, vw.reshape_as, vw.view, vw.view_as
    permute, t, transpose, swapaxes = vw.permute, vw.t, vw.transpose, vw.swapaxes
    swapdims, movedim, moveaxis, expand = vw.swapdims, vw.movedim, vw.moveaxis, vw.expand
    expand_as, broadcast_to, sum_to_size = vw.expand_as, vw.broadcast_to, reduce.sum_to_size
    squeeze, unsqueeze, flatten, ravel = vw.squeeze, vw.unsqueeze, vw.flatten, vw.ravel
    unflatten, narrow, narrow_copy = vw.unflatten, vw.narrow, copies.narrow_copy
    select, diagonal, unfold, as_strided = vw.select, dg.diagonal, vw.unfold, move.as_strided
    pad, flip, fliplr, flipud, rot90 = move.pad, move.flip, move.fliplr, move.flipud, move.rot90
    roll, repeat, repeat_interleave = move.roll, move.repeat, move.repeat_interleave
    tile, tril, triu, diag, diag_embed = move.tile, move.tril, move.triu, dg.diag, dg.diag_embed
    diagflat, contiguous, clone, split = dg.diagflat, move.contiguous, move.clone, splitting.split
    split_with_sizes, tensor_split = splitting.split_with_sizes, splitting.tensor_split
    hsplit, vsplit, dsplit = splitting.hsplit, splitting.vsplit, splitting.dsplit
    chunk, unbind, unsafe_split = splitting.chunk, splitting.unbind, splitting.unsafe_split
    unsafe_split_with_sizes = splitting.unsafe_split_with_sizes
    unsafe_chunk, cat, stack = splitting.unsafe_chunk, joining.cat, joining.stack
    detach, fill_diagonal_ = copies.detach, wr.fill_diagonal_
    diagonal_scatter, conj, conj_physical = dg.diagonal_scatter, reals.conj, reals.conj_physical
    resolve_conj, resolve_neg, is_conj = reals.resolve_conj, reals.resolve_neg, reals.is_conj
    is_neg, adjoint, angle = reals.is_neg, reals.adjoint, reals.angle

    @property
    def T(self) -> Tensor:
        """All dims in reverse order."""
        return view_of(self, permute, tuple(reversed(range(self.ndim))))

    H, mT, mH, real = T, property(reals.mT), property(reals.mH), property(reals.real)

    gather, index_select, one_hot = indexing.gather, indexing.index_select, indexing.one_hot
    embedding, scatter, scatter_add = lookup.embedding, scattering.scatter, scattering.scatter_add
    scatter_reduce, index_reduce = scattering.scatter_reduce, scattering.index_reduce
    index_add, index_copy = scattering.index_add, scattering.index_copy
    index_fill, index_put, put = scattering.index_fill, scattering.index_put, scattering.put
    masked_scatter, select_scatter = scattering.masked_scatter, scattering.select_scatter
    slice_scatter, as_strided_scatter = scattering.slice_scatter, scattering.as_strided_scatter

    matmul, mm, mv, bmm, dot = linalg.matmul, linalg.mm, linalg.mv, linalg.bmm, linalg.dot
    vdot, inner, outer, ger = linalg.vdot, linalg.inner, linalg.outer, linalg.ger
    trace, cross, kron, matrix_power = linalg.trace, linalg.cross, linalg.kron, linalg.matrix_power
    addmm, addmv, addr, addbmm = linalg.addmm, linalg.addmv, linalg.addr, linalg.addbmm
    baddbmm, linear, det, slogdet = linalg.baddbmm, linalg.linear, solving.det, solving.slogdet
    logdet, inverse, pinverse = solving.logdet, factors.inverse, factors.pinverse
    cholesky, cholesky_inverse = factors.cholesky, factors.cholesky_inverse
    cholesky_solve, lu, lu_solve = factors.cholesky_solve, factors.lu, factors.lu_solve
    qr, svd, triangular_solve = factors.qr, factors.svd, factors.triangular_solve
    matrix_exp = spectra.matrix_exp
    scaled_dot_product_attention = attention.scaled_dot_product_attention

    conv1d, conv2d, max_pool1d = windows.conv1d, windows.conv2d, pool.max_pool1d
    max_pool2d, avg_pool1d, avg_pool2d = pool.max_pool2d, pool.avg_pool1d, pool.avg_pool2d
    layer_norm, layernorm, group_norm = norms.layer_norm, norms.layernorm, norms.group_norm
    batch_norm, batchnorm, dropout = norms.batch_norm, norms.batchnorm, drop.dropout
    cross_entropy, nll_loss, mse_loss = loss.cross_entropy, loss.nll_loss, loss.mse_loss
    l1_loss, smooth_l1_loss, huber_loss = loss.l1_loss, loss.smooth_l1_loss, loss.huber_loss
    binary_cross_entropy = loss.binary_cross_entropy
    binary_cross_entropy_with_logits, kl_div = loss.binary_cross_entropy_with_logits, loss.kl_div

    full, zeros = staticmethod(creation.full), staticmethod(creation.zeros)
    ones, empty = staticmethod(creation.ones), staticmethod(creation.empty)
    arange, linspace = staticmethod(creation.arange), staticmethod(creation.linspace)
    eye, from_numpy = staticmethod(creation.eye), staticmethod(creation.from_numpy)
    full_like, zeros_like, ones_like = like.full_like, like.zeros_like, like.ones_like
    empty_like, new_tensor, new_full = like.empty_like, like.new_tensor, like.new_full
    new_zeros, new_ones, new_empty = like.new_zeros, like.new_ones, like.new_empty

    rand, randn = staticmethod(random.rand), staticmethod(random.randn)
    uniform, normal = staticmethod(random.uniform), staticmethod(random.normal)
    randint, randperm = staticmethod(random.randint), staticmethod(random.randperm)
    bernoulli, multinomial, rand_like = draws.bernoulli, draws.multinomial, random.rand_like
    randn_like, randint_like = random.randn_like, random.randint_like

    kaiming_uniform = staticmethod(tinygrad.kaiming_uniform)
    kaiming_normal = staticmethod(tinygrad.kaiming_normal)
    glorot_uniform = staticmethod(tinygrad.glorot_uniform)
    scaled_uniform = staticmethod(tinygrad.scaled_uniform)
    sparse_categorical_crossentropy = tinygrad.sparse_categorical_crossentropy
    binary_crossentropy = tinygrad.binary_crossentropy
    binary_crossentropy_logits, rearrange = tinygrad.binary_crossentropy_logits, tinygrad.rearrange
    sequential, shrink = tinygrad.sequential, tinygrad.shrink

    # -- in place --------------------------------------------------------------------------------

    __iadd__, __isub__, __imul__, __itruediv__ = wr.add_, wr.sub_, wr.mul_, wr.div_
    add_, sub_, mul_, div_, neg_ = wr.add_, wr.sub_, wr.mul_, wr.div_, wr.neg_
    negative_, abs_, absolute_, sign_, sgn_ = wr.negative_, wr.abs_, wr.absolute_, wr.sign_, wr.sgn_
    reciprocal_, square_, sqrt_, rsqrt_ = wr.reciprocal_, wr.square_, wr.sqrt_, wr.rsqrt_
    exp_, exp2_, expm1_, log_, log1p_ = wr.exp_, wr.exp2_, wr.expm1_, wr.log_, wr.log1p_
    log2_, log10_, sin_, cos_, tan_ = wr.log2_, wr.log10_, wr.sin_, wr.cos_, wr.tan_
    floor_, ceil_, trunc_, fix_, frac_ = wr.floor_, wr.ceil_, wr.trunc_, wr.fix_, wr.frac_
    round_, deg2rad_, rad2deg_, bitwise_not_ = wr.round_, wr.deg2rad_, wr.rad2deg_, wr.bitwise_not_
    bitwise_and_, bitwise_or_, bitwise_xor_ = wr.bitwise_and_, wr.bitwise_or_, wr.bitwise_xor_
    bitwise_left_shift_, bitwise_right_shift_ = wr.bitwise_left_shift_, wr.bitwise_right_shift_
    subtract_, multiply_, divide_ = wr.subtract_, wr.multiply_, wr.divide_
    true_divide_, floor_divide_, fmod_ = wr.true_divide_, wr.floor_divide_, wr.fmod_
    remainder_, pow_, float_power_, hypot_ = wr.remainder_, wr.pow_, wr.float_power_, wr.hypot_
    copysign_, nextafter_, ldexp_ = wr.copysign_, wr.nextafter_, wr.ldexp_
    heaviside_, gcd_, lcm_, clamp_, clip_ = wr.heaviside_, wr.gcd_, wr.lcm_, wr.clamp_, wr.clip_
    clamp_min_, clamp_max_, lerp_, addcmul_ = wr.clamp_min_, wr.clamp_max_, wr.lerp_, wr.addcmul_
    addcdiv_, nan_to_num_, masked_fill_ = wr.addcdiv_, wr.nan_to_num_, wr.masked_fill_
    asin_, acos_, atan_, atan2_, sinh_ = wr.asin_, wr.acos_, wr.atan_, wr.atan2_, wr.sinh_
    cosh_, asinh_, acosh_, atanh_, arcsin_ = wr.cosh_, wr.asinh_, wr.acosh_, wr.atanh_, wr.arcsin_
    arccos_, arctan_, arctan2_, arcsinh_ = wr.arccos_, wr.arctan_, wr.arctan2_, wr.arcsinh_
    arccosh_, arctanh_, erf_, erfc_ = wr.arccosh_, wr.arctanh_, wr.erf_, wr.erfc_
    erfinv_, lgamma_, digamma_, polygamma_ = wr.erfinv_, wr.lgamma_, wr.digamma_, wr.polygamma_
    mvlgamma_, i0_, sinc_, xlogy_, logit_ = wr.mvlgamma_, wr.i0_, wr.sinc_, wr.xlogy_, wr.logit_
    lt_, less_, le_, less_equal_, gt_ = wr.lt_, wr.less_, wr.le_, wr.less_equal_, wr.gt_
    greater_, ge_, greater_equal_, eq_, ne_ = wr.greater_, wr.ge_, wr.greater_equal_, wr.eq_, wr.ne_
    not_equal_, logical_and_, logical_or_ = wr.not_equal_, wr.logical_and_, wr.logical_or_
    logical_xor_, logical_not_, relu_ = wr.logical_xor_, wr.logical_not_, wr.relu_
    sigmoid_, tanh_, cumprod_, cumsum_ = wr.sigmoid_, wr.tanh_, wr.cumprod_, wr.cumsum_
    tril_, triu_, renorm_, addmm_, addmv_ = wr.tril_, wr.triu_, wr.renorm_, wr.addmm_, wr.addmv_
    addr_, addbmm_, baddbmm_, scatter_ = wr.addr_, wr.addbmm_, wr.baddbmm_, wr.scatter_
    scatter_add_, scatter_reduce_ = wr.scatter_add_, wr.scatter_reduce_
    index_reduce_, index_add_, index_copy_ = wr.index_reduce_, wr.index_add_, wr.index_copy_
    index_fill_, index_put_, put_ = wr.index_fill_, wr.index_put_, wr.put_
    masked_scatter_, assign, copy_ = wr.masked_scatter_, writing.assign, writing.copy_
    fill_, zero_, uniform_ = writing.fill_, writing.zero_, writing.uniform_
    normal_, squeeze_, unsqueeze_, t_ = writing.normal_, tn.squeeze_, tn.unsqueeze_, tn.t_
    transpose_, swapaxes_, swapdims_ = tn.transpose_, tn.swapaxes_, tn.swapdims_
    detach_, bernoulli_, exponential_ = tn.detach_, wr.bernoulli_, wr.exponential_
    geometric_, cauchy_, random_ = wr.geometric_, wr.cauchy_, wr.random_
    log_normal_, igamma_, igammac_ = wr.log_normal_, wr.igamma_, wr.igammac_
    conj_physical_ = wr.conj_physical_

    # -- dtype and device; last, because inside the class the names of casts hide built-in types -

    to, cpu, cuda, cast = conversion.to, conversion.cpu, conversion.cuda, conversion.cast
    type_as, type = conversion.type_as, alias(conversion.cast, "type")
    bool = conversion.cast_to(dt.bool_, "bool")
    byte, char = conversion.cast_to(dt.uint8, "byte"), conversion.cast_to(dt.int8, "char")
    short, int = conversion.cast_to(dt.int16, "short"), conversion.cast_to(dt.int32, "int")
    long, half = conversion.cast_to(dt.int64, "long"), conversion.cast_to(dt.float16, "half")
    bfloat16 = conversion.cast_to(dt.bfloat16, "bfloat16")
    float = conversion.cast_to(dt.float32, "float")
    double = conversion.cast_to(dt.float64, "double")
