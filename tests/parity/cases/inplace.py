"""Functions in place, each on a copy; they return the tensor that they write to."""

from tests.parity.case import Case, booleans, exactly, integers, normal, uniform

MAPS = (
    "abs_", "absolute_", "neg_", "negative_", "sign_", "sgn_", "square_", "exp_", "exp2_", "expm1_",
    "sin_", "cos_", "tan_", "floor_", "ceil_", "trunc_", "fix_", "frac_", "round_", "deg2rad_",
    "rad2deg_", "atan_", "arctan_", "sinh_", "cosh_", "asinh_", "arcsinh_", "erf_", "erfc_", "i0_",
    "sinc_", "relu_", "conj_physical_", "sigmoid_", "tanh_", "logical_not_", "nan_to_num_",
)  # fmt: skip
INSIDE = (
    "reciprocal_", "sqrt_", "rsqrt_", "log_", "log1p_", "log2_", "log10_", "asin_", "arcsin_",
    "acos_", "arccos_", "atanh_", "arctanh_", "erfinv_", "lgamma_", "digamma_", "logit_",
)  # fmt: skip
PAIRS = (
    "add_", "sub_", "subtract_", "mul_", "multiply_", "div_", "divide_", "true_divide_", "fmod_",
    "remainder_", "floor_divide_", "pow_", "hypot_", "copysign_", "nextafter_", "ldexp_",
    "heaviside_", "atan2_", "arctan2_", "xlogy_", "clamp_min_", "clamp_max_", "lt_", "less_", "le_",
    "less_equal_", "gt_", "greater_", "ge_", "greater_equal_", "eq_", "ne_", "not_equal_",
    "logical_and_", "logical_or_", "logical_xor_",
)  # fmt: skip
BITS = ("bitwise_and_", "bitwise_or_", "bitwise_xor_", "bitwise_left_shift_",
        "bitwise_right_shift_", "gcd_", "lcm_")  # fmt: skip
SQUARE, ROW = normal(3, 3), normal(3)


def written(name: str, *rest):
    """Calls it on a copy, whose value is what the call returns, and is shown by views of it."""

    def call(T, x, *others):
        copy = x.clone()
        view = copy[:1]
        found = getattr(copy, name)(*others, *rest)
        return [found is copy, copy, view]

    return call


def shown_still(T, x):
    """A view that was turned in place shows what is written to the other one, and back."""
    whole = x.clone()
    part = whole.view(-1)
    whole.t_()[0].fill_(7.0)
    part.unsqueeze_(0)[0, -1].zero_()
    return [whole, part]


CASES = [
    *[Case(name, written(name), [normal(4)], order=0) for name in MAPS],
    *[Case(name, written(name), [uniform(0.2, 0.8, 4)], order=0) for name in INSIDE],
    *[Case(name, written(name), [uniform(1.2, 3, 4)], order=0) for name in ("acosh_", "arccosh_")],
    *[Case(name, written(name), [uniform(0.5, 2, 2, 3), uniform(0.5, 2, 3)], order=0)
      for name in PAIRS],
    *[Case(name, written(name), [integers(0, 40, 3), integers(0, 5, 3)]) for name in BITS],
    Case("bitwise_not_", written("bitwise_not_"), [integers(0, 40, 3)]),
    Case("float_power_", written("float_power_", 2), [uniform(0.5, 2, 3)], 0, ("float64",)),
    Case("polygamma_", written("polygamma_", 1), [uniform(0.5, 2, 3)], 0, rtol=1e-4),
    Case("mvlgamma_", written("mvlgamma_", 2), [uniform(2, 4, 3)], 0, rtol=1e-4),
    Case("clamp_", written("clamp_", -0.5, 0.5), [ROW], order=0),
    Case("clip_", written("clip_", None, 0.5), [ROW], order=0),
    Case("lerp_", written("lerp_", 0.7), [ROW, normal(3)], order=0),
    Case("addcmul_", written("addcmul_"), [SQUARE, ROW, ROW], order=0),
    Case("addcdiv_", written("addcdiv_"), [SQUARE, ROW, uniform(0.5, 2, 3)], order=0),
    Case("cumsum_", written("cumsum_", 0), [SQUARE], order=0),
    Case("cumprod_", written("cumprod_", 1), [SQUARE], order=0),
    Case("renorm_", written("renorm_", 2, 0, 1.0), [SQUARE], order=0),
    Case("tril_", written("tril_"), [SQUARE], order=0),
    Case("triu_", written("triu_", 1), [SQUARE], order=0),
    Case("masked_fill_", written("masked_fill_", 2.0), [SQUARE, booleans(3, 3)], order=0),
    Case("addmm_", written("addmm_"), [SQUARE, normal(3, 2), normal(2, 3)], order=0),
    Case("addmv_", written("addmv_"), [ROW, normal(3, 2), normal(2)], order=0),
    Case("addr_", written("addr_"), [SQUARE, ROW, ROW], order=0),
    Case("addbmm_", written("addbmm_"), [SQUARE, normal(2, 3, 2), normal(2, 2, 3)], order=0),
    Case("baddbmm_", written("baddbmm_"), [normal(2, 3, 3), normal(2, 3, 2), normal(2, 2, 3)], 0),
    Case("fill_diagonal_", written("fill_diagonal_", 3.0), [normal(3, 3)], order=0),
    Case("fill_diagonal_, wrap", lambda T, x: x.clone().fill_diagonal_(3.0, wrap=True),
         [normal(9, 2)], order=0),
    Case("views in place", lambda T, x: (x * 2).unsqueeze_(0).transpose_(0, 1).squeeze_(1).t_(),
         [normal(3, 4)]),
    Case("axes in place", lambda T, x: [(x * 2).swapaxes_(0, 1), (x * 2).swapdims_(0, 1),
                                        (x * 2).detach_().requires_grad], [normal(3, 4)], order=1),
    Case("written through a view in place", shown_still, [normal(3, 4)], order=0),
    Case("fill_, zero_", lambda T, x: [T.fill_(x.clone(), 2.0), T.zero_(x.clone())], [ROW], 0),
    Case("derivatives", lambda T, x: (x * 2).add_(x).mul_(3).exp(), [ROW]),
    Case("functions", lambda T, x: [T.exp_(x.clone()), T.sqrt_(x.clone()), T.relu_(x.clone())],
         [uniform(0.5, 2, 3)], order=0),
    Case("integers", lambda T, x: [x.clone().add_(2), x.clone().clamp_(0, 2), x.clone().eq_(1)],
         [exactly([-1, 1, 5])]),
]  # fmt: skip
