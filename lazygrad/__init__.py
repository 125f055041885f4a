"""lazygrad: a small lazy tensor library with pluggable backends."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lazygrad import interrupts as interrupts  # before what takes long to import

# isort: split
from lazygrad import (
    accelerator as accelerator,
    backends as backends,
    cuda as cuda,
    errors as errors,
    nn as nn,
    optim as optim,
    random as random,
    utils as utils,
)
from lazygrad.backward import (
    grad as grad,
)
from lazygrad.config import (
    config as config,
)
from lazygrad.constants import (
    Size as Size,
    bool as bool,
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    contiguous_format as contiguous_format,
    double as double,
    dtype as dtype,
    e as e,
    float as float,
    half as half,
    inf as inf,
    int as int,
    long as long,
    nan as nan,
    newaxis as newaxis,
    pi as pi,
    preserve_format as preserve_format,
    short as short,
    strided as strided,
)
from lazygrad.defaults import (
    get_default_device as get_default_device,
    get_default_dtype as get_default_dtype,
    set_default_device as set_default_device,
    set_default_dtype as set_default_dtype,
)
from lazygrad.element_types import (
    DType as DType,
    bfloat16 as bfloat16,
    bool_ as bool_,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from lazygrad.exchange import from_dlpack as from_dlpack
from lazygrad.functional.activation import (
    celu as celu,
    hardshrink as hardshrink,
    log_softmax as log_softmax,
    prelu as prelu,
    relu as relu,
    rrelu as rrelu,
    selu as selu,
    sigmoid as sigmoid,
    softmax as softmax,
    tanh as tanh,
    threshold as threshold,
)
from lazygrad.functional.bilinear import (
    bilinear as bilinear,
)
from lazygrad.functional.compare import (
    allclose as allclose,
    eq as eq,
    equal as equal,
    ge as ge,
    greater as greater,
    greater_equal as greater_equal,
    gt as gt,
    isclose as isclose,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    isneginf as isneginf,
    isposinf as isposinf,
    isreal as isreal,
    le as le,
    less as less,
    less_equal as less_equal,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    lt as lt,
    ne as ne,
    not_equal as not_equal,
    where as where,
)
from lazygrad.functional.copies import (
    alias_copy as alias_copy,
    as_strided_copy as as_strided_copy,
    detach as detach,
    detach_copy as detach_copy,
    diagonal_copy as diagonal_copy,
    expand_copy as expand_copy,
    narrow_copy as narrow_copy,
    permute_copy as permute_copy,
    select_copy as select_copy,
    slice_copy as slice_copy,
    split_copy as split_copy,
    split_with_sizes_copy as split_with_sizes_copy,
    squeeze_copy as squeeze_copy,
    t_copy as t_copy,
    transpose_copy as transpose_copy,
    unbind_copy as unbind_copy,
    unfold_copy as unfold_copy,
    unsqueeze_copy as unsqueeze_copy,
    view_copy as view_copy,
)
from lazygrad.functional.counting import (
    bincount as bincount,
    bucketize as bucketize,
    histc as histc,
    histogram as histogram,
    isin as isin,
    searchsorted as searchsorted,
)
from lazygrad.functional.creation import (
    arange as arange,
    as_tensor as as_tensor,
    asarray as asarray,
    empty as empty,
    eye as eye,
    from_numpy as from_numpy,
    frombuffer as frombuffer,
    full as full,
    linspace as linspace,
    logspace as logspace,
    ones as ones,
    range as range,
    scalar_tensor as scalar_tensor,
    tensor as tensor,
    tril_indices as tril_indices,
    triu_indices as triu_indices,
    zeros as zeros,
)
from lazygrad.functional.diagonals import (
    diag as diag,
    diag_embed as diag_embed,
    diagflat as diagflat,
    diagonal as diagonal,
    diagonal_scatter as diagonal_scatter,
)
from lazygrad.functional.distance import (
    cdist as cdist,
    cosine_similarity as cosine_similarity,
    dist as dist,
    norm as norm,
    pairwise_distance as pairwise_distance,
    pdist as pdist,
    renorm as renorm,
)
from lazygrad.functional.draws import (
    bernoulli as bernoulli,
    binomial as binomial,
    multinomial as multinomial,
    normal as normal,
    poisson as poisson,
    randint as randint,
    randint_like as randint_like,
)
from lazygrad.functional.dropout import (
    dropout as dropout,
)
from lazygrad.functional.einsum import (
    einsum as einsum,
)
from lazygrad.functional.elementwise import (
    abs as abs,
    absolute as absolute,
    add as add,
    addcdiv as addcdiv,
    addcmul as addcmul,
    bitwise_and as bitwise_and,
    bitwise_left_shift as bitwise_left_shift,
    bitwise_not as bitwise_not,
    bitwise_or as bitwise_or,
    bitwise_right_shift as bitwise_right_shift,
    bitwise_xor as bitwise_xor,
    ceil as ceil,
    clamp as clamp,
    clamp_max as clamp_max,
    clamp_min as clamp_min,
    clip as clip,
    copysign as copysign,
    cos as cos,
    deg2rad as deg2rad,
    div as div,
    divide as divide,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    fix as fix,
    float_power as float_power,
    floor as floor,
    floor_divide as floor_divide,
    fmax as fmax,
    fmin as fmin,
    fmod as fmod,
    frac as frac,
    frexp as frexp,
    gcd as gcd,
    heaviside as heaviside,
    hypot as hypot,
    lcm as lcm,
    ldexp as ldexp,
    lerp as lerp,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    masked_fill as masked_fill,
    maximum as maximum,
    minimum as minimum,
    mul as mul,
    multiply as multiply,
    nan_to_num as nan_to_num,
    neg as neg,
    negative as negative,
    nextafter as nextafter,
    positive as positive,
    pow as pow,
    rad2deg as rad2deg,
    reciprocal as reciprocal,
    remainder as remainder,
    round as round,
    rsqrt as rsqrt,
    rsub as rsub,
    sgn as sgn,
    sign as sign,
    signbit as signbit,
    sin as sin,
    sqrt as sqrt,
    square as square,
    sub as sub,
    subtract as subtract,
    tan as tan,
    true_divide as true_divide,
    trunc as trunc,
)
from lazygrad.functional.factors import (
    cholesky as cholesky,
    cholesky_inverse as cholesky_inverse,
    cholesky_solve as cholesky_solve,
    inverse as inverse,
    lu as lu,
    lu_solve as lu_solve,
    lu_unpack as lu_unpack,
    pca_lowrank as pca_lowrank,
    pinverse as pinverse,
    qr as qr,
    svd as svd,
    svd_lowrank as svd_lowrank,
    triangular_solve as triangular_solve,
)
from lazygrad.functional.facts import (
    can_cast as can_cast,
    get_device as get_device,
    is_complex as is_complex,
    is_floating_point as is_floating_point,
    is_nonzero as is_nonzero,
    is_same_size as is_same_size,
    is_signed as is_signed,
    is_tensor as is_tensor,
    numel as numel,
    promote_types as promote_types,
    result_type as result_type,
)
from lazygrad.functional.indexing import (
    gather as gather,
    index_select as index_select,
)
from lazygrad.functional.joining import (
    atleast_1d as atleast_1d,
    atleast_2d as atleast_2d,
    atleast_3d as atleast_3d,
    block_diag as block_diag,
    broadcast_shapes as broadcast_shapes,
    broadcast_tensors as broadcast_tensors,
    cartesian_prod as cartesian_prod,
    cat as cat,
    column_stack as column_stack,
    combinations as combinations,
    concat as concat,
    concatenate as concatenate,
    dstack as dstack,
    hstack as hstack,
    meshgrid as meshgrid,
    row_stack as row_stack,
    stack as stack,
    vstack as vstack,
)
from lazygrad.functional.like import (
    empty_like as empty_like,
    full_like as full_like,
    ones_like as ones_like,
    zeros_like as zeros_like,
)
from lazygrad.functional.linalg import (
    addbmm as addbmm,
    addmm as addmm,
    addmv as addmv,
    addr as addr,
    baddbmm as baddbmm,
    bmm as bmm,
    chain_matmul as chain_matmul,
    cross as cross,
    dot as dot,
    ger as ger,
    inner as inner,
    kron as kron,
    matmul as matmul,
    matrix_power as matrix_power,
    mm as mm,
    mv as mv,
    outer as outer,
    tensordot as tensordot,
    trace as trace,
    vander as vander,
    vdot as vdot,
)
from lazygrad.functional.movement import (
    as_strided as as_strided,
    clone as clone,
    flip as flip,
    fliplr as fliplr,
    flipud as flipud,
    repeat_interleave as repeat_interleave,
    roll as roll,
    rot90 as rot90,
    tile as tile,
    tril as tril,
    triu as triu,
)
from lazygrad.functional.normalization import (
    group_norm as group_norm,
    layer_norm as layer_norm,
    rms_norm as rms_norm,
)
from lazygrad.functional.pool import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    avg_pool1d as avg_pool1d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from lazygrad.functional.random import (
    rand as rand,
    rand_like as rand_like,
    randn as randn,
    randn_like as randn_like,
    randperm as randperm,
)
from lazygrad.functional.reals import (
    adjoint as adjoint,
    angle as angle,
    conj as conj,
    conj_physical as conj_physical,
    is_conj as is_conj,
    is_neg as is_neg,
    real as real,
    resolve_conj as resolve_conj,
    resolve_neg as resolve_neg,
)
from lazygrad.functional.reduce import (
    all as all,
    amax as amax,
    amin as amin,
    any as any,
    argmax as argmax,
    argmin as argmin,
    cumsum as cumsum,
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    prod as prod,
    std as std,
    sum as sum,
    var as var,
)
from lazygrad.functional.scans import (
    cummax as cummax,
    cummin as cummin,
    cumprod as cumprod,
    cumulative_trapezoid as cumulative_trapezoid,
    diff as diff,
    gradient as gradient,
    logcumsumexp as logcumsumexp,
    trapezoid as trapezoid,
    trapz as trapz,
)
from lazygrad.functional.scatter import (
    as_strided_scatter as as_strided_scatter,
    index_add as index_add,
    index_copy as index_copy,
    index_fill as index_fill,
    index_put as index_put,
    index_reduce as index_reduce,
    masked_scatter as masked_scatter,
    put as put,
    scatter as scatter,
    scatter_add as scatter_add,
    scatter_reduce as scatter_reduce,
    select_scatter as select_scatter,
    slice_scatter as slice_scatter,
)
from lazygrad.functional.selecting import (
    argwhere as argwhere,
    masked_select as masked_select,
    nonzero as nonzero,
    nonzero_static as nonzero_static,
    take as take,
    take_along_dim as take_along_dim,
    unique as unique,
    unique_consecutive as unique_consecutive,
    unravel_index as unravel_index,
)
from lazygrad.functional.shuffle import (
    channel_shuffle as channel_shuffle,
    pixel_shuffle as pixel_shuffle,
    pixel_unshuffle as pixel_unshuffle,
)
from lazygrad.functional.solving import (
    det as det,
    logdet as logdet,
    slogdet as slogdet,
)
from lazygrad.functional.sorting import (
    argsort as argsort,
    kthvalue as kthvalue,
    median as median,
    mode as mode,
    msort as msort,
    nanmedian as nanmedian,
    nanquantile as nanquantile,
    quantile as quantile,
    sort as sort,
    topk as topk,
)
from lazygrad.functional.special import (
    digamma as digamma,
    erf as erf,
    erfc as erfc,
    erfinv as erfinv,
    i0 as i0,
    igamma as igamma,
    igammac as igammac,
    lgamma as lgamma,
    logit as logit,
    mvlgamma as mvlgamma,
    polygamma as polygamma,
    sinc as sinc,
    xlogy as xlogy,
)
from lazygrad.functional.spectra import (
    matrix_exp as matrix_exp,
)
from lazygrad.functional.splitting import (
    chunk as chunk,
    dsplit as dsplit,
    hsplit as hsplit,
    split as split,
    split_with_sizes as split_with_sizes,
    tensor_split as tensor_split,
    unbind as unbind,
    unsafe_chunk as unsafe_chunk,
    unsafe_split as unsafe_split,
    unsafe_split_with_sizes as unsafe_split_with_sizes,
    vsplit as vsplit,
)
from lazygrad.functional.statistics import (
    aminmax as aminmax,
    corrcoef as corrcoef,
    count_nonzero as count_nonzero,
    cov as cov,
    nanmean as nanmean,
    nansum as nansum,
    std_mean as std_mean,
    var_mean as var_mean,
)
from lazygrad.functional.trigonometry import (
    acos as acos,
    acosh as acosh,
    arccos as arccos,
    arccosh as arccosh,
    arcsin as arcsin,
    arcsinh as arcsinh,
    arctan as arctan,
    arctan2 as arctan2,
    arctanh as arctanh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cosh as cosh,
    sinh as sinh,
)
from lazygrad.functional.views import (
    broadcast_to as broadcast_to,
    flatten as flatten,
    moveaxis as moveaxis,
    movedim as movedim,
    narrow as narrow,
    permute as permute,
    ravel as ravel,
    reshape as reshape,
    select as select,
    squeeze as squeeze,
    swapaxes as swapaxes,
    swapdims as swapdims,
    t as t,
    transpose as transpose,
    unflatten as unflatten,
    unsqueeze as unsqueeze,
)
from lazygrad.functional.window_functions import (
    bartlett_window as bartlett_window,
    blackman_window as blackman_window,
    hamming_window as hamming_window,
    hann_window as hann_window,
    kaiser_window as kaiser_window,
)
from lazygrad.functional.windows import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from lazygrad.generator import (
    Generator as Generator,
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from lazygrad.inplace import (
    fill_ as fill_,
    zero_ as zero_,
)
from lazygrad.jit import (
    jit as jit,
)
from lazygrad.limits import (
    finfo as finfo,
    iinfo as iinfo,
)
from lazygrad.modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from lazygrad.names import (
    listing as _listing,
    lookup as _lookup,
)
from lazygrad.nn.state import (
    load_state as load_state,
    save_state as save_state,
)
from lazygrad.runtime import watching as _watching
from lazygrad.runtime.devices import (
    device as device,
)
from lazygrad.runtime.executor import (
    synchronize as synchronize,
)
from lazygrad.tensor_class import (
    Tensor as Tensor,
)
from lazygrad.tinygrad import Device as Device, TinyJit as TinyJit, dtypes as dtypes
from lazygrad.turns import (
    detach_ as detach_,
)
from lazygrad.written import (
    abs_ as abs_,
    acos_ as acos_,
    acosh_ as acosh_,
    addmv_ as addmv_,
    arccos_ as arccos_,
    arccosh_ as arccosh_,
    arcsin_ as arcsin_,
    arcsinh_ as arcsinh_,
    arctan_ as arctan_,
    arctanh_ as arctanh_,
    asin_ as asin_,
    asinh_ as asinh_,
    atan_ as atan_,
    atanh_ as atanh_,
    ceil_ as ceil_,
    celu_ as celu_,
    clamp_ as clamp_,
    clamp_max_ as clamp_max_,
    clamp_min_ as clamp_min_,
    clip_ as clip_,
    cos_ as cos_,
    cosh_ as cosh_,
    deg2rad_ as deg2rad_,
    erf_ as erf_,
    erfc_ as erfc_,
    exp2_ as exp2_,
    exp_ as exp_,
    expm1_ as expm1_,
    fix_ as fix_,
    floor_ as floor_,
    frac_ as frac_,
    gcd_ as gcd_,
    i0_ as i0_,
    index_put_ as index_put_,
    lcm_ as lcm_,
    ldexp_ as ldexp_,
    log1p_ as log1p_,
    log2_ as log2_,
    log10_ as log10_,
    log_ as log_,
    logit_ as logit_,
    nan_to_num_ as nan_to_num_,
    neg_ as neg_,
    negative_ as negative_,
    rad2deg_ as rad2deg_,
    reciprocal_ as reciprocal_,
    relu_ as relu_,
    round_ as round_,
    rrelu_ as rrelu_,
    rsqrt_ as rsqrt_,
    selu_ as selu_,
    sigmoid_ as sigmoid_,
    sin_ as sin_,
    sinc_ as sinc_,
    sinh_ as sinh_,
    sqrt_ as sqrt_,
    square_ as square_,
    tan_ as tan_,
    tanh_ as tanh_,
    threshold_ as threshold_,
    trunc_ as trunc_,
    xlogy_ as xlogy_,
)

__version__ = "0.1.0"


def _watcher() -> _watching.Watcher:
    """Who is told of what is planned and run, once a setting asks for it."""
    from lazygrad.inspect.watch import Watch

    return Watch()


_watching.makers.append(_watcher)

# Not imported before they are used: modules, and names out of modules. Type checkers read of them
# below.
PARTS = (
    "amp", "array_api", "autograd", "data", "distributions", "fft", "func", "implicit", "inspect",
    "linalg", "onnx", "serialization", "special", "testing",
)  # fmt: skip
MEMBERS = {
    "autocast": "lazygrad.amp",
    "expect_kernels": "lazygrad.inspect.expect",
    "get_autocast_dtype": "lazygrad.amp",
    "is_autocast_enabled": "lazygrad.amp",
    "load": "lazygrad.serialization",
    "profile": "lazygrad.inspect.profiling",
    "save": "lazygrad.serialization",
    "vmap": "lazygrad.func",
}
__getattr__ = _lookup("lazygrad", "torch", globals(), PARTS, MEMBERS)
__dir__ = _listing(globals(), PARTS, MEMBERS)

if _TYPE_CHECKING:
    from lazygrad import (
        amp as amp,
        array_api as array_api,
        autograd as autograd,
        data as data,
        distributions as distributions,
        fft as fft,
        func as func,
        implicit as implicit,
        inspect as inspect,
        linalg as linalg,
        onnx as onnx,
        serialization as serialization,
        special as special,
    )
    from lazygrad.amp import (
        autocast as autocast,
        get_autocast_dtype as get_autocast_dtype,
        is_autocast_enabled as is_autocast_enabled,
    )
    from lazygrad.func import vmap as vmap
    from lazygrad.inspect.expect import expect_kernels as expect_kernels
    from lazygrad.inspect.profiling import profile as profile
    from lazygrad.serialization import load as load, save as save
