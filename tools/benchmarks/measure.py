"""Steady speed: the contenders of one workload take turns, round by round."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from .contenders import Contender, environment
from .limits import LIMITS
from .neighbours import QUIET, Watch, quietest
from .process import Worker, WorkerError
from .workload import Workload

CHECKED_STEPS = 4  # TinyJit records in the second step and replays from the third
WARM_UP = 0.3  # seconds
MOST_ROUNDS = 3  # times as many as asked for, when neighbours disturb
TURN = 0.25  # seconds that one turn should last
MOST_STEPS = 2000
LONG = 10.0  # seconds of rounds on a device after which no other one begins


Parts = tuple[float, float, float]  # seconds of the first step, the second, and a later one


@dataclass
class Row:
    """What one contender showed in one workload; `error` says why there is nothing."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)  # per step, one for each round
    cores: list[float] = field(default_factory=list)  # kept busy, on average, in each round
    checks: list[float] = field(default_factory=list)  # the first steps' results
    steps: int = 0  # in each turn
    version: str = ""
    memory: int = 0  # bytes that the process took at most, beyond the imported framework
    error: str = ""
    unavailable: bool = False
    form: str = ""  # how the workload's name ends in this row, where two forms are compared
    parts: list[Parts] = field(default_factory=list)  # one for each new process

    def keep(self, rounds: list[int]) -> None:
        """Forget the other rounds; one that failed on the way has no later ones."""
        self.seconds = [self.seconds[number] for number in rounds if number < len(self.seconds)]
        self.cores = [self.cores[number] for number in rounds if number < len(self.cores)]


@dataclass
class Limits:
    """The best that was seen between the rounds."""

    flops: float = 0.0
    bandwidth: float = 0.0

    def seconds(self, workload: Workload) -> float:
        if not (self.flops and (workload.flops or workload.bytes)):
            return math.nan
        return max(workload.flops / self.flops, workload.bytes / self.bandwidth)


@dataclass
class Result:
    """One table."""

    rows: list[Row]
    limits: Limits = field(default_factory=Limits)
    neighbours: float = 0.0  # cores that other processes kept busy


def measure(
    workload: Workload,
    contenders: list[Contender],
    rounds: int,
    threads: int,
    verbose: bool,
    progress: Callable[[str], None],
    forms: Sequence[str] = ("",),
) -> Result:
    """Run every contender `rounds` times, interleaved; more often where others disturb. What is
    in `forms` ends the names of workloads that are measured beside each other."""
    rows = [Row(contender, form=form) for contender in contenders for form in forms]
    limits = Limits()
    with ExitStack() as stack:
        running = []
        for row in rows:
            progress(f"{workload.name}{row.form}: starting {row.contender.name}")
            env = environment(row.contender, threads)
            name = workload.name + row.form
            worker = Worker(row.contender.name, name, threads, env, verbose)
            stack.enter_context(worker)
            if _start(row, worker):
                running.append((row, worker))
            else:
                worker.close()
        if not running:
            return Result(rows)
        ruler = stack.enter_context(_ruler(threads, verbose))
        disturbed: list[float] = []
        while _rounds_missing(disturbed, rounds):
            progress(f"{workload.name}: round {len(disturbed) + 1} (of {rounds}, if all is quiet)")
            _look_at_limits(ruler, limits)
            disturbed.append(_round(running, len(disturbed)))
        _look_at_limits(ruler, limits)
    kept = quietest(disturbed, rounds)
    for row in rows:
        row.keep(kept)
    return Result(rows, limits, statistics.mean(disturbed[number] for number in kept))


def measure_on_device(
    workload: Workload, contenders: list[Contender], rounds: int, threads: int, patience: float
) -> Result:
    """As `measure`, where the work is not done on this machine's cores: their limits say nothing,
    nobody disturbs, and all can start at the same time. It ends early where rounds take long."""
    rows = [Row(contender) for contender in contenders]
    with ExitStack() as stack:
        workers = []
        for row in rows:
            name, env = row.contender.name, environment(row.contender, threads)
            worker = Worker(name, workload.name, threads, env, patience=patience)
            workers.append(stack.enter_context(worker))
        running = [pair for pair in zip(rows, workers, strict=True) if _start(*pair)]
        start, number = time.perf_counter(), 0
        while number < rounds and time.perf_counter() - start < LONG:
            _round(running, number)
            number += 1
    return Result(rows)


def _rounds_missing(disturbed: list[float], rounds: int) -> bool:
    quiet = sum(cores < QUIET for cores in disturbed)
    return quiet < rounds and len(disturbed) < MOST_ROUNDS * rounds


def _round(running: list[tuple[Row, Worker]], number: int) -> float:
    """One turn each; how many cores others kept busy meanwhile."""
    watch = Watch()
    # Another order each time, so that nobody always follows the same neighbour.
    turn = number % max(1, len(running))
    for row, worker in running[turn:] + running[:turn]:
        _take_turn(row, worker, watch)
    return watch.cores


def _start(row: Row, worker: Worker) -> bool:
    """First steps, warm-up, and how many steps fill a turn."""
    try:
        begun = worker.begun()
        row.version = begun["version"]
        row.checks = worker.ask("check", steps=CHECKED_STEPS)["checks"]
        steps, spent = 1, 0.0
        while True:
            answer = worker.ask("run", steps=steps)
            spent += answer["seconds"]
            per_step = answer["seconds"] / steps
            steps = max(1, min(MOST_STEPS, round(TURN / per_step)))
            if spent >= WARM_UP:
                break
        row.steps, row.memory = steps, answer["memory"] - begun["memory_before"]
        return True
    except WorkerError as error:
        row.error, row.unavailable = str(error), error.unavailable
        return False


def _take_turn(row: Row, worker: Worker, watch: Watch) -> None:
    if row.error:
        return
    try:
        watch.start()
        answer = worker.ask("run", steps=row.steps)
        watch.stop(answer["busy"])
        row.seconds.append(answer["seconds"] / row.steps)
        row.cores.append(answer["busy"] / answer["seconds"])
    except WorkerError as error:
        row.error = str(error)


def _ruler(threads: int, verbose: bool) -> Worker:
    nobody = Contender(LIMITS, LIMITS)
    worker = Worker(LIMITS, "-", threads, environment(nobody, threads), verbose)
    worker.begun()
    return worker


def _look_at_limits(ruler: Worker, limits: Limits) -> None:
    with suppress(WorkerError):
        peak = ruler.ask("measure")
        limits.flops = max(limits.flops, peak["flops"])
        limits.bandwidth = max(limits.bandwidth, peak["bandwidth"])
