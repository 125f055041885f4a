"""Functions of floats that CPUs compute in fewer instructions than their drivers' built-in ones:
the argument near 0, a polynomial, and what was taken away comes back. By ``fma``, without tables or
branches, so that the vectors of a tile overlap; the same for vectors of any width and for scalars.

The greatest errors in units of the last place: EXP 1.01 and TANH 2.54, over all float32; SIN 1.74,
over a 16th of those up to 2**20, behind which it is the built-in one. Subnormal results are rounded
once, zeros keep their signs. Polynomials are minimax, by Remez's exchange. Doubles, and GPUs, have
the built-in functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import NamedTuple

# Where fma is a function call, built-in functions are faster.
FAST = "#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)"

# 1.5 * 2**23: a float of which one unit is 1, so that a sum with it ends with a whole number.
ROUND = """\
#define ROUNDING 12582912.0f  // of this size floats are whole: the last bits of sums are the number
"""

# Two factors, because the power alone may be none of the floats. AVX-512 has an instruction for it.
SCALE = """\
INLINED {f} SCALED_{f}({f} x, {f} rounded) {{  // x * 2^n; rounded: n + ROUNDING
  const {i} n = as_{i}(rounded);
  const {i} half_ = (n << 22) & (int)0xff800000;
  return x * as_{f}(half_ + 0x3f800000) * as_{f}((n << 23) - half_ + 0x3f800000);
}}
"""
SCALE_AT_ONCE = """\
#if defined(__AVX512F__)
typedef float whole_register __attribute__((vector_size(64)));
INLINED float16 SCALED_float16(float16 x, float16 rounded) {
  const float16 n = rounded - ROUNDING;
  const whole_register a = __builtin_astype(x, whole_register);
  const whole_register b = __builtin_astype(n, whole_register);
  return __builtin_astype(__builtin_ia32_scalefps512_mask(a, b, a, (ushort)-1, 4), float16);
}
#else
%s#endif
"""

EXP = """\
INLINED {f} EXP_{f}({f} a) {{  // 2^n * e^r
  const {f} low = (a < -104.0f) ? -104.0f : a;
  const {f} x = (low > 89.0f) ? 89.0f : low;
  const {f} rounded = fma(x, 0x1.715476p+0f, ROUNDING);
  const {f} n = rounded - ROUNDING;
  const {f} r = fma(n, -0x1.7f7d1cp-20f, fma(n, -0x1.62e4p-1f, x));
  {f} p = fma(r, 0.0013813145f, 0.008369419f);
  p = fma(p, r, 0.041668456f);
  p = fma(p, r, 0.16666515f);
  p = fma(p, r, 0.49999994f);
  return SCALED_{f}(fma(r * r, p, r) + 1.f, rounded);
}}
"""

TANH = """\
INLINED {f} TANH_{f}({f} a) {{  // e / (e + 2): e = e^(2|a|) - 1 = 2^n * (e^(2r) - 1) + 2^n - 1
  const {f} size = fabs(a);
  const {f} x = (size > 9.02f) ? 9.02f : size;
  const {f} rounded = fma(x, 0x1.715476p+1f, ROUNDING);
  const {f} r = fma(rounded - ROUNDING, -0x1.62e43p-2f, x);
  {f} p = fma(r, 0.089264624f, 0.2677519f);
  p = fma(p, r, 0.66666025f);
  p = fma(p, r, 1.333323f);
  p = fma(p, r, 2.f);
  const {f} power = as_{f}((as_{i}(rounded) << 23) + 0x3f800000);
  const {f} e = fma(fma(r * r, p, r + r), power, power - 1.f);
  return as_{f}(as_{i}(e / (e + 2.f)) | (as_{i}(a) & (int)0x80000000));
}}
"""

SIN = """\
INLINED {f} NEAR_SIN_{f}({f} a) {{  // of r = |a| - n * pi, negative for an odd n
  const {f} size = fabs(a);
  const {f} rounded = fma(size, 0x1.45f306p-2f, ROUNDING);
  const {f} n = rounded - ROUNDING;
  {f} r = fma(n, -0x1.921fb6p+1f, size);
  r = fma(n, 0x1.777a5cp-24f, r);
  r = fma(n, 0x1.ee59dap-49f, r);
  const {f} z = r * r;
  {f} p = fma(z, 2.6060598e-06f, -0.00019809911f);
  p = fma(p, z, 0.008333073f);
  p = fma(p, z, -0.1666666f);
  const {i} sign = (as_{i}(rounded) << 31) ^ (as_{i}(a) & (int)0x80000000);
  return as_{f}(as_{i}(fma(p, z * r, r)) ^ sign);
}}
"""

# Where an argument is larger, all are computed one by one: that is rare.
FAR_SIN = """\
FUNCTION {f} FAR_SIN_{f}({f} a) {{
  return ({f})(
{each});
}}
INLINED {f} SIN_{f}({f} a) {{
  return {any}(fabs(a) > 0x1p20f) ? FAR_SIN_{f}(a) : NEAR_SIN_{f}(a);
}}
"""


class Function(NamedTuple):
    """A function of ours.

    Attributes:
        text: its definition.
        built_in: what does the same, where fma is slow.
        needs: other definitions before it.
        name: what ``text`` defines, if it is a part of it.
        whole: the rest of it.
    """

    text: str
    built_in: str
    needs: str = ""
    name: str = ""
    whole: str = ""


FUNCTIONS: Mapping[str, Function] = {
    "EXP": Function(EXP, "exp", needs=SCALE),
    "TANH": Function(TANH, "tanh"),
    "SIN": Function(SIN, "sin", name="NEAR_SIN", whole=FAR_SIN),
}
CALL = re.compile(rf"\b({'|'.join(FUNCTIONS)})_(float\d*)\(")
INLINED = """\
#if defined(__has_attribute)
#if __has_attribute(always_inline)
#define INLINED static __attribute__((always_inline))
#endif
#endif
#ifndef INLINED
#define INLINED static
#endif
"""


def definitions(sources: str) -> Iterator[str]:
    """The functions that ``sources`` call."""
    found = [(FUNCTIONS[name], name, kind) for name, kind in sorted({*CALL.findall(sources)})]
    if not found:
        return
    yield INLINED
    yield f"{FAST}\n{ROUND}"
    yield from dict.fromkeys(_of(f.needs, kind) for f, _, kind in found if f.needs)
    yield from (_of(f.text, kind) for f, _, kind in found)
    yield "#else"
    for function, name, kind in found:
        yield f"#define {function.name or name}_{kind}(a) {function.built_in}(a)"
    yield "#endif\n"
    yield from (_of(f.whole, kind) for f, _, kind in found if f.whole)


def _of(text: str, kind: str) -> str:
    """A definition for values of a type."""
    lanes = int(kind.removeprefix("float") or 1)
    each = ", ".join(f"sin(a.s{i:x})" for i in range(lanes)) if lanes > 1 else "sin(a)"
    each = fill(each, 96, initial_indent=" " * 6, subsequent_indent=" " * 6)
    names = {"f": kind, "i": kind.replace("float", "int"), "any": "any" * (lanes > 1)}
    made = text.format(**names, each=each)
    return SCALE_AT_ONCE % made if text is SCALE and kind == "float16" else made
