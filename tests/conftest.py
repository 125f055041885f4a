"""Fixtures for all tests: the devices, and ambient state put back after each test."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ["LAZYGRAD_CACHE"] = "0"  # nothing that an earlier run compiled, here or in subprocesses
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # subprocesses read what the first one compiled

from lazygrad import manual_seed, modes
from lazygrad.runtime.program import CompiledPlan
from lazygrad.waiting import waiting
from tests.devices import NEEDS, marks_of, unit_of

# The same examples in every run; "long" looks for new ones.
settings.register_profile(
    "quick",
    max_examples=24,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", settings.get_profile("quick"), max_examples=2000, derandomize=False
)
settings.load_profile("quick")


AHEAD = 16  # tests that a worker is given
LAST = 1000  # units


class Ids(list[str]):
    """Of tests; each is looked up once."""

    def __init__(self, ids: Iterable[str]) -> None:
        super().__init__(ids)
        self._places = {name: place for place, name in enumerate(self)}

    def index(self, name: str, *between: Any) -> int:  # type: ignore[override]
        return self._places[name]


def pytest_collection_finish() -> None:
    """Collections of garbage need not look at ten thousand tests each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of ``pytest -n``: tests that share what takes long to make stay together."""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

        def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
            """Forgets what is done: there are ten thousand units, looked at after each test."""
            for unit in [unit for unit, tests in workload.items() if all(tests.values())]:
                del workload[unit]
            return super()._pending_of(workload)

        def add_node_collection(self, node: Any, collection: Any) -> None:
            super().add_node_collection(node, collection)
            self.registered_collections[node] = Ids(collection)

        def _reschedule(self, node: Any) -> None:
            """Some tests more than one at a time, so that a worker need not wait for the next
            one; in the end each by itself, so that all have something to do."""
            super()._reschedule(node)
            while len(self.workqueue) > LAST and not node.shutting_down:
                if self._pending_of(self.assigned_work[node]) >= AHEAD:
                    return
                self._assign_work_unit(node)

    return Units(config, log)


@pytest.fixture(params=[pytest.param(name, marks=marks_of(name)) for name in NEEDS])
def device(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    return str(request.param)


@pytest.fixture(autouse=True)
def ambient_state() -> Iterator[None]:
    """Every test starts from the same seed, with nothing that an earlier one left to be computed,
    and leaves no mode behind."""
    manual_seed(0)
    waiting.drop(waiting.handles(NEEDS))
    yield
    left = (modes.ambient.grad_enabled, modes.ambient.trace)
    modes.ambient.grad_enabled, modes.ambient.trace = True, None
    assert left == (True, None), f"a test left modes {left} behind"


@pytest.fixture
def young_objects_only() -> None:
    """Collections look at what the test makes, which is quick, not at all that was there before."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def plans_run(monkeypatch: pytest.MonkeyPatch) -> list[CompiledPlan]:
    """The plans that run in the test, in order; a test may clear what it has seen."""
    plans: list[CompiledPlan] = []
    run = CompiledPlan.run
    monkeypatch.setattr(
        CompiledPlan, "run", lambda plan, *given: plans.append(plan) or run(plan, *given)
    )
    return plans
