"""Derivatives of what users write: the vocabulary, differentiated twice in both modes."""

import numpy as np
import pytest

from lazygrad.lang import (
    activation,
    conv,
    elementwise,
    indexing,
    join,
    linalg,
    loss,
    movement,
    normalization,
    pool,
    reduce,
    transcendental,
)
from lazygrad.testing.gradcheck import check_graph_grads, constant

RNG = np.random.default_rng(11)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.5, 2.0, shape)


INDEX = constant(np.array([2, 0, 2], np.int64))
LABELS = constant(np.array([1, 0, 3], np.int64))

CASES = {
    "tanh": (transcendental.tanh, [normal(4)]),
    "sigmoid": (transcendental.sigmoid, [normal(4)]),
    "gelu": (activation.gelu, [normal(4)]),
    "gelu_tanh": (lambda x: activation.gelu(x, "tanh"), [normal(4)]),
    "erf": (transcendental.erf, [normal(4)]),
    "expm1": (transcendental.expm1, [normal(4)]),
    "log1p": (transcendental.log1p, [positive(4)]),
    "pow": (transcendental.pow, [positive(3), normal(3)]),
    "cos": (elementwise.cos, [normal(3)]),
    "rsqrt": (elementwise.rsqrt, [positive(3)]),
    "mean": (lambda x: reduce.mean(x, 1), [normal(3, 4)]),
    "var": (lambda x: reduce.var(x, 1), [normal(3, 4)]),
    "std": (lambda x: reduce.std(x, (0, 1)), [normal(3, 4)]),
    "prod": (lambda x: reduce.prod(x, 1), [normal(2, 11)]),
    "cumsum": (lambda x: reduce.cumsum(x, 0), [normal(70, 2)]),
    "amax": (lambda x: reduce.amax(x, 0), [normal(3, 4)]),
    "amin": (lambda x: reduce.amin(x, 1), [normal(3, 4)]),
    "max": (lambda x: reduce.max_with_index(x, 1)[0], [normal(3, 4)]),
    "logsumexp": (lambda x: activation.logsumexp(x, 1), [normal(3, 4)]),
    "softmax": (lambda x: activation.softmax(x, -1), [normal(3, 4)]),
    "log_softmax": (lambda x: activation.log_softmax(x, 0), [normal(3, 4)]),
    "matmul": (linalg.matmul, [normal(2, 3, 4), normal(4, 2)]),
    "linear": (linalg.linear, [normal(2, 3), normal(4, 3), normal(4)]),
    "conv2d": (
        lambda x, w, b: conv.conv("conv2d", x, w, b, 2, (2, 1), (1, 2), (1, 2)),
        [normal(2, 2, 5, 6), normal(3, 2, 3, 2), normal(3)],
    ),
    "conv2d_groups": (
        lambda x, w: conv.conv("conv2d", x, w, None, 2, groups=2),
        [normal(1, 4, 4, 4), normal(2, 2, 3, 3)],
    ),
    "max_pool2d": (lambda x: pool.max_pool("max_pool2d", x, 2, 3, 2, 1), [normal(1, 2, 5, 6)]),
    "avg_pool2d": (lambda x: pool.avg_pool("avg_pool2d", x, 2, 2, 1), [normal(1, 2, 4, 4)]),
    "layer_norm": (normalization.layer_norm, [normal(3, 4), (4,), normal(4), normal(4)]),
    "cross_entropy": (lambda x: loss.cross_entropy(x, LABELS), [normal(3, 4)]),
    "label_smoothing": (
        lambda x: loss.cross_entropy(x, LABELS, label_smoothing=0.1),
        [normal(3, 4)],
    ),
    "embedding": (lambda w: indexing.embedding(w, INDEX), [normal(4, 3)]),
    "gather": (lambda x: indexing.gather(x, 1, movement.reshape(INDEX, (3, 1))), [normal(3, 4)]),
    "getitem": (lambda x: indexing.getitem(x, (slice(None, None, -2), 1)), [normal(5, 3)]),
    "cat": (lambda x, y: join.cat([x, y], 1), [normal(2, 3), normal(2, 1)]),
    "repeat": (lambda x: movement.repeat(x, (2, 3)), [normal(2, 2)]),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_agree_with_differences(name):
    function, args = CASES[name]
    arrays = [arg for arg in args if isinstance(arg, np.ndarray)]

    def graph(inputs):
        given = iter(inputs)
        return [function(*(next(given) if isinstance(arg, np.ndarray) else arg for arg in args))]

    check_graph_grads(graph, arrays, order=2)
