"""The table of public methods: who makes a line that calls one, and what the line means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.program import Maker

Make = Callable[[Maker, str], object]


@dataclass(frozen=True)
class Row:
    """How lines that call one method are made; ``smooth`` rows may be differentiated."""

    name: str
    make: Make
    smooth: bool
    weight: float


ROWS: dict[str, Row] = {}


def row(*names: str, smooth: bool = False, weight: float = 1.0) -> Callable[[Make], Make]:
    """Registers the maker of lines that call these methods, which share one weight."""

    def register(make: Make) -> Make:
        for name in names:
            if name in ROWS:
                raise ValueError(f"{name} has two rows")
            ROWS[name] = Row(name, make, smooth, weight / len(names))
        return make

    return register


# Public names that no line calls, and why.
_FACT = "a fact that is compared for every value"
_RANDOM = "its values are drawn: their distribution and bits have tests of their own"
_GRADIENT = "how derivatives are taken, which gradient programs do"
_HOST = "how values are read back"
_MEMORY = "where a value is, and who else sees it"
_COMPOSED = "other functions under tinygrad's names, which have tests of their own"
EXCLUDED: dict[str, str] = {
    **dict.fromkeys(
        ("dim", "numel", "nelement", "size", "element_size", "is_floating_point", "is_leaf",
         "requires_grad", "__len__"), _FACT),
    **dict.fromkeys(
        ("rand", "randn", "uniform", "normal", "randint", "randperm", "rand_like", "randn_like",
         "randint_like", "uniform_", "normal_", "dropout", "bernoulli", "bernoulli_", "cauchy_",
         "exponential_", "geometric_", "log_normal_", "multinomial", "random_", "glorot_uniform",
         "kaiming_normal", "kaiming_uniform", "scaled_uniform"), _RANDOM),
    **dict.fromkeys(("backward", "grad", "requires_grad_"), _GRADIENT),
    **dict.fromkeys(
        ("numpy", "realize", "__array__", "__repr__", "__deepcopy__", "__hash__", "__dlpack__",
         "__dlpack_device__", "__array_namespace__", "__complex__", "to_device", "__format__",
         "__reduce_ex__", "__round__"), _HOST),
    **dict.fromkeys(
        ("cpu", "cuda", "get_device", "is_inference", "is_pinned", "is_shared", "pin_memory",
         "share_memory_"), _MEMORY),
    **dict.fromkeys(
        ("binary_crossentropy", "binary_crossentropy_logits", "rearrange", "shrink",
         "sparse_categorical_crossentropy"), _COMPOSED),
    "__init__": "makes every leaf",
    "__iter__": "as unbind",
    "__getattr__": "answers for names that are not there",
    "__setitem__": "compared with NumPy's for every kind of key",
    "__array_ufunc__": "has NumPy leave operators to the tensor",
}  # fmt: skip
