"""What a program uses of OpenCL C, declared where PoCL would read all of it.

PoCL reads a header of 1 MB before each program, which takes 90 of the 110 ms that a small one
takes. The header leaves itself out where its guard is defined, and a program then stands on the
few declarations that it needs, made here. A program that needs others does not compile that way, so
it is built again with the header (see ``binaries``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

GUARD = "-D_OPENCL_H_"  # of clang's opencl-c.h, that it has been read

UNSIGNED = {"uchar": "char", "ushort": "short", "uint": "int", "ulong": "long"}
ELEMENTS = (*UNSIGNED.values(), *UNSIGNED, "float", "double")
FLOATS = ("float", "double")
UNARY = ("exp", "log", "sin", "sqrt", "tanh", "fabs")
BINARY = ("fmod",)
TERNARY = ("fma",)
SPACES = ("__global", "__local", "__private")
WORK_ITEM = ("get_global_id", "get_group_id", "get_local_id")

HEAD = [
    "#pragma OPENCL EXTENSION cl_khr_fp64 : enable",
    "typedef __SIZE_TYPE__ size_t;",
    *(f"typedef unsigned {signed} {name};" for name, signed in UNSIGNED.items()),
    "#define INFINITY __builtin_inff()",
    "#define NAN __builtin_astype(0x7fffffff, float)",
    "#define CLK_LOCAL_MEM_FENCE 1",
    "void __attribute__((overloadable, convergent)) barrier(uint);",
    *(f"size_t __attribute__((overloadable, const)) {name}(uint);" for name in WORK_ITEM),
]


def declared(source: str) -> str:
    """The program with the declarations of what it uses; its lines keep their numbers."""
    return "\n".join([*HEAD, *_uses(source), "#line 1", source])


def _uses(source: str) -> Iterator[str]:
    found = set(re.findall(rf"\b(?:as_)?({'|'.join(ELEMENTS)})(2|3|4|8|16)\b", source))
    # a conversion may join the name of a vector, and masks are made of integers
    lanes = {int(n) for _, n in found} | {int(n) for n in re.findall(r"\bmask(\d+)\b", source)}
    vectors = [f"{element}{n}" for n in sorted(lanes) for element in ELEMENTS]
    for n in sorted(lanes):
        vector = f"__attribute__((ext_vector_type({n})))"
        yield from (f"typedef {element} {element}{n} {vector};" for element in ELEMENTS)
    for name in sorted(set(re.findall(r"\bas_([a-z]+\d*)\b", source))):
        yield f"#define as_{name}(x) __builtin_astype((x), {name})"
    floats = [name for name in (*FLOATS, *vectors) if name.startswith(FLOATS)]
    for count, functions in ((1, UNARY), (2, BINARY), (3, TERNARY)):
        for function in functions:
            if re.search(rf"\b{function}\b", source):
                yield from (
                    f"{name} __attribute__((overloadable, const)) "
                    f"{function}({', '.join([name] * count)});"
                    for name in floats
                )
    if re.search(r"\bany\(", source):
        signed = [name for name in vectors if name.startswith(tuple(UNSIGNED.values()))]
        yield from (f"int __attribute__((overloadable, const)) any({name});" for name in signed)
    for n in sorted(set(re.findall(r"\bvload(\d+)\b", source))):
        for space, element in product(SPACES, ELEMENTS):
            load = f"vload{n}(size_t, const {space} {element} *)"
            yield f"{element}{n} __attribute__((overloadable, pure)) {load};"
    for n in sorted(set(re.findall(r"\bvstore(\d+)\b", source))):
        for space, element in product(SPACES, ELEMENTS):
            store = f"vstore{n}({element}{n}, size_t, {space} {element} *)"
            yield f"void __attribute__((overloadable)) {store};"
