"""The vocabulary: Node -> Node functions, of users' operations and derivative rules alike."""

from lazygrad.lang.activation import centered as centered
from lazygrad.lang.activation import elu as elu
from lazygrad.lang.activation import gelu as gelu
from lazygrad.lang.activation import hardsigmoid as hardsigmoid
from lazygrad.lang.activation import hardswish as hardswish
from lazygrad.lang.activation import hardtanh as hardtanh
from lazygrad.lang.activation import leaky_relu as leaky_relu
from lazygrad.lang.activation import log_softmax as log_softmax
from lazygrad.lang.activation import logsumexp as logsumexp
from lazygrad.lang.activation import mish as mish
from lazygrad.lang.activation import relu as relu
from lazygrad.lang.activation import relu6 as relu6
from lazygrad.lang.activation import selu as selu
from lazygrad.lang.activation import silu as silu
from lazygrad.lang.activation import softmax as softmax
from lazygrad.lang.activation import softsign as softsign
from lazygrad.lang.attention import scaled_dot_product_attention as scaled_dot_product_attention
from lazygrad.lang.comparison import (
    bitwise_and as bitwise_and,
)
from lazygrad.lang.comparison import (
    bitwise_not as bitwise_not,
)
from lazygrad.lang.comparison import (
    bitwise_or as bitwise_or,
)
from lazygrad.lang.comparison import (
    bitwise_xor as bitwise_xor,
)
from lazygrad.lang.comparison import (
    eq as eq,
)
from lazygrad.lang.comparison import (
    ge as ge,
)
from lazygrad.lang.comparison import (
    gt as gt,
)
from lazygrad.lang.comparison import (
    isclose as isclose,
)
from lazygrad.lang.comparison import (
    isfinite as isfinite,
)
from lazygrad.lang.comparison import (
    isinf as isinf,
)
from lazygrad.lang.comparison import (
    isnan as isnan,
)
from lazygrad.lang.comparison import (
    le as le,
)
from lazygrad.lang.comparison import (
    logical_and as logical_and,
)
from lazygrad.lang.comparison import (
    logical_not as logical_not,
)
from lazygrad.lang.comparison import (
    logical_or as logical_or,
)
from lazygrad.lang.comparison import (
    logical_xor as logical_xor,
)
from lazygrad.lang.comparison import (
    lshift as lshift,
)
from lazygrad.lang.comparison import (
    lt as lt,
)
from lazygrad.lang.comparison import (
    ne as ne,
)
from lazygrad.lang.comparison import (
    rshift as rshift,
)
from lazygrad.lang.comparison import (
    to_bool as to_bool,
)
from lazygrad.lang.conv import Window as Window
from lazygrad.lang.conv import avg_pool as avg_pool
from lazygrad.lang.conv import conv as conv
from lazygrad.lang.conv import max_pool as max_pool
from lazygrad.lang.conv import max_pool_with_indices as max_pool_with_indices
from lazygrad.lang.conv import windows as windows
from lazygrad.lang.creation import (
    arange as arange,
)
from lazygrad.lang.creation import (
    default_range_dtype as default_range_dtype,
)
from lazygrad.lang.creation import (
    eye as eye,
)
from lazygrad.lang.creation import (
    full as full,
)
from lazygrad.lang.creation import (
    iota as iota,
)
from lazygrad.lang.creation import (
    linspace as linspace,
)
from lazygrad.lang.creation import (
    positions as positions,
)
from lazygrad.lang.creation import (
    tril as tril,
)
from lazygrad.lang.creation import (
    triu as triu,
)
from lazygrad.lang.elementwise import (
    abs as abs,
)
from lazygrad.lang.elementwise import (
    add as add,
)
from lazygrad.lang.elementwise import (
    clamp as clamp,
)
from lazygrad.lang.elementwise import (
    contiguous as contiguous,
)
from lazygrad.lang.elementwise import (
    copy_to as copy_to,
)
from lazygrad.lang.elementwise import (
    cos as cos,
)
from lazygrad.lang.elementwise import (
    detach as detach,
)
from lazygrad.lang.elementwise import (
    div as div,
)
from lazygrad.lang.elementwise import (
    exp as exp,
)
from lazygrad.lang.elementwise import (
    lerp as lerp,
)
from lazygrad.lang.elementwise import (
    log as log,
)
from lazygrad.lang.elementwise import (
    maximum as maximum,
)
from lazygrad.lang.elementwise import (
    minimum as minimum,
)
from lazygrad.lang.elementwise import (
    mul as mul,
)
from lazygrad.lang.elementwise import (
    neg as neg,
)
from lazygrad.lang.elementwise import (
    reciprocal as reciprocal,
)
from lazygrad.lang.elementwise import (
    rsqrt as rsqrt,
)
from lazygrad.lang.elementwise import (
    sign as sign,
)
from lazygrad.lang.elementwise import (
    sin as sin,
)
from lazygrad.lang.elementwise import (
    sqrt as sqrt,
)
from lazygrad.lang.elementwise import (
    square as square,
)
from lazygrad.lang.elementwise import (
    sub as sub,
)
from lazygrad.lang.elementwise import (
    surrogate as surrogate,
)
from lazygrad.lang.elementwise import (
    tan as tan,
)
from lazygrad.lang.elementwise import (
    where as where,
)
from lazygrad.lang.indexing import embedding as embedding
from lazygrad.lang.indexing import gather as gather
from lazygrad.lang.indexing import getitem as getitem
from lazygrad.lang.indexing import index_select as index_select
from lazygrad.lang.indexing import lookup as lookup
from lazygrad.lang.indexing import one_hot as one_hot
from lazygrad.lang.indexing import take as take
from lazygrad.lang.join import cat as cat
from lazygrad.lang.join import roll as roll
from lazygrad.lang.join import stack as stack
from lazygrad.lang.linalg import bmm as bmm
from lazygrad.lang.linalg import contract as contract
from lazygrad.lang.linalg import dot as dot
from lazygrad.lang.linalg import linear as linear
from lazygrad.lang.linalg import matmul as matmul
from lazygrad.lang.linalg import outer as outer
from lazygrad.lang.loss import binary_cross_entropy as binary_cross_entropy
from lazygrad.lang.loss import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from lazygrad.lang.loss import cross_entropy as cross_entropy
from lazygrad.lang.loss import huber_loss as huber_loss
from lazygrad.lang.loss import kl_div as kl_div
from lazygrad.lang.loss import l1_loss as l1_loss
from lazygrad.lang.loss import mse_loss as mse_loss
from lazygrad.lang.loss import nll_loss as nll_loss
from lazygrad.lang.loss import smooth_l1_loss as smooth_l1_loss
from lazygrad.lang.movement import (
    broadcast_to as broadcast_to,
)
from lazygrad.lang.movement import (
    chunk as chunk,
)
from lazygrad.lang.movement import (
    expand as expand,
)
from lazygrad.lang.movement import (
    flatten as flatten,
)
from lazygrad.lang.movement import (
    flip as flip,
)
from lazygrad.lang.movement import (
    movedim as movedim,
)
from lazygrad.lang.movement import (
    narrow as narrow,
)
from lazygrad.lang.movement import (
    pad as pad,
)
from lazygrad.lang.movement import (
    permute as permute,
)
from lazygrad.lang.movement import (
    repeat as repeat,
)
from lazygrad.lang.movement import (
    reshape as reshape,
)
from lazygrad.lang.movement import (
    shear as shear,
)
from lazygrad.lang.movement import (
    shrink as shrink,
)
from lazygrad.lang.movement import (
    split as split,
)
from lazygrad.lang.movement import (
    squeeze as squeeze,
)
from lazygrad.lang.movement import (
    tile as tile,
)
from lazygrad.lang.movement import (
    transpose as transpose,
)
from lazygrad.lang.movement import (
    unflatten as unflatten,
)
from lazygrad.lang.movement import (
    unsqueeze as unsqueeze,
)
from lazygrad.lang.normalization import batch_moments as batch_moments
from lazygrad.lang.normalization import batch_norm as batch_norm
from lazygrad.lang.normalization import group_norm as group_norm
from lazygrad.lang.normalization import layer_norm as layer_norm
from lazygrad.lang.normalization import standardize as standardize
from lazygrad.lang.operands import Operand as Operand
from lazygrad.lang.operands import as_node as as_node
from lazygrad.lang.operands import cast as cast
from lazygrad.lang.operands import full_like as full_like
from lazygrad.lang.operands import ones_like as ones_like
from lazygrad.lang.operands import zeros_like as zeros_like
from lazygrad.lang.random import bernoulli as bernoulli
from lazygrad.lang.random import dropout as dropout
from lazygrad.lang.random import normal as normal
from lazygrad.lang.random import permutation as permutation
from lazygrad.lang.random import randint as randint
from lazygrad.lang.random import random_bits as random_bits
from lazygrad.lang.random import random_words as random_words
from lazygrad.lang.random import sort_last as sort_last
from lazygrad.lang.random import threefry2x32 as threefry2x32
from lazygrad.lang.random import uniform as uniform
from lazygrad.lang.reduce import (
    all as all,
)
from lazygrad.lang.reduce import (
    amax as amax,
)
from lazygrad.lang.reduce import (
    amin as amin,
)
from lazygrad.lang.reduce import (
    any as any,
)
from lazygrad.lang.reduce import (
    argmax as argmax,
)
from lazygrad.lang.reduce import (
    argmin as argmin,
)
from lazygrad.lang.reduce import (
    cumsum as cumsum,
)
from lazygrad.lang.reduce import (
    max_with_index as max_with_index,
)
from lazygrad.lang.reduce import (
    mean as mean,
)
from lazygrad.lang.reduce import (
    min_with_index as min_with_index,
)
from lazygrad.lang.reduce import (
    prod as prod,
)
from lazygrad.lang.reduce import (
    std as std,
)
from lazygrad.lang.reduce import (
    sum as sum,
)
from lazygrad.lang.reduce import (
    sum_to as sum_to,
)
from lazygrad.lang.reduce import (
    var as var,
)
from lazygrad.lang.rounding import (
    ceil as ceil,
)
from lazygrad.lang.rounding import (
    floor as floor,
)
from lazygrad.lang.rounding import (
    floor_divide as floor_divide,
)
from lazygrad.lang.rounding import (
    fmod as fmod,
)
from lazygrad.lang.rounding import (
    frac as frac,
)
from lazygrad.lang.rounding import (
    remainder as remainder,
)
from lazygrad.lang.rounding import (
    round as round,
)
from lazygrad.lang.rounding import (
    trunc as trunc,
)
from lazygrad.lang.rounding import (
    trunc_divide as trunc_divide,
)
from lazygrad.lang.transcendental import erf as erf
from lazygrad.lang.transcendental import expm1 as expm1
from lazygrad.lang.transcendental import log1p as log1p
from lazygrad.lang.transcendental import log2 as log2
from lazygrad.lang.transcendental import log10 as log10
from lazygrad.lang.transcendental import logaddexp as logaddexp
from lazygrad.lang.transcendental import logsigmoid as logsigmoid
from lazygrad.lang.transcendental import pow as pow
from lazygrad.lang.transcendental import sigmoid as sigmoid
from lazygrad.lang.transcendental import softplus as softplus
from lazygrad.lang.transcendental import tanh as tanh
