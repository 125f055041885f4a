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

LINE = 8  # longs in a line of the processor's caches
FINISHED, ENDED, OVER, LEFT = 0, 1, 2, 3  # where these are in the first line of a part's counters

# Parts of a launch in turn. Its work-items, workers, take what a part has to do, one after the
# other, and wait until all of it is done: whoever has taken something is running, so nobody waits
# in vain, even if a single one does everything. They are numbered as they come: the first ones have
# memory of their own, and whoever comes later leaves to them what needs that. The last one to leave
# clears the counters. Where processors have a counter that runs at one rate, whoever begins, and
# who ends a part, notes what it shows.
#
# Each processor has a home, and each home the same share of every part, which its worker takes
# first: what one part wrote to memory, the next one finds in the caches of the same core. Cores
# that have no cache in common get it from each other a third as fast (AMD's Zen 4: 45 to 50 GB/s of
# 140), and even two that do have each a cache of their own before it.
TURNS = f"""\
// The parts of a launch take turns. Of all SHARES of a part, workers TAKE the items of their home
// first, then what is left of the others', and AWAIT the end of it. A share has SIZE of so many
// items, from the FIRST on. The last worker to LEAVE clears the counters.
#define WORKERS {{workers}}
#define COUNTERS(part) (counters + {LINE} * (1 + WORKERS) * (part))
#define FINISHED(part) (COUNTERS(part) + {FINISHED})
#define TAKEN(part, share) (COUNTERS(part) + {LINE} * (1 + (share)))
#define NOTE(part) (COUNTERS(part)[{ENDED}] = TICKS)
#define BEGIN(parts) const int worker = __sync_fetch_and_add(FINISHED(parts), 1); \\
  if (worker == 0) NOTE(parts); \\
  const int home = home_of(worker, TAKEN(parts, 0))
#define SHARES for (int i = 0, share = home; i < WORKERS; i++, share = (share + 1) % WORKERS)
#define FIRST(count) ((count) * share / WORKERS)
#define SIZE(count) ((count) * (share + 1) / WORKERS - FIRST(count))
#define TAKE(part, size) take(TAKEN(part, share), 0, size)
#define AWAIT(part, done, count) \\
  if (done && __sync_fetch_and_add(FINISHED(part), done) + done == (count)) NOTE(part); \\
  while (__atomic_load_n(FINISHED(part), __ATOMIC_ACQUIRE) < (count)) PAUSE
#define LEAVE(parts, workers) \\
  if (__sync_fetch_and_add(COUNTERS(parts) + {LEFT}, 1) == (workers) - 1) clear(counters, parts)
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#define TICKS (long)__builtin_readcyclecounter()
static int processor(void) {{{{
  unsigned number;
  __builtin_ia32_rdtscp(&number);
  return number & 0xfff;  // above it is the number of its node
}}}}
#else
#define PAUSE
#define TICKS 0
static int processor(void) {{{{ return 0; }}}}
#endif
// The home of the processor, or the next one that is free; taken: whether the first one is.
static int home_of(int worker, __global long *taken) {{{{
  if (worker >= WORKERS) return 0;
  int home = processor() % WORKERS;
  while (__sync_fetch_and_add(taken + {LINE} * home, 1)) home = (home + 1) % WORKERS;
  return home;
}}}}
// The next of those in a share, where the steps of a loop are counted on; -1: none is left.
static int take(__global long *taken, long step, int size) {{{{
  const long start = step * size;
  long now = __atomic_load_n(taken, __ATOMIC_RELAXED);
  while (now < start + size) {{{{
    const long found = __sync_val_compare_and_swap(taken, now, now + 1);
    if (found == now) return now - start;
    now = found;
  }}}}
  return -1;
}}}}
static void clear(__global long *counters, int parts) {{{{
  for (int part = 0; part <= parts; part++) {{{{
    __global long *line = COUNTERS(part);
    line[{FINISHED}] = line[{OVER}] = line[{LEFT}] = 0;
    for (int share = 0; share < WORKERS; share++) *TAKEN(part, share) = 0;
  }}}}
}}}}
"""

# Turns of a loop inside of a part. The counters go on from step to step, and nobody takes what is
# of a later one. Who has looked at what a step left behind may say that it was the last one.
COPIED = 1 << 16  # bytes that are copied in one go
REPEATED = f"""\
// The same in each step of a loop: what is there to do is counted through all steps.
#define TAKE_IN(part, step, size) take(TAKEN(part, share), step, size)
#define OVER(part) (COUNTERS(part) + {OVER})
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

LOOPS = {"TAKE_IN": REPEATED, "COPY": COPY, "NONE": NONE}

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
