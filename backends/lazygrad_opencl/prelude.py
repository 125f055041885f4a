"""What stands before the kernels in a program: the types and macros that they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lazygrad_opencl import functions, strided

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

COUNTERS = 16  # longs for each part: two that lie in cache lines of their own, and when it ended
ENDED = 1  # the position of that among them
OVER = 2  # and that of whether a loop ends before its time

# Parts of a launch in turn. Its work-items take what a part has to do, one after the other, and
# wait until all of it is done: whoever has taken something is running, so nobody waits in vain,
# even if a single one does everything. They are numbered as they come: the first ones have memory
# of their own, and whoever comes later leaves to them what needs that. The last one to leave clears
# the counters. Where processors have a counter that runs at one rate, whoever begins, and who ends
# a part, notes what it shows.
TURNS = f"""\
// The parts of a launch take turns: work-items TAKE what a part has to do, one after the other, and
// AWAIT the end of all of it. The last one to LEAVE clears the counters.
#define TAKEN(part) (counters + {COUNTERS} * (part))
#define FINISHED(part) (TAKEN(part) + {COUNTERS // 2})
#define TAKE(part) __sync_fetch_and_add(TAKEN(part), 1)
#define NOTE(part) (*(TAKEN(part) + {ENDED}) = TICKS)
#define BEGIN(parts) const int worker = __sync_fetch_and_add(FINISHED(parts), 1); \\
  if (worker == 0) NOTE(parts)
#define DONE(part, count) \\
  (__sync_fetch_and_add(FINISHED(part), 1) == (count) - 1 ? NOTE(part) : 0)
#define AWAIT(part, count) \\
  while (__atomic_load_n(FINISHED(part), __ATOMIC_ACQUIRE) < (count)) PAUSE
#define LEAVE(parts, workers) \\
  if (__sync_fetch_and_add(TAKEN(parts), 1) == (workers) - 1) \\
    for (int i = 0; i <= (parts); i++) *TAKEN(i) = *FINISHED(i) = TAKEN(i)[{OVER}] = 0
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#define TICKS (long)__builtin_readcyclecounter()
#else
#define PAUSE
#define TICKS 0
#endif
"""

# Turns of a loop inside of a part. The counters go on from step to step, and nobody takes what is
# of a later one. Who has looked at what a step left behind may say that it was the last one.
COPIED = 1 << 16  # bytes that are copied in one go
REPEATED = f"""\
// The same in each step of a loop: what is there to do is numbered through all steps, and taken up
// to the end of one.
#define TAKE_BELOW(part, end) take_below(TAKEN(part), end)
#define GONE(part) __sync_fetch_and_add(FINISHED(part), 1)
#define OVER(part) (TAKEN(part) + {OVER})
static long take_below(__global long *taken, long end) {{
  long now = __atomic_load_n(taken, __ATOMIC_RELAXED);
  while (now < end) {{
    const long found = __sync_val_compare_and_swap(taken, now, now + 1);
    if (found == now) break;
    now = found;
  }}
  return now;
}}
"""

COPY = f"""\
// COPY: a part of count bytes, by its number
FUNCTION void COPY(__global uchar *to, __global const uchar *from, long number, long count) {{
  const long start = {COPIED} * number;
  const long end = start + {COPIED} < count ? start + {COPIED} : count;
  for (long i = start; i < end; i++) to[i] = from[i];
}}
"""

NONE = """\
// NONE: whether no bool is set
FUNCTION long NONE(__global const uchar *flags, long count) {
  for (long i = 0; i < count; i++) if (flags[i]) return 0;
  return 1;
}
"""

LOOPS = {"TAKE_BELOW": REPEATED, "COPY": COPY, "NONE": NONE}

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
        "{type} FMOD_{type}({type} a, {type} b) {{ return ({type})({lanes}); }}\n",
    ),
    # one large or infinite lane makes the sine of small ones wrong
    "SIN": (
        "sin(a.s{i:x})",
        "{type} SIN_{type}({type} a) {{\n"
        "  return any(fabs(a) > 0x1p20f) ? ({type})({lanes}) : sin(a);\n"
        "}}\n",
    ),
}

# Half precision in bits, rounded to nearest, ties to even. Spelled out, because built-in functions
# may stay calls; `{u}`, `{s}` and `{f}` are uint, ushort and float vectors.
FLOAT16 = """\
{f} FROM_float16_{lanes}({s} bits) {{
  const {u} h = TO_TYPE({u}, bits);
  const {u} size = (h & 0x7fffu) << 13;
  const {u} finite = as_{u}(as_{f}(size) * 0x1p112f);
  return as_{f}(((size >= 0x0f800000u) ? (finite | 0x7f800000u) : finite) | ((h & 0x8000u) << 16));
}}
{s} TO_float16_{lanes}({f} x) {{
  const {u} bits = as_{u}(x);
  const {u} size = bits & 0x7fffffffu;
  const {u} tiny = as_{u}(as_{f}(size) + 0.5f) - 0x3f000000u;
  const {u} normal = (size + 0xfffu + ((size >> 13) & 1u) - 0x38000000u) >> 13;
  const {u} huge = (size > 0x7f800000u) ? ({u})(0x7e00u) : ({u})(0x7c00u);
  const {u} small = (size < 0x38800000u) ? tiny : normal;
  return TO_TYPE({s}, ((size >= 0x47800000u) ? huge : small) | ((bits >> 16) & 0x8000u));
}}
{f} ROUND_float16_{lanes}({f} x) {{ return FROM_float16_{lanes}(TO_float16_{lanes}(x)); }}
"""

BFLOAT16 = """\
{f} FROM_bfloat16_{lanes}({s} bits) {{ return as_{f}(TO_TYPE({u}, bits) << 16); }}
{s} TO_bfloat16_{lanes}({f} x) {{
  const {u} bits = as_{u}(x);
  const {u} rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return TO_TYPE({s}, (x != x) ? ((bits >> 16) | 0x40u) : rounded);
}}
{f} ROUND_bfloat16_{lanes}({f} x) {{ return FROM_bfloat16_{lanes}(TO_bfloat16_{lanes}(x)); }}
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
    turns: bool = False
    bits: int = 128


def prelude(sources: str, dialect: Dialect) -> str:
    """The definitions that ``sources`` use."""
    parts = [HEAD]
    if "FUNCTION void" in sources or strided.CALLED in sources:
        parts.append(FUNCTION.format(bits=dialect.bits))
    if "AWAIT(" in sources:
        parts.append(TURNS)
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
