"""What stands before the kernels in a program: the types and macros that they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lazygrad_opencl import functions, strided
from lazygrad_opencl.turns import LOOPS, TURNS

HEAD = """\
#pragma OPENCL FP_CONTRACT ON  // only within an expression: acc += a * b
"""

# What a kernel function calls. It stays a function of its own, which compiles in a time that grows
# with its length alone; LLVM splits wide vectors in functions that are not told to keep them.
FUNCTION = """\
// FUNCTION: stays a function of its own, so that it compiles in a time that grows with its length
#if defined(__has_attribute)
#if __has_attribute(noinline) && __has_attribute(min_vector_width)
#define FUNCTION static __attribute__((noinline, min_vector_width({bits})))
#endif
#endif
#ifndef FUNCTION
#define FUNCTION static
#endif
"""

FP64 = "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"

CONVERT = """\
// CONVERT: a vector with elements of another type
#if defined(__has_builtin)
#if __has_builtin(__builtin_convertvector)
#define CONVERT(type, x) __builtin_convertvector(x, type)
#endif
#endif
#ifndef CONVERT
#define CONVERT(type, x) convert_##type(x)
#endif
"""

FETCH = """\
// FETCH: asks for memory that is needed soon
#if defined(__has_builtin)
#if __has_builtin(__builtin_prefetch)
#define FETCH(p) __builtin_prefetch(p)
#define FETCH_TO_WRITE(p) __builtin_prefetch(p, 1)
#endif
#endif
#ifndef FETCH
#define FETCH(p)
#define FETCH_TO_WRITE(p)
#endif
"""

INTEGERS = """\
// Quotients and remainders that are rounded down; divisors by which nothing traps.
#define FLOOR_DIV(a, b) ((a) >= 0 ? (a) / (b) : -1 - (-1 - (a)) / (b))
#define FLOOR_MOD(a, b) ((((a) % (b)) + (b)) % (b))
#define SIGNED_DIVISOR(type, b) ((((b) == type(0)) | ((b) == type(-1))) ? type(1) : (b))
#define UNSIGNED_DIVISOR(type, b) (((b) == type(0)) ? type(1) : (b))
"""

# No comparison with NaN holds.
MAXIMUM = """\
#define MAXIMUM(a, b) (((a) > (b)) | ((a) != (a)) ? (a) : (b))  // NaN if one of them is
"""

LARGER = """\
#define LARGER(a, b) ((a) > (b) ? (a) : (b))  // b if one of them is NaN
"""

MAXIMA = {"MAXIMUM": MAXIMUM, "LARGER": LARGER}

# Floats on their way to integers: `low` for what is out of range; what a whole turn brings there.
TRUNCATED = """\
// Floats on their way to integers: low for what is out of range; what a whole turn brings there.
#define HELD(x, low, high) ((((x) > (low)) & ((x) < (high))) ? (x) : (low))
#define MODULO(x, half_, whole) ((((x) >= (half_)) & ((x) < (whole))) ? (x) - (whole) : (x))
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

ALIGNED = """\
#define LOAD_ALIGNED_{type}(p) (*(__global const {type} *)(p))
#define STORE_ALIGNED_{type}(x, p) (*(__global {type} *)(p) = (x))
"""

# Built-in functions of vectors of which PoCL's are wrong, lane by lane. By function: the call of a
# lane, and the definition.
BY_LANE = {
    # takes minutes on doubles, and is wrong, where quotients differ widely
    "FMOD": (
        "fmod(a.s{i:x}, b.s{i:x})",
        "static {type} FMOD_{type}({type} a, {type} b) {{ return ({type})({lanes}); }}\n",
    ),
    # one large or infinite lane makes the sine of small ones wrong
    "SIN": (
        "sin(a.s{i:x})",
        "static {type} SIN_{type}({type} a) {{\n"
        "  return any(fabs(a) > 0x1p20f) ? ({type})({lanes}) : sin(a);\n"
        "}}\n",
    ),
}

# Half precision in bits, rounded to nearest, ties to even. Spelled out, because built-in functions
# may stay calls; `{u}`, `{s}` and `{f}` are uint, ushort and float vectors.
FLOAT16 = """\
static {f} FROM_float16_{lanes}({s} bits) {{
  const {u} h = TO_TYPE({u}, bits);
  const {u} size = (h & 0x7fffu) << 13;
  const {u} finite = as_{u}(as_{f}(size) * 0x1p112f);
  return as_{f}(((size >= 0x0f800000u) ? (finite | 0x7f800000u) : finite) | ((h & 0x8000u) << 16));
}}
static {s} TO_float16_{lanes}({f} x) {{
  const {u} bits = as_{u}(x);
  const {u} size = bits & 0x7fffffffu;
  const {u} tiny = as_{u}(as_{f}(size) + 0.5f) - 0x3f000000u;
  const {u} normal = (size + 0xfffu + ((size >> 13) & 1u) - 0x38000000u) >> 13;
  const {u} huge = (size > 0x7f800000u) ? ({u})(0x7e00u) : ({u})(0x7c00u);
  const {u} small = (size < 0x38800000u) ? tiny : normal;
  return TO_TYPE({s}, ((size >= 0x47800000u) ? huge : small) | ((bits >> 16) & 0x8000u));
}}
static {f} ROUND_float16_{lanes}({f} x) {{ return FROM_float16_{lanes}(TO_float16_{lanes}(x)); }}
"""

BFLOAT16 = """\
static {f} FROM_bfloat16_{lanes}({s} bits) {{ return as_{f}(TO_TYPE({u}, bits) << 16); }}
static {s} TO_bfloat16_{lanes}({f} x) {{
  const {u} bits = as_{u}(x);
  const {u} rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return TO_TYPE({s}, (x != x) ? ((bits >> 16) | 0x40u) : rounded);
}}
static {f} ROUND_bfloat16_{lanes}({f} x) {{ return FROM_bfloat16_{lanes}(TO_bfloat16_{lanes}(x)); }}
"""


@dataclass(frozen=True)
class Dialect:
    """What a device's compiler is given.

    Attributes:
        packed: loads for CPUs, where it does not matter which vectors are aligned.
        calls: few kernel functions call all others, see ``entry``.
        functions: of floats, of our own: see ``functions``.
        turns: kernels that wait for each other share launches; work-items wait in loops, which
            helps nobody where they have no core each.
        bits: of a vector register.
    """

    packed: bool = False
    calls: bool = False
    functions: bool = False
    workers: int = 0
    bits: int = 128


def prelude(sources: str, dialect: Dialect) -> str:
    """The definitions that ``sources`` use."""
    parts = [HEAD]
    if "FUNCTION void" in sources or strided.CALLED in sources:
        parts.append(FUNCTION.format(bits=dialect.bits))
    if "AWAIT(" in sources:
        parts.append(TURNS.format(workers=dialect.workers))
    parts += [text for name, text in LOOPS.items() if f"{name}(" in sources]
    if "double" in sources:
        parts.append(FP64)
    if "CONVERT(" in sources or "float16_" in sources:
        parts.append(CONVERT)
    if "FETCH" in sources:
        parts.append(FETCH)
    if "FLOOR_" in sources or "_DIVISOR(" in sources:
        parts.append(INTEGERS)
    parts += [text for name, text in MAXIMA.items() if f"{name}(" in sources]
    if "HELD(" in sources:
        parts.append(TRUNCATED)
    of_masks = sorted(_found("mask", r"\bmask(\d+)\b", sources), key=int)
    parts += [f"typedef int{lanes} mask{lanes};  // bools: -1 is true\n" for lanes in of_masks]
    own = functions.FUNCTIONS if dialect.functions else ()
    parts += functions.definitions(sources) if own else ()
    parts += _by_lane(sources, BY_LANE.keys() - own)
    vectors = _vectors(sources, PACKED if dialect.packed else BUILT_IN)
    parts += ["// Vectors in memory, at any element.", *vectors] if vectors else []
    parts += strided.definitions(sources)
    for name, text in (("float16", FLOAT16), ("bfloat16", BFLOAT16)):
        for lanes in sorted(_found(f"_{name}_", rf"_{name}_(\d+)\(", sources), key=int):
            parts.append(_half(text, lanes))
    return "\n".join(parts)


def _found(word: str, pattern: str, sources: str) -> set[str]:
    """What ``pattern``, which has ``word`` in it, finds."""
    return set(re.findall(pattern, sources)) if word in sources else set()


def _by_lane(sources: str, names: Iterable[str]) -> Iterator[str]:
    """Functions of vectors that are computed lane by lane."""
    for function in sorted(names):
        call, definition = BY_LANE[function]
        for name in sorted(_found(f"{function}_", rf"\b{function}_(\w+)\(", sources)):
            count = int(re.sub(r"\D", "", name))
            each = ", ".join(call.format(i=i) for i in range(count))
            yield definition.format(type=name, lanes=each)


def _vectors(sources: str, loads: str) -> list[str]:
    """The macros that move vectors between memory and registers."""
    parts = []
    for word, pattern, form in (
        ("", "(?:LOAD|STORE)", loads),
        ("_ALIGNED", "(?:LOAD|STORE)_ALIGNED", ALIGNED),
    ):
        for name in sorted(_found(word, rf"\b{pattern}_([a-z]+\d+)\(", sources)):
            element, lanes = re.sub(r"\d", "", name), int(re.sub(r"\D", "", name))
            parts.append(form.format(type=name, lanes=lanes, element=element))
    return parts


def _half(text: str, lanes: str) -> str:
    """The conversions of a half precision dtype for vectors of ``lanes``."""
    n = "" if lanes == "1" else lanes
    text = text.format(lanes=lanes, u=f"uint{n}", s=f"ushort{n}", f=f"float{n}")
    if n:
        return text.replace("TO_TYPE(", "CONVERT(")
    return re.sub(r"TO_TYPE\((\w+), ", r"(\1)(", text)
