"""What stands before the kernels in a program: the types and macros that they use."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = """\
#pragma OPENCL FP_CONTRACT ON  // only within an expression: acc += a * b
"""

FP64 = "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"

CONVERT = """\
#if defined(__has_builtin)
#if __has_builtin(__builtin_convertvector)
#define CONVERT(type, x) __builtin_convertvector(x, type)
#endif
#endif
#ifndef CONVERT
#define CONVERT(type, x) convert_##type(x)
#endif
"""

INTEGERS = """\
#define FLOOR_DIV(a, b) ((a) >= 0 ? (a) / (b) : -1 - (-1 - (a)) / (b))
#define FLOOR_MOD(a, b) ((((a) % (b)) + (b)) % (b))
#define SIGNED_DIVISOR(type, b) ((((b) == type(0)) | ((b) == type(-1))) ? type(1) : (b))
#define UNSIGNED_DIVISOR(type, b) (((b) == type(0)) ? type(1) : (b))
"""

# Vectors at any element. CPUs load those as fast as aligned ones, but the built-in functions may
# stay function calls there.
PACKED = """\
typedef struct __attribute__((packed)) {{ {type} v; }} packed_{type};
#define LOAD_{type}(p) (((__global const packed_{type} *)(p))->v)
#define STORE_{type}(x, p) (((__global packed_{type} *)(p))->v = (x))
"""

BUILT_IN = """\
#define LOAD_{type}(p) vload{lanes}(0, p)
#define STORE_{type}(x, p) vstore{lanes}(x, 0, p)
"""

# Vectors whose lanes lie apart: `stride` elements, or where a vector of indices says.
GATHER = "#define GATHER_{type}(p, stride) (({type})({by_stride}))\n"
GATHER_AT = "#define GATHER_AT_{type}(p, at) (({type})({by_index}))\n"
SCATTER = """\
#define SCATTER_{type}(x, p, stride) do {{ \\
  __global {element} *q = (p); {stores} \\
}} while (0)
"""

ROUND_HALF = """\
{float} ROUND_float16_{lanes}({float} x) {{
  ushort{n} bits;
  vstore_half{n}(x, 0, (__private half *)&bits);
  return vload_half{n}(0, (__private const half *)&bits);
}}
"""

BFLOAT16 = """\
#define FROM_bfloat16_{lanes}(bits) as_{float}(CONVERT(uint{n}, bits) << 16)
ushort{n} TO_bfloat16_{lanes}({float} x) {{
  const uint{n} u = as_uint{n}(x);
  const uint{n} rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return CONVERT(ushort{n}, (x != x) ? ((u >> 16) | 0x40u) : rounded);
}}
{float} ROUND_bfloat16_{lanes}({float} x) {{
  return FROM_bfloat16_{lanes}(TO_bfloat16_{lanes}(x));
}}
"""

BFLOAT16_SCALAR = """\
#define FROM_bfloat16_1(bits) as_float((uint)(bits) << 16)
ushort TO_bfloat16_1(float x) {
  const uint u = as_uint(x);
  const uint rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return (ushort)((x != x) ? ((u >> 16) | 0x40u) : rounded);
}
float ROUND_bfloat16_1(float x) { return FROM_bfloat16_1(TO_bfloat16_1(x)); }
"""


@dataclass(frozen=True)
class Dialect:
    """What a device's compiler is given: ``packed`` loads for CPUs."""

    packed: bool = False


def prelude(sources: str, dialect: Dialect) -> str:
    """The definitions that ``sources`` use."""
    parts = [HEAD]
    if "double" in sources:
        parts.append(FP64)
    if "CONVERT(" in sources or "bfloat16_" in sources:
        parts.append(CONVERT)
    if "FLOOR_" in sources or "_DIVISOR(" in sources:
        parts.append(INTEGERS)
    parts += _vectors(sources, PACKED if dialect.packed else BUILT_IN)
    for lanes in sorted(set(re.findall(r"ROUND_float16_(\d+)\(", sources)), key=int):
        parts.append(ROUND_HALF.format(**_names(lanes)))
    for lanes in sorted(set(re.findall(r"_bfloat16_(\d+)\(", sources)), key=int):
        text = BFLOAT16_SCALAR if lanes == "1" else BFLOAT16.format(**_names(lanes))
        parts.append(text)
    return "\n".join(parts)


def _vectors(sources: str, loads: str) -> list[str]:
    """The macros that move vectors between memory and registers."""
    parts = []
    for pattern, form in (
        ("(?:LOAD|STORE)", loads), ("GATHER", GATHER), ("GATHER_AT", GATHER_AT),
        ("SCATTER", SCATTER),
    ):  # fmt: skip
        for name in sorted(set(re.findall(rf"\b{pattern}_([a-z]+\d+)\(", sources))):
            element, lanes = re.sub(r"\d", "", name), int(re.sub(r"\D", "", name))
            each = [f"(p)[{f'{i} * (stride)' if i else 0}]" for i in range(lanes)]
            at = [f"(p)[(at).s{i:x}]" for i in range(lanes)]
            stores = [f"q[{f'{i} * (stride)' if i else 0}] = (x).s{i:x};" for i in range(lanes)]
            parts.append(
                form.format(
                    type=name, lanes=lanes, element=element, by_stride=", ".join(each),
                    by_index=", ".join(at), stores=" ".join(stores),
                )
            )  # fmt: skip
    return parts


def _names(lanes: str) -> dict[str, str]:
    n = "" if lanes == "1" else lanes
    return {"lanes": lanes, "n": n, "float": f"float{n}"}
