"""The trial on a GPU: finding drivers, surviving what fails, what is written; a short rehearsal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.benchmarks.contenders import CONTENDERS
from tools.benchmarks.frameworks import Unavailable, torch_framework
from tools.benchmarks.process import Worker, WorkerError
from tools.benchmarks.workloads import WORKLOADS
from tools.gpu_trial import cli, compiled, conformance, drivers, house, report, rows, runner
from tools.gpu_trial.drivers import Driver
from tools.gpu_trial.parts import MINUTES, PARTS, Part, allowance

TOOLS = Path(__file__).parents[2] / "tools"


# -- drivers ------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine where NVIDIA's library lies twice, and PoCL is installed properly."""
    host = tmp_path / "usr/local/nvidia/lib64"
    host.mkdir(parents=True)
    (host / "libnvidia-opencl.so.580.1").touch()
    (host / "libnvidia-opencl.so.1").symlink_to("libnvidia-opencl.so.580.1")
    (host / "libcuda.so.1").touch()
    system = tmp_path / "usr/lib/x86_64-linux-gnu"
    system.mkdir(parents=True)
    (system / "libnvidia-opencl.so.1").touch()
    (system / "libigdrcl.so").symlink_to("not there")
    vendors = tmp_path / "etc/OpenCL/vendors"
    vendors.mkdir(parents=True)
    (vendors / "pocl.icd").write_text("libpocl.so.2\n")
    (vendors / "empty.icd").touch()
    (vendors / "README").write_text("not a driver")
    return tmp_path


def test_drivers_are_found_by_name_and_by_place(root: Path) -> None:
    found = drivers.search({}, root)
    assert found.drivers == (
        Driver("libpocl.so.2", str(root / "etc/OpenCL/vendors/pocl.icd")),
        Driver(str(root / "usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.1"), "NVIDIA"),
    )
    assert found.folders[0] == root / "etc/OpenCL/vendors"
    assert root / "usr/local/nvidia/lib64" in found.folders


def test_the_linkers_path_and_the_loaders_setting_come_first(root: Path) -> None:
    host = root / "usr/local/nvidia/lib64"
    own = root / "own"
    own.mkdir()
    (own / "mine.icd").write_text("/opt/mine.so")
    found = drivers.search({"LD_LIBRARY_PATH": f":{host}", "OCL_ICD_VENDORS": str(own)}, root)
    assert [driver.library for driver in found.drivers] == [
        "/opt/mine.so",
        str(host / "libnvidia-opencl.so.1"),
    ]
    one_file = drivers.search({"OCL_ICD_VENDORS": str(own / "mine.icd")}, root)
    assert one_file.drivers[0].library == "/opt/mine.so"


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    found = drivers.search({}, tmp_path)
    assert found.drivers == ()
    assert found.folders == (tmp_path / "etc/OpenCL/vendors",)


LOADER = """\
import json, os, pathlib, time
folder = pathlib.Path(os.environ["OCL_ICD_VENDORS"])
devices = ["always there"]
for icd in sorted(folder.iterdir()):
    library = icd.read_text().strip()
    if "crash" in library: os.abort()
    if "raise" in library: raise OSError("no such symbol")
    if "hang" in library: time.sleep(60)
    if "gpu" in library and "missing" not in library: devices.append("a GPU")
print(json.dumps(devices))
"""


def test_each_driver_is_tried_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "ASK", LOADER)
    monkeypatch.setattr(house, "PATIENCE", 2)
    libraries = ["missing_gpu.so", "crash.so", "raise.so", "hang.so", "none.so"]
    libraries += ["/opt/missing_gpu.so", "/host/gpu.so.1", "/other/gpu.so"]
    always, tried = house.try_drivers([Driver(name, "") for name in libraries], tmp_path)
    assert always == ["always there"]
    outcomes = {one.driver.library: one.devices or one.error for one in tried}
    assert outcomes == {
        "missing_gpu.so": "it has no device",
        "crash.so": "it crashed (signal 6)",
        "raise.so": "OSError: no such symbol",
        "hang.so": "it did not answer within 2 seconds",
        "none.so": "it has no device",
        "/opt/missing_gpu.so": "it has no device",
        "/host/gpu.so.1": ("a GPU",),  # after which another one of that name is not needed
    }
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine")
    variables = house.use_drivers(tried, tmp_path)
    (icd,) = Path(variables["OCL_ICD_VENDORS"]).iterdir()
    assert icd.read_text() == "/host/gpu.so.1\n"
    assert variables["LD_LIBRARY_PATH"] == "/mine:/host"


@pytest.mark.gpu
def test_a_library_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    pytest.importorskip("pyopencl")
    _, (tried,) = house.try_drivers([Driver("/nowhere/libnvidia-opencl.so.1", "NVIDIA")], tmp_path)
    assert tried.devices == ()
    assert "/nowhere/libnvidia-opencl.so.1: cannot open shared object file" in tried.error


def test_the_tree_is_as_if_installed(tmp_path: Path) -> None:
    """Backends are found by entry points, without an installation: isolated from that of tests."""
    code = "from importlib.metadata import entry_points as e\nprint(*sorted(\n"
    code += "f'{p.name}={p.value}' for p in e(group='lazygrad.backends') if p.dist.version == '0'))"
    env = {**os.environ, **house.install(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.split() == [
        "CPU=lazygrad_numpy:NumpyBackend",
        "GPU=lazygrad_opencl:OpenCLBackend",
    ]


# -- time ---------------------------------------------------------------------------------------


def test_what_later_parts_need_is_kept_for_them() -> None:
    parts = [Part("a", "", 10, 100, 1), Part("b", "", 30, 50, 1), Part("c", "", 20, 400, 1)]
    assert allowance(parts, 0, 480, MINUTES) == 100  # its most
    assert allowance(parts, 0, 120, MINUTES) == 70  # less what b and c need
    assert allowance(parts, 1, 15, MINUTES) == 0
    assert allowance(parts, 2, 300, MINUTES) == 300  # the last one gets what is left
    assert allowance(parts, 0, 480, MINUTES / 2) == 50


def test_even_if_every_part_takes_its_most_all_get_their_least() -> None:
    left = 60 * MINUTES
    for number, part in enumerate(PARTS):
        seconds = allowance(PARTS, number, left, MINUTES)
        assert seconds >= part.least
        left -= seconds
    assert left >= 0


# -- running ------------------------------------------------------------------------------------

ITEMS = """\
import os, time
def items():
    print("a driver says hello")
    return ["good", "wrong", "raises", "crashes", "hangs", "last"]
def run(item):
    if item == "raises": raise ValueError("no such thing")
    if item == "crashes": print("the driver's last words", flush=True); os.abort()
    if item == "hangs": time.sleep(60)
    return {"failed": "1, expected 2"} if item == "wrong" else {"process": os.getpid()}
"""


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], tuple[Part, dict[str, str]]]:
    """A part whose module is this text, and the environment in which it is found."""

    def make(text: str) -> tuple[Part, dict[str, str]]:
        (tmp_path / "made_here.py").write_text(text)
        part = Part("made_here", "", 0, 60, 4, package="")
        return part, {**os.environ, "PYTHONPATH": str(tmp_path)}

    return make


def test_a_part_goes_on_after_what_fails(made: Any) -> None:
    part, env = made(ITEMS)
    seen: list[str] = []
    outcome = runner.run_part(part, 60, env, lambda item, result: seen.append(item))
    assert seen == outcome.items == list(outcome.results)
    assert outcome.bad == ["wrong", "raises", "crashes", "hangs"]
    errors = {name: outcome.results[name].get("error") for name in outcome.bad}
    assert errors["wrong"] is None  # what is merely wrong needs no new process
    assert errors["raises"] == "ValueError: no such thing"
    first, *_, last = errors["crashes"].splitlines()
    assert first == "its process ended: crashed with SIGABRT"
    assert last == "the driver's last words"
    assert errors["hangs"] == "hung: it said nothing for 4 seconds"
    assert outcome.results["good"]["process"] != outcome.results["last"]["process"]
    assert outcome.ended == runner.DONE
    assert cli.verdict(outcome).startswith("2 of 6 well, 4 FAILED, in ")


def test_a_part_ends_with_its_time(made: Any) -> None:
    part, env = made(ITEMS.replace('"good", ', '"good", "hangs", '))
    outcome = runner.run_part(part, 2, env, lambda item, result: None)
    assert list(outcome.results) == ["good"]
    assert cli.verdict(outcome).startswith("1 of 7 well, out of time, in ")


def test_a_part_without_items_is_done(made: Any) -> None:
    part, env = made("def items():\n    return []")
    outcome = runner.run_part(part, 60, env, lambda item, result: None)
    assert outcome.ended == runner.DONE
    assert cli.verdict(outcome) == "nothing to do here"


@pytest.mark.parametrize("text", ["import not_in_this_house", "def items():\n    raise OSError"])
def test_a_part_that_does_not_even_begin(made: Any, text: str) -> None:
    part, env = made(text)
    outcome = runner.run_part(part, 60, env, lambda item, result: None)
    assert outcome.ended == runner.FAILED
    first, *_, last = outcome.reason.splitlines()
    assert first == "its process ended: status 1"
    assert last in ("ModuleNotFoundError: No module named 'not_in_this_house'", "OSError")
    assert outcome.results == {}


def test_the_file_is_written_while_a_part_runs(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, env = made(ITEMS.replace('"hangs", ', ""))
    file = tmp_path / "out.json"
    monkeypatch.setattr(cli, "SAVE_EVERY", 0.0)
    found: list[Any] = []

    def shown(name: str, item: str, result: Any, limits: Any) -> list[str]:
        found.append(json.loads(file.read_text())["parts"] if file.exists() else None)
        return []

    monkeypatch.setattr(cli, "shown", shown)
    trial = cli.Trial(file, MINUTES)
    trial.run(part, 60, env)
    assert found[0] is None
    assert list(found[2]["made_here"]["results"]) == ["good", "wrong"]
    assert found[2]["made_here"]["ended"] == "cut off"
    data = json.loads(file.read_text())
    assert data["parts"]["made_here"]["bad"] == ["wrong", "raises", "crashes"]
    assert data["parts"]["made_here"]["ended"] == "done"
    assert data["about"]["minutes"] == MINUTES
    assert trial.close() == 1


def test_a_worker_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import time\ntime.sleep(60)")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with (
        Worker("torch", "mlp_train", 1, env, patience=1.5) as worker,
        pytest.raises(WorkerError, match="did not answer within 1.5 seconds"),
    ):
        worker.begun()


# -- PyTorch ------------------------------------------------------------------------------------


def fake_torch(available: bool) -> Any:
    """As much of PyTorch as setting it up for CUDA takes."""
    calls: list[str] = []
    return SimpleNamespace(
        __version__="0",
        calls=calls,
        cuda=SimpleNamespace(
            is_available=lambda: available, synchronize=lambda: calls.append("synchronize")
        ),
        backends=SimpleNamespace(
            cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True)),
            cudnn=SimpleNamespace(allow_tf32=True, benchmark=False),
        ),
        nn=SimpleNamespace(Module=object, functional=None),
        func=None,
        set_num_threads=lambda count: None,
        channels_last="channels last",
        contiguous_format="contiguous",
    )


@pytest.mark.parametrize("name", ["torch-cuda", "torch-cuda-contiguous", "torch-cuda-compile"])
def test_torch_runs_on_the_device_in_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = fake_torch(available=True)
    monkeypatch.setitem(sys.modules, "torch", torch)
    made = torch_framework.make(2, **CONTENDERS[name].options)
    assert made.device == "cuda"
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32
    made.synchronize()
    assert torch.calls == ["synchronize"]
    assert made.layout == ("contiguous" if "contiguous" in name else "channels last")
    on_cpu = torch_framework.make(2)
    on_cpu.synchronize()
    assert (on_cpu.device, torch.calls) == ("cpu", ["synchronize"])


def test_torch_without_a_device_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch(available=False))
    with pytest.raises(Unavailable, match="sees no CUDA device"):
        torch_framework.make(2, cuda=True)


def test_the_contenders_and_workloads_exist() -> None:
    assert {*rows.CONTENDERS, *compiled.CONTENDERS} <= CONTENDERS.keys()
    assert set(compiled.WORKLOADS) <= WORKLOADS.keys()
    assert not any(CONTENDERS[name].default for name in rows.CONTENDERS if "cuda" in name)


# -- text ---------------------------------------------------------------------------------------

LIMITS = report.Limits(flops=1e12, bandwidth=100e9)
ROW = {"contender": "lazygrad-gpu", "median_ms": 1.0, "over_best_peer": 0.5, "agrees": True}
PEER = {"contender": "torch-cuda", "median_ms": 2.0, "over_best_peer": 1.0, "agrees": True}
RECORD = {"what": "work", "flops": 1e8, "bytes": 1e7, "best_peer": "torch-cuda"}


def test_a_row_tells_rates_shares_and_the_ratio() -> None:
    absent = {"contender": "torch-cuda-compile", "error": "no gcc\nhelp", "unavailable": True}
    record = {**RECORD, "rows": [ROW, PEER, absent]}
    head, ours, peer, missing = report.shown("rows", "matmul", record, LIMITS)
    assert head == "  matmul: work"
    assert ours.split() == [
        *("lazygrad-gpu", "1.00", "ms", "100.0", "GFLOP/s", "10%", "10.0", "GB/s", "10%"),
        *("0.50", "of", "the", "time", "of", "torch-cuda"),
    ]
    assert peer.split()[-1] == "5%"
    assert missing.split() == ["torch-cuda-compile", "not", "here:", "no", "gcc"]
    stream = {**RECORD, "flops": 0, "rows": [{**ROW, "agrees": False}]}
    (_, line) = report.shown("rows", "chain", stream, LIMITS)
    assert "GFLOP/s" not in line
    assert line.endswith("RESULT DIFFERS")


def test_only_our_own_rows_can_fail() -> None:
    assert rows._problem(ROW) == rows._problem({"contender": "torch-cuda", "error": "x"}) == ""
    assert rows._problem({**ROW, "agrees": False}) == "lazygrad-gpu computes something else"
    assert rows._problem({"contender": "lazygrad-gpu", "error": "x"}) == "lazygrad-gpu: x"


def test_limits_are_the_best_that_was_seen() -> None:
    limits = report.Limits()
    for result in ({"flops": 2.0}, {"missing": "no"}, {"flops": 1.0}, {"bandwidth": 3.0}):
        limits.take(result)
    assert limits == report.Limits(2.0, 3.0)
    assert "%" not in report.Limits().rates(1.0, 1.0, 1.0)


def test_kernels_are_shown_the_longest_first() -> None:
    parts = [
        {"name": f"kernel_{i}", "seconds": (i + 1) * 1e-6, "flops": 1000, "bytes": 1000}
        for i in range(report.KERNELS_SHOWN + 2)
    ]
    lines = report.shown("kernels", "cnn_train", {"step": 1e-3, "parts": parts}, LIMITS)
    assert lines[0].startswith("  cnn_train: 1.00 ms a step, of which the device works 351.0 us")
    assert lines[1].endswith(f"kernel_{report.KERNELS_SHOWN + 1}")
    assert lines[-1].split() == ["3.0", "us", "0.9%", "in", "2", "others"]


def test_a_failure_is_shown_with_what_was_said() -> None:
    lines = report.shown("rows", "conv", {"error": "it ended\nlast words"}, LIMITS)
    assert lines == ["  FAILED conv: it ended", "         last words"]
    assert report.shown("conformance", "add float32", {}, LIMITS) == []
    wrong = {"failed": "[add] 1, expected 2"}
    assert report.shown("conformance", "add float32", wrong, LIMITS) == [
        "  FAILED [add] 1, expected 2"
    ]


def test_every_part_can_be_shown() -> None:
    assert report._SHOW.keys() == {part.name for part in PARTS}


# -- the whole ----------------------------------------------------------------------------------


def on_gpu(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / "on_gpu.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    done = on_gpu("--only", "facts,losse")
    assert "no part losse; there are: facts, limits" in done.stderr


def test_without_pyopencl_it_says_how_to_get_it(tmp_path: Path) -> None:
    """In a Python without packages: what is not there is named, and so is where was looked."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-I", "-S", str(TOOLS / "on_gpu.py"), "--json", str(out)]
    code = f"import sys; sys.argv = {command[3:]!r}; sys.path[:0] = [{str(TOOLS)!r}]\n"
    code += "from gpu_trial.cli import main; sys.exit(main())"
    done = subprocess.run([*command[:3], "-c", code], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "pyopencl is not installed" in done.stdout
    assert "python3 -m pip install pyopencl" in done.stdout
    assert "/etc/OpenCL/vendors" in done.stdout
    assert json.loads(out.read_text())["parts"] == {}


@pytest.mark.gpu
@pytest.mark.slow
def test_a_rehearsal(tmp_path: Path) -> None:
    """On whatever device there is, as if it were a GPU; as many ops as a few seconds allow."""
    pytest.importorskip("pyopencl")
    out = tmp_path / "out.json"
    arguments = ["--type", "GPU", "--only", "facts,conformance", "--minutes", "0.5"]
    done = on_gpu(*arguments, "--json", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(out.read_text())
    assert data["drivers"]["always"] or data["drivers"]["tried"]
    facts = data["parts"]["facts"]
    assert facts["ended"] == "done" and facts["bad"] == []
    assert "is_gpu=True" in facts["results"]["lazygrad"]["target"]
    assert facts["results"]["device"]["max_compute_units"] >= 1
    suite = data["parts"]["conformance"]
    assert suite["bad"] == []
    assert suite["results"].keys() <= set(conformance.items())
    assert suite["results"]
    assert "facts: the device" in done.stdout
    assert f"{len(suite['results'])} of {suite['items']} well" in done.stdout
