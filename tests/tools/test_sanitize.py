"""The sanitizer: what it reads from Oclgrind's log, and how it judges. `make sanitize` itself puts
faults into kernels and fails if they are not found; here so does a test, where Oclgrind is."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyopencl")

from tools.sanitizer import cli
from tools.sanitizer.faults import KINDS, Fault, read
from tools.sanitizer.programs import PROGRAMS
from tools.sanitizer.texts import Seen, changed

SANITIZE = Path(__file__).parents[2] / "tools" / "sanitize.py"

LOG = """\

Oclgrind - OpenCL runtime error detected
\tFunction: clGetDeviceInfo
\tError:    CL_INVALID_VALUE
\tFor argument 'param_name'


Oclgrind - OpenCL runtime error detected
\tFunction: clEnqueueNDRangeKernel
\tError:    CL_INVALID_WORK_GROUP_SIZE

8 warnings generated.
Read-write data race at local memory address 0x100000000000c
\tKernel: matmul_32x32
\t
\tFirst entity:  Global(4,0,0) Local(4,0,0) Group(0,0,0)
\t  %3 = load float, float addrspace(3)* %arrayidx3, align 4, !dbg !39
\tAt line 5 (column 97) of input.cl:
\t  x[i] = t[7 - i];
\t
\tSecond entity: Global(3,0,0) Local(3,0,0) Group(0,0,0)
\tAt line 4 (column 88) of input.cl:
\t  t[i] = i;
\t

Invalid write of size 4 at global memory address 0x2000000000020
\tKernel: exp_99
\tEntity: Global(7,0,0) Local(7,0,0) Group(0,0,0)
\tAt line 3 (column 61) of input.cl:
\t  out0[item + 1] = v0;
\t

Invalid read of size 16 at global memory address 0x20
\tKernel: exp_99

Work-group divergence detected (barrier)
\tKernel:     softmax_4x200
\tWork-group: (0,0,0)
\tOnly 1 out of 8 work-items executed barrier
\tAt line 7 (column 66) of input.cl:
\t  barrier(CLK_LOCAL_MEM_FENCE);

Something that a later version finds
\tKernel: relu_5
"""

FAULTS = [
    Fault("error of the API", "clEnqueueNDRangeKernel", "CL_INVALID_WORK_GROUP_SIZE"),
    Fault("data race", "matmul_32x32", "x[i] = t[7 - i];"),
    Fault("invalid write", "exp_99", "out0[item + 1] = v0;"),
    Fault("invalid read", "exp_99", ""),
    Fault("missed barrier", "softmax_4x200", "barrier(CLK_LOCAL_MEM_FENCE);"),
    Fault("Something that a later version finds", "relu_5", ""),
]


def test_every_fault_is_read_with_its_kernel_and_line() -> None:
    assert read(LOG) == FAULTS
    assert read("") == read("8 warnings generated.\n") == []


def test_a_program_without_a_fault_put_in_has_to_be_clean() -> None:
    assert cli.judged((), frozenset()) == []
    race = FAULTS[1]
    assert cli.judged((race, race), frozenset()) == [
        "data race in matmul_32x32: x[i] = t[7 - i]; (2 times)"
    ]
    many = tuple(Fault("data race", f"kernel_{i}", "") for i in range(cli.SHOWN + 3))
    assert cli.judged(many, frozenset())[-1] == "and 3 more"


def test_a_fault_that_was_put_in_has_to_be_found() -> None:
    wanted = frozenset({"data race"})
    assert cli.judged((FAULTS[1],), wanted) == []
    assert cli.judged((), wanted) == ["was put in, and was not found: data race"]
    assert cli.judged((FAULTS[2],), wanted) == ["was put in, and was not found: data race"]


def test_every_kind_of_fault_is_put_in_somewhere() -> None:
    put_in = {kind for program in PROGRAMS.values() for kind in program.finds}
    assert put_in == {kind for _, kind in KINDS}


def test_kernels_that_wait_are_counted() -> None:
    seen = Seen()
    text = "__kernel void a() { barrier(1); barrier(1); }\n__kernel void b() { }\n"
    assert seen.count(text) == text
    assert (seen.kernels, seen.waiting) == (2, 1)


def test_texts_are_changed_only_inside() -> None:
    from lazygrad_opencl import backend

    before = backend.program_text
    with changed(lambda text: text + "// changed"):
        assert backend.program_text is not before
    assert backend.program_text is before


def test_without_oclgrind_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "DRIVER", "not_in_this_house")
    with pytest.raises(SystemExit, match="make sanitize"):
        cli.main()


def test_a_program_that_fails_is_a_complaint() -> None:
    done = cli._finished("no such program", os.environ)
    assert done.complaints[0] == "ended with status 1"
    assert "KeyError: 'no such program'" in done.complaints[-1]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec(cli.DRIVER) is None,
    reason="Oclgrind has an environment of its own: run these by make sanitize",
)
def test_the_seeded_faults_are_found() -> None:
    names = [name for name, program in PROGRAMS.items() if program.finds]
    done = subprocess.run([sys.executable, str(SANITIZE), *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
