"""The parent's side of a worker: start it, ask it, notice when it dies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

TOOLS = Path(__file__).parents[1]


class WorkerError(Exception):
    """A worker could not do what it was asked; the message is for the report."""

    def __init__(self, message: str, unavailable: bool = False):
        super().__init__(message)
        self.unavailable = unavailable


class Worker:
    """A context manager around one worker process; one that does not answer within ``patience``
    seconds is ended."""

    def __init__(
        self,
        name: str,
        workload: str,
        threads: int,
        env: Mapping[str, str],
        verbose: bool = False,
        patience: float | None = None,
    ):
        command = [sys.executable, "-m", "benchmarks.worker", name, workload, str(threads)]
        self.name, self.verbose, self.patience = name, verbose, patience
        self._late = False
        self.process = subprocess.Popen(
            command,
            cwd=TOOLS,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if verbose else subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def begun(self) -> dict[str, Any]:
        """Wait until the first step has finished."""
        return self._answer()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died; the answer below says so
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        with self._alarm():
            line = self.process.stdout.readline()
        if self._late:
            raise WorkerError(f"it did not answer within {self.patience:g} seconds")
        if not line:
            raise WorkerError(f"its process ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            if self.verbose and "trace" in answer:
                print(answer["trace"], file=sys.stderr)
            raise WorkerError(answer["error"], answer.get("unavailable", False))
        return answer

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        """Ends the process if it lets one wait for too long."""
        if self.patience is None:
            yield
            return
        timer = threading.Timer(self.patience, self._end)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self._late = True
        self.process.kill()
