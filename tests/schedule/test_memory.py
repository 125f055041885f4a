"""The memory planner: values alive together never share, others do."""

from hypothesis import given, strategies as st

from lazygrad.schedule.memory import Lifetime, assign

LIFETIMES = st.lists(
    st.tuples(st.integers(1, 1000), st.integers(0, 20), st.integers(0, 10)).map(
        lambda t: Lifetime(t[0], t[1], t[1] + t[2])
    ),
    max_size=30,
)


@given(LIFETIMES)
def test_values_alive_together_never_share_and_always_fit(lifetimes: list[Lifetime]) -> None:
    chosen, sizes = assign(lifetimes)
    for i, one in enumerate(lifetimes):
        assert one.nbytes <= sizes[chosen[i]]
        for j in range(i):
            other = lifetimes[j]
            if chosen[i] == chosen[j]:
                assert one.first > other.last or other.first > one.last


def test_a_chain_needs_two_allocations() -> None:
    chain = [Lifetime(100, step, step + 1) for step in range(50)]
    _, sizes = assign(chain)
    assert sizes == [100, 100]


def test_a_small_value_that_is_kept_takes_no_large_allocation() -> None:
    large = [Lifetime(1000, step, step + 1) for step in range(0, 20, 4)]
    kept = [Lifetime(10, step, 100) for step in range(2, 20, 4)]
    _, sizes = assign([*large, *kept])
    assert sum(sizes) < 1100
