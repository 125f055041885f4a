"""The OpenCL backend: choice of a device, memory, programs, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt
from lazygrad.config import config
from lazygrad.errors import DeviceError
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime.backend import Call, Code
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad.codegen.batch import batches
from lazygrad.codegen.choose import loop_nest
from lazygrad_opencl import OpenCLBackend, device, driver, pocl, program, spelling
from lazygrad_opencl.prelude import Dialect, prelude
from lazygrad_opencl.sources import Job, Sources

pytestmark = pytest.mark.gpu
cl = driver.cl


@pytest.fixture(scope="module")
def backend() -> OpenCLBackend:
    return OpenCLBackend()


def run(backend: OpenCLBackend, kernel: Kernel, *inputs: np.ndarray[Any, Any]) -> Any:
    (made,) = backend.compile([kernel])
    memory = [backend.allocate(max(1, spec.nbytes)) for spec in kernel.buffers]
    for place, array in zip(memory[len(kernel.written) :], inputs, strict=True):
        backend.upload(place, array)
    made.launch(memory)
    spec = kernel.buffers[0]
    found = np.empty(spec.size, spec.dtype.numpy)
    backend.download(memory[0], found)
    return found


# -- devices ------------------------------------------------------------------------------------


def fake(name: str, kind: int, units: int = 4, platform: str = "Some Platform") -> Any:
    """A device as far as the choice of one is concerned."""
    version = "OpenCL 3.0 PoCL 6.0  Linux" if platform.startswith("Portable") else "OpenCL 3.0"
    place = SimpleNamespace(name=platform, vendor="Some Vendor", version=version)
    facts = {"type": kind, "max_compute_units": units, "vendor": "Some Maker"}
    return SimpleNamespace(name=name, platform=place, **facts)


CPU, GPU = cl.device_type.CPU, cl.device_type.GPU
DEVICES = [
    fake("pthread-Some CPU", CPU, 64, "Portable Computing Language"),
    fake("Small GPU", GPU, 8),
    fake("Large GPU", GPU, 100),
]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (None, "Large GPU"), ("0", "pthread-Some CPU"), ("1", "Small GPU"), ("small", "Small GPU"),
        ("portable", "pthread-Some CPU"), ("gpu", "Large GPU"), ("pocl", "pthread-Some CPU"),
        ("PoCL", "pthread-Some CPU"),
    ],
)  # fmt: skip
def test_choice_of_a_device(wanted: str | None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "all_devices", lambda: DEVICES)
    assert device.select(wanted).name == name


@pytest.mark.parametrize("wanted", ["3", "tpu"])
def test_an_unknown_device_is_an_error_that_lists_the_known(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "all_devices", lambda: DEVICES)
    with pytest.raises(DeviceError, match=rf"\[opencl\] OPENCL_DEVICE='{wanted}'.*1: Small GPU"):
        device.select(wanted)


def test_the_setting_names_the_device() -> None:
    with config(opencl_device="no such device"), pytest.raises(DeviceError, match="devices: 0: "):
        OpenCLBackend()


@pytest.mark.parametrize("kind", ["CPU", "GPU"])
def test_the_setting_chooses_how_to_schedule(kind: str) -> None:
    """GPU kernels run on PoCL, and CPU kernels on a GPU."""
    with config(opencl_type=kind):
        made = OpenCLBackend()
    assert made.target.is_gpu == (kind == "GPU") == bool(made.target.local_memory)
    assert made._dialect.packed == made._dialect.calls == (kind == "CPU")
    x = np.arange(35, dtype=np.float32)
    np.testing.assert_allclose(run(made, ks.sum_rows(5, 7), x), x.reshape(5, 7).sum(1))


def test_another_schedule_is_another_fingerprint() -> None:
    """What was compiled for one is not taken for the other."""
    fingerprints = set()
    for kind in ("CPU", "GPU"):
        with config(opencl_type=kind):
            fingerprints.add(OpenCLBackend().fingerprint)
    assert len(fingerprints) == 2


def test_no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise cl.LogicError("clGetPlatformIDs", -1001, "")

    monkeypatch.setattr(cl, "get_platforms", none)
    with pytest.raises(DeviceError, match=r"no OpenCL platform.*lazygrad\[opencl\]"):
        OpenCLBackend()


def test_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = SimpleNamespace(name="Empty", get_devices=list)
    monkeypatch.setattr(cl, "get_platforms", lambda: [empty])
    with pytest.raises(DeviceError, match=r"no device on the OpenCL platforms.*Empty"):
        OpenCLBackend()


def test_without_pyopencl() -> None:
    """In a process of its own, where the import of pyopencl fails."""
    code = (
        "import sys; sys.modules['pyopencl'] = None\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from lazygrad.errors import DeviceError\n"
        "try:\n    import lazygrad_opencl\n"
        "except DeviceError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[opencl]" in done.stdout and "pip install lazygrad[opencl]" in done.stdout


def test_cpus_get_vectors_that_built_in_functions_can_take(backend: OpenCLBackend) -> None:
    if not pocl.is_pocl(backend.device):
        pytest.skip("only PoCL can be mistaken about its registers")
    wide = backend.processor.startswith(pocl.WITH_AVX512)
    assert backend.target.lanes in ((16, 8) if wide else (8, 4))


# -- memory -------------------------------------------------------------------------------------


def test_upload_copies_at_once(backend: OpenCLBackend) -> None:
    """The array may change as soon as upload returns."""
    array = np.arange(1 << 20, dtype=np.float32)
    memory = backend.allocate(array.nbytes)
    backend.upload(memory, array)
    array[:] = -1
    found = np.empty_like(array)
    backend.download(memory, found)
    np.testing.assert_array_equal(found, np.arange(1 << 20))


def test_download_takes_what_is_asked_for(backend: OpenCLBackend) -> None:
    memory = backend.allocate(1024)
    backend.upload(memory, np.arange(10, dtype=np.int32))
    found = np.empty(4, np.int32)
    backend.download(memory, found)
    np.testing.assert_array_equal(found, [0, 1, 2, 3])
    backend.download(memory, np.empty(0, np.int32))
    backend.synchronize()


def test_out_of_memory_tells_the_sizes(backend: OpenCLBackend) -> None:
    with pytest.raises(DeviceError, match=r"out of memory: 4611686\d+\.\d\d GB wanted.* has .*GB"):
        backend.allocate(1 << 62)


# -- programs -----------------------------------------------------------------------------------


def codes_of(*calls: Call) -> list[Code]:
    """The code of the launches that make ``calls``."""
    target = Target(units=2, lanes=8)
    nests = [loop_nest(call.kernel, target) for call in calls]
    jobs = [
        Job(number, call, nest)
        for number, (call, nest) in enumerate(zip(calls, nests, strict=True))
        if nest is not None
    ]
    sources = Sources(jobs, Dialect(packed=True, calls=True), 2)
    return [sources.code(batch) for batch in batches([job.work for job in jobs], 120)]


def test_equal_kernels_are_compiled_once() -> None:
    """Kernels of several work-items that wait for each other, so that each has its own launch."""
    large = ks.chain(1024, 1024)
    codes = codes_of(
        Call(large, (0, 1, 2, 3)), Call(large, (4, 0, 2, 3)), Call(large, (5, 4, 2, 3))
    )
    assert [code.calls for code in codes] == [(0,), (1,), (2,)]
    assert len({code.data.name for code in codes}) == 1


def test_equal_batches_are_compiled_once() -> None:
    """The second of two layers is the same code on other memory."""
    large, small = ks.chain(1024, 1024), ks.chain(4, 4)
    calls = []
    for layer in (4, 8, 12):
        calls.append(Call(small, (layer, layer - 3, 90, 91)))
        calls.append(Call(large, (layer + 1, layer - 3, 92, 93)))
    codes = codes_of(*calls)
    assert [code.calls for code in codes] == [(0, 1), (2, 3), (4, 5)]
    assert {code.data.name for code in codes} == {"chain_and_1_more_kernel"}


@pytest.mark.parametrize("rows", [3, 2048])
def test_a_launch_of_several_kernels(backend: OpenCLBackend, rows: int) -> None:
    """y = sums of x's rows, z = sums of their squares' rows... each read by the next call."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 40)).astype(np.float32)
    other = rng.standard_normal((4, 7)).astype(np.float32)
    calls = [
        Call(ks.sum_rows(rows, 40), (2, 0)),
        Call(ks.sum_rows(4, 7), (3, 1)),
        Call(ks.sum_rows(2, 2), (4, 3)),  # of the four sums, as two rows
    ]
    codes = backend.generate(calls)
    sizes = [x.nbytes, other.nbytes, 4 * rows, 16, 8]
    memory = [backend.allocate(nbytes) for nbytes in sizes]
    backend.upload(memory[0], x)
    backend.upload(memory[1], other)
    for program_ in backend.load(codes):
        program_.launch([memory[number] for number in program_.code.memory])
    sums, four, two = np.empty(rows, np.float32), np.empty(4, np.float32), np.empty(2, np.float32)
    for number, array in ((2, sums), (3, four), (4, two)):
        backend.download(memory[number], array)
    np.testing.assert_allclose(sums, x.sum(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(four, other.sum(1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(two, other.sum(1).reshape(2, 2).sum(1), rtol=1e-5, atol=1e-5)
    if not backend.target.is_gpu:
        assert [sorted(code.calls) for code in codes] == [[0, 1, 2]]


def test_a_bound_call_keeps_its_memory(backend: OpenCLBackend) -> None:
    """Two calls of one program, made in turn."""
    (made,) = backend.compile([ks.copy(dt.float32, 3)])
    arrays = [np.full(3, value, np.float32) for value in (1, 2)]
    memory = [(backend.allocate(12), backend.allocate(12)) for _ in arrays]
    calls = []
    for (out, source), array in zip(memory, arrays, strict=True):
        backend.upload(source, array)
        calls.append(made.bind((out, source)))
    for call in (*calls, *calls):
        call()
    for (out, _), array in zip(memory, arrays, strict=True):
        found = np.empty_like(array)
        backend.download(out, found)
        np.testing.assert_array_equal(found, array)


def test_kernels_of_the_same_name_stay_apart(backend: OpenCLBackend) -> None:
    one, other = ks.sum_rows(3, 9), ks.sum_rows(5, 7)
    made = backend.compile([one, other, one])
    assert len({id(p) for p in made}) == 3
    x = np.arange(35, dtype=np.float32)
    np.testing.assert_allclose(run(backend, other, x), x.reshape(5, 7).sum(1))


@pytest.mark.parametrize("name", ["constant", "exp", "float4", "kernel", "get_global_id"])
def test_names_that_mean_something_in_c(backend: OpenCLBackend, name: str) -> None:
    kernel = ks.copy(dt.float32, 3)
    renamed = Kernel(name, kernel.ranges, kernel.outputs, kernel.buffers)
    x = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(run(backend, renamed, x), x)


def test_a_kernel_without_elements_has_no_program(backend: OpenCLBackend) -> None:
    assert backend.compile([ks.chain(0, 4)]) == []
    assert backend.compile([]) == []
    assert backend.describe(ks.chain(0, 4)) == "no elements"


def test_programs_say_what_they_are(backend: OpenCLBackend) -> None:
    kernel = ks.matmul(48, 64, 100)
    (made,) = backend.compile([kernel])
    assert "__kernel" in made.source and "matmul" in made.source
    assert "contraction" in backend.describe(kernel)
    assert "work-items in groups of" in made.code.geometry


def test_timed_launch(backend: OpenCLBackend) -> None:
    kernel = ks.chain(64, 64)
    (made,) = backend.compile([kernel])
    memory = [backend.allocate(spec.nbytes) for spec in kernel.buffers]
    for place, array in zip(memory[1:], ks.inputs_of(kernel), strict=True):
        backend.upload(place, array)
    (seconds,) = made.launch_timed(memory)
    assert 0 < seconds < 10


def test_a_program_that_does_not_compile_shows_the_line(backend: OpenCLBackend) -> None:
    source = "__kernel void bad_1(__global float *x) {\n  x[0] = 1.0f;\n  x[1] = nonsense;\n}\n"
    with pytest.raises(DeviceError) as error:
        program.build(backend.context, backend.device, source, [])
    message = str(error.value)
    assert message.startswith("[opencl]")
    assert "nonsense" in message
    assert ">    3   x[1] = nonsense;" in message


def test_float64_needs_a_device_that_has_it(backend: OpenCLBackend) -> None:
    limited = OpenCLBackend()
    limited.target = Target(units=1, lanes=4, float64=False)
    with pytest.raises(DeviceError, match="no float64 .in copy.; *\n?cast to float32"):
        limited.compile([ks.copy(dt.float64, 4)])


# -- text ---------------------------------------------------------------------------------------


def test_preludes_hold_what_is_used() -> None:
    text = prelude("LOAD_float8(p) CONVERT(int8, x)", Dialect(packed=True))
    assert "packed_float8" in text and "define CONVERT" in text
    assert "cl_khr_fp64" not in text and "bfloat16" not in text
    assert "vload8(0, p)" in prelude("LOAD_float8(p)", Dialect(packed=False))


@pytest.mark.parametrize(
    ("value", "of", "text"),
    [
        (1, dt.float32, "1.0f"), (-0.5, dt.float32, "(-0.5f)"), (1e30, dt.float64, "1e+30"),
        (float("inf"), dt.float32, "INFINITY"), (float("nan"), dt.float64, "(double)(NAN)"),
        (3.4e39, dt.float32, "INFINITY"), (-(1 << 31), dt.int32, "(-2147483647 - 1)"),
        ((1 << 64) - 1, dt.uint64, "18446744073709551615ul"), (True, dt.bool_, "true"),
        (-1, dt.uint8, "255"), (0.1, dt.float16, "0.1f"),
    ],
)  # fmt: skip
def test_literals(value: float, of: dt.DType, text: str) -> None:
    assert spelling.literal(value, of) == text


def test_what_the_driver_reports_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object, **options: object) -> None:
        raise cl.RuntimeError("clEnqueueNDRangeKernel failed: OUT_OF_RESOURCES")

    x = Tensor([1.0, 2.0], device="GPU")
    with monkeypatch.context() as patched:
        patched.setattr(cl, "enqueue_nd_range_kernel", failing)
        with pytest.raises(DeviceError, match=r"failed .*OUT_OF_RESOURCES.*smaller batches"):
            (x + 5).realize()
    with monkeypatch.context() as patched:
        patched.setattr(cl, "enqueue_copy", failing)
        with pytest.raises(DeviceError, match="OUT_OF_RESOURCES"):
            x.numpy()
    assert (x + 5).tolist() == [6.0, 7.0]


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_a_vector_of_bools_is_no_vector_of_numbers(lanes: int) -> None:
    """A type by which code could take one for the other is one that it does take for it."""
    of_bools = spelling.register(dt.bool_, lanes)
    assert of_bools not in {spelling.register(of, lanes) for of in dt.ALL if of is not dt.bool_}
    assert f"typedef int{lanes} {of_bools};" in prelude(f"{of_bools} x", Dialect())


def test_an_interrupt_between_two_arguments_mixes_no_launches(backend: OpenCLBackend) -> None:
    (copy,) = backend.compile([ks.copy(dt.float32, 5)])
    places = [backend.allocate(20) for _ in range(4)]
    for place, value in zip(places, (0, 1, 0, 2), strict=True):
        backend.upload(place, np.full(5, value, np.float32))
    first, second = copy.bind(places[:2]), copy.bind(places[2:])
    first()
    function = copy._function

    class Interrupted:
        def set_arg(self, position: int, argument: object) -> None:
            if argument is places[3]:
                raise KeyboardInterrupt
            function.set_arg(position, argument)

    copy._function = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        second()
    copy._function = function
    backend.upload(places[0], np.zeros(5, np.float32))
    first()
    found = [np.empty(5, np.float32) for _ in range(2)]
    for place, array in zip((places[0], places[2]), found, strict=True):
        backend.download(place, array)
    assert [array.tolist() for array in found] == [[1.0] * 5, [0.0] * 5]
