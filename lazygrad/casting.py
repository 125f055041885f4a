"""Which functions ``autocast`` computes in which precision. The lists are PyTorch's for CUDA."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

HALF, SINGLE = "half", "single"
FUNCTIONS = "lazygrad.functional"  # where those functions stand

# Products: what they add up is added in float32 anyway.
PRODUCTS = """
    matmul mm mv bmm addmm addmv addbmm addr baddbmm einsum tensordot inner chain_matmul multi_dot
    linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d prelu
    scaled_dot_product_attention
"""
# What loses too much, or too soon leaves what half precision holds.
DELICATE = """
    acos asin cosh sinh tan erfinv exp expm1 log log10 log1p log2 pow reciprocal rsqrt
    sum prod cumsum cumprod norm dist cdist renorm cosine_similarity normalize
    softmax log_softmax softmin softplus layer_norm group_norm rms_norm
    binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy
    hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss
    multi_margin_loss multilabel_margin_loss nll_loss poisson_nll_loss smooth_l1_loss
    soft_margin_loss triplet_margin_loss gaussian_nll_loss
"""
ROLES = dict.fromkeys(PRODUCTS.split(), HALF) | dict.fromkeys(DELICATE.split(), SINGLE)

Cast = Callable[[str, tuple[Any, ...], Mapping[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]


class Now(NamedTuple):
    """An ``autocast`` that is in effect.

    Attributes:
        key: what a plan that was made under it depends on.
        cast: brings a function's arguments to the precision of its role.
    """

    key: str
    cast: Cast


class Casting(threading.local):
    """What is in effect on this thread."""

    now: Now | None = None


casting = Casting()


def role_of(function: Callable[..., Any]) -> str | None:
    """What ``autocast`` does with a public function."""
    if not str(function.__module__).startswith(FUNCTIONS):
        return None
    return ROLES.get(function.__name__)
