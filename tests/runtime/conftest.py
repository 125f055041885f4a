"""What tests of running plans share."""

from __future__ import annotations

import pytest

from lazygrad.runtime.program import CompiledPlan


@pytest.fixture
def plans_run(monkeypatch: pytest.MonkeyPatch) -> list[CompiledPlan]:
    """The plans that run in the test, in order; a test may clear what it has seen."""
    plans: list[CompiledPlan] = []
    run = CompiledPlan.run
    monkeypatch.setattr(
        CompiledPlan, "run", lambda plan, *given: plans.append(plan) or run(plan, *given)
    )
    return plans
