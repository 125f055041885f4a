"""The long form: ``python -m tests.fuzz --programs 20000 --seed 0 --backend both``.

Workers are processes of their own, each with a share of the seeds, so that a crash or a program
that never ends costs one batch: its programs then run alone, and those that crash are reported.
``--out`` keeps what is done, one JSON line a batch; a later call goes on where it ended.
``--program SEED`` shows one program and what differs. ``--transforms`` is another kind of programs:
nested transforms of functions, against dual numbers in NumPy (``tests/fuzz/transforms``).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any


class Kind:
    """What kind of programs this process runs, and how."""

    transforms = False
    timeout = 240.0  # seconds for a batch

    @property
    def module(self) -> Any:
        """What makes, runs and compares them."""
        return importlib.import_module(f"tests.fuzz{'.transforms' * self.transforms}.hunt")


KIND = Kind()
BATCH = 16  # programs in one plan
LIFE = 320  # programs of one worker process: what it compiled is freed with it


def main() -> int:
    options = _options()
    KIND.transforms, KIND.timeout = options.transforms, options.timeout
    devices = {"both": ("CPU", "GPU")}.get(options.backend, (options.backend,))
    if options.worker:
        _work(options.seed, options.programs, devices)
        return 0
    if options.program is not None:
        return _show(options.program, devices)
    out = Path(options.out)
    done = {batch["seed"] for batch in _lines(out)}
    starts = range(options.seed, options.seed + options.programs, BATCH)
    todo = [s for s in starts if s not in done]
    began = time.monotonic()
    queue: Queue[list[int]] = Queue()
    for at in range(0, len(todo), LIFE // BATCH):
        queue.put(todo[at : at + LIFE // BATCH])
    threads = [Thread(target=_drain, args=(queue, out, options.backend, len(todo), began))
               for _ in range(options.workers)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = set(starts)
    return _summary([b for b in _lines(out) if b["seed"] in wanted], time.monotonic() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program")
    parser.add_argument("--backend", choices=("CPU", "GPU", "both"), default="both")
    parser.add_argument("--transforms", action="store_true", help="programs of nested transforms")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=KIND.timeout, help="seconds for a batch")
    parser.add_argument("--out", default="fuzz.jsonl", help="what is done; delete it to start anew")
    parser.add_argument("--program", type=int, help="show the program of this seed, run alone")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# -- workers -----------------------------------------------------------------------------------


def _work(seed: int, programs: int, devices: tuple[str, ...]) -> None:
    """Batches one after the other, each reported as a line of JSON."""
    import warnings

    warnings.simplefilter("ignore")
    step = min(BATCH, programs)
    for start in range(seed, seed + programs, step):
        tally = KIND.module.hunt(range(start, start + step), devices)
        print(json.dumps({"seed": start, **tally.as_dict()}), flush=True)


def _drain(queue: Queue[list[int]], out: Path, backend: str, total: int, began: float) -> None:
    while True:
        try:
            starts = queue.get_nowait()
        except Empty:
            return
        for run in _consecutive(starts):
            _run(run, out, backend)
        batches = len(_lines(out))
        left = queue.qsize() * LIFE
        spent = time.monotonic() - began
        print(
            f"{spent:6.0f} s: {batches * BATCH} programs done, about {left} left", file=sys.stderr
        )


def _consecutive(starts: list[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for start in starts:
        if run and start != run[-1] + BATCH:
            yield run
            run = []
        run.append(start)
    if run:
        yield run


def _run(starts: list[int], out: Path, backend: str) -> None:
    """Batches in a worker; where it dies, the batch's programs each in a worker of their own."""
    while starts:
        done, how = _worker(starts[0], len(starts) * BATCH, backend, out)
        starts = starts[done:]
        if not starts:
            return
        found = []
        for seed in range(starts[0], starts[0] + BATCH):
            lines, ended = _worker(seed, 1, backend, None)
            found += [f for line in lines for f in line["found"]] if isinstance(lines, list) else []
            if ended is not None:
                found.append(_crash(seed, ended, backend))
        if not found:
            found = [_crash(starts[0], f"{how}, but none of its programs alone", backend)]
        _append(out, {"seed": starts[0], "programs": BATCH, "steps": 0, "elements": 0, "certain": 0,
                      "found": found})  # fmt: skip
        starts = starts[1:]


def _crash(seed: int, how: str, backend: str) -> dict[str, Any]:
    program, mode = KIND.module.program_of(seed)
    names = " ".join(step.name for step in program.steps)
    found = {"seed": seed, "mode": mode, "device": backend, "what": how}
    return {**found, "cause": f"{how}: {names}", "source": program.source()}


def _worker(seed: int, programs: int, backend: str, out: Path | None) -> tuple[Any, str | None]:
    """Finished batches (their number if they go to ``out``), and how the worker died, if it did."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "--worker", "--seed", str(seed),
               "--programs", str(programs), "--backend", backend,
               *["--transforms"] * KIND.transforms]  # fmt: skip
    environment = {**os.environ, "LAZYGRAD_CACHE": "0", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment)  # fmt: skip
    received: Queue[str | None] = Queue()
    reader = Thread(target=_read, args=(process, received))
    reader.start()
    lines: list[Any] = []
    how = None
    while True:
        try:
            line = received.get(timeout=KIND.timeout)
        except Empty:
            process.kill()
            how = "did not end"
            break
        if line is None:
            break
        if line.startswith("{"):
            lines.append(json.loads(line))
            if out is not None:
                _append(out, lines[-1])
    _, errors = process.communicate()
    reader.join()
    if how is None and process.returncode != 0:
        last = errors.strip().splitlines()[-1:] or [""]
        how = f"exit {process.returncode}: {last[0][:200]}"
    return (len(lines) if out is not None else lines), how


def _read(process: subprocess.Popen[str], received: Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        received.put(line)
    received.put(None)


# -- results -----------------------------------------------------------------------------------


def _append(out: Path, batch: dict[str, Any]) -> None:
    with out.open("a") as file:
        file.write(json.dumps(batch) + "\n")


def _lines(out: Path) -> list[dict[str, Any]]:
    if not out.exists():
        return []
    return [json.loads(line) for line in out.read_text().splitlines() if line.strip()]


def _summary(batches: list[dict[str, Any]], seconds: float) -> int:
    """Everything found, the most frequent cause first; the number of causes is the exit status."""
    causes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in batches:
        for found in batch["found"]:
            causes[found["cause"]].append(found)
    for cause, found in sorted(causes.items(), key=lambda pair: -len(pair[1])):
        devices = "+".join(sorted({f["device"] for f in found}))
        seeds = ", ".join(str(f["seed"]) for f in found[:6])
        shortest = min(found, key=lambda f: len(f["source"]))
        print(f"\n== {len(found)} x {devices}: {cause}\n   seeds {seeds}\n{shortest['source']}")
        print(f"-> {shortest['what']}")
    total = {key: sum(batch[key] for batch in batches)
             for key in ("programs", "steps", "elements", "certain")}  # fmt: skip
    print(f"\n{total['programs']} programs of {total['steps']} lines; "
          f"{total['certain']} of {total['elements']} elements compared; "
          f"{sum(map(len, causes.values()))} disagreements of {len(causes)} causes; "
          f"{seconds:.0f} s")  # fmt: skip
    return min(len(causes), 100)


def _show(seed: int, devices: tuple[str, ...]) -> int:
    case = KIND.module.case_of(seed)
    print(f"# seed {seed}, {case.mode}\n{case.program.source()}")
    found = KIND.module.hunt([seed], devices).found
    for f in found:
        print(f"\n== {f.device}: {f.cause}\n{f.source}\n-> {f.what}")
    return min(len(found), 100)


if __name__ == "__main__":
    sys.exit(main())
