"""What schedules decide, and the shape of the nests that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from lazygrad import element_types as dt, ops
from lazygrad.codegen import nest, seams
from lazygrad.codegen.choose import loop_nest, schedule
from lazygrad.codegen.nest import (
    Accumulate,
    Array,
    Declare,
    Divide,
    Fetch,
    Gather,
    Get,
    If,
    Last,
    Load,
    Loop,
    Move,
    Pointer,
)
from lazygrad.codegen.normal import normal
from lazygrad.codegen.schedule import Schedule, Walk, segments
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from tests.codegen import kernels as ks

CPU = Target(units=2, lanes=8)
GPU = Target(units=100, lanes=4, is_gpu=True, max_group=256)


def scheduled(kernel: Kernel, target: Target = CPU) -> Schedule:
    return schedule(normal(kernel), target)


def written(kernel: Kernel, target: Target = CPU) -> nest.LoopNest:
    made = loop_nest(kernel, target)
    assert made is not None
    return made


def innermost(loop_nest: nest.LoopNest) -> list[Loop]:
    """The loops that hold no other, in order."""
    loops = [s for s in nest.walk(loop_nest.body) if isinstance(s, Loop)]
    return [s for s in loops if not any(isinstance(inner, Loop) for inner in s.body)]


def _is_exp(statement: nest.Statement) -> bool:
    return isinstance(statement, nest.Let) and statement.op is ops.EXP


def count(statements: tuple[nest.Statement, ...]) -> Counter[type]:
    return Counter(type(s) for s in statements)


# -- steps --------------------------------------------------------------------------------------

WALKS = [
    Walk(), Walk(3), Walk(6), Walk(8, 8), Walk(32, 8), Walk(16, 8, whole_tail=True),
    Walk(10, 8), Walk(7, 4, whole_tail=True), Walk(cuts=(0, 1)), Walk(cuts=(1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_segments_visit_every_element_once(walk: Walk) -> None:
    for size in range(walk.tile, 100):
        visited = [
            segment.start + step * segment.tile + offset + lane
            for segment in segments(size, walk)
            for step in range(segment.steps)
            for offset, lanes in segment.pieces()
            for lane in range(lanes)
        ]
        assert visited == list(range(size))


# -- seams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [ks.beside, ks.beside_summed])
def test_pieces_side_by_side_are_loops_of_their_own_that_check_nothing(
    build: Callable[..., Kernel],
) -> None:
    arguments = (4, 6) if build is ks.beside_summed else (4,)
    statements = [*nest.walk(written(build(*arguments, 40, 20, 3, 19)).body)]
    assert not any(isinstance(s, nest.Gather | nest.Test | nest.Keep) for s in statements)
    read = {s.place.pointer[:3] or f"in{s.place.slot}" for s in statements if isinstance(s, Load)}
    assert read == {"in1", "in2", "in3", "in4"}


@pytest.mark.parametrize("kernel", [ks.beside(1, 40, 20), ks.beside(4, *range(1, 12))])
def test_seams_are_checked_where_units_would_have_nothing_to_share_or_loops_are_too_many(
    kernel: Kernel,
) -> None:
    over = kernel.ranges[-1]
    assert seams.find(kernel, CPU).get(over, ()) == ()
    assert seams.without(kernel, seams.find(kernel, CPU)) == kernel


@pytest.mark.parametrize("backwards", [False, True])
def test_seams_are_where_pieces_meet(backwards: bool) -> None:
    kernel = ks.beside(4, 21, 16, 9, backwards=backwards)
    found = seams.find(kernel, CPU).get(kernel.ranges[-1], ())
    assert found == ((9, 25) if backwards else (21, 37))
    assert seams.find(kernel, CPU).get(kernel.ranges[0], ()) == ()
    assert seams.find(kernel, GPU).get(kernel.ranges[-1], ()) == ()


# -- contractions -------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [33, 60, 70, 96, 100, 250])
def test_a_width_that_vectors_do_not_divide_is_no_reason_to_put_others_together(
    columns: int,
) -> None:
    wide = Target(units=2, lanes=16, registers=32)
    found = scheduled(ks.matmul(4096, columns, 80), wide)
    assert found.notes == ("contraction: vectors of n, rows of m",) and not found.panels


def test_a_tile_loads_each_row_and_each_column_once() -> None:
    made = written(ks.matmul(48, 64, 100))
    body = count(innermost(made)[0].body)
    assert body[Load] == 6 + 2
    assert body[Accumulate] == 6 * 2
    assert sum(body.values()) == 8 + 12


def test_what_a_row_of_a_tile_needs_is_fetched_while_the_sum_runs() -> None:
    made = written(ks.matmul(48, 64, 100))
    fetches = [s for s in nest.walk(made.body) if isinstance(s, Fetch)]
    (part,) = [s for s in nest.walk(made.body) if isinstance(s, Loop) and fetches[0] in s.body]
    assert [str(f.place.offset) for f in fetches] == ["64*k_part", "64*k_part + 8"]
    assert all(f.written for f in fetches)
    assert part.stop.const == 6  # a row each
    (inner,) = innermost(made)
    assert (str(inner.start), str(inner.stop), inner.limit) == (
        "17*k_part", "17*k_part + 17", 100,
    )  # fmt: skip


def test_short_sums_and_gpus_fetch_nothing() -> None:
    for made in (written(ks.matmul(48, 64, 7)), written(ks.matmul(48, 64, 100), GPU)):
        assert not any(isinstance(s, Fetch) for s in nest.walk(made.body))


def test_vectors_that_reach_over_an_edge_come_from_inside_and_are_moved() -> None:
    made = written(ks.conv2d(8, 1, 6, 28, 5, padding=2), Target(units=2, lanes=16, registers=32))
    found = count(tuple(nest.walk(made.body)))
    assert found[Accumulate] == 6 * 3 * 5  # rows, vectors of 16 + 8 + 4, elements of the window
    assert found[Move] == 4 and not found[Gather]


def test_long_rows_have_steps_of_their_own_at_the_edges() -> None:
    made = written(ks.conv2d(1, 1, 2, 80, 3, padding=1))
    assert any("cut at 16 and 64" in line for line in made.plan)
    found = count(tuple(nest.walk(made.body)))
    assert found[Move] == 2 and not found[Gather]


def test_a_window_of_results_is_lanes_of_a_long_sum() -> None:
    made = written(ks.conv2d_weight_gradient(2, 8, 1, 1, 28, 5, padding=2))
    (step,) = [s for s in innermost(made) if (s.start.const, s.stop.const) == (2, 26)]
    assert set(count(step.body)) == {Load, Accumulate}
    assert count(step.body)[Accumulate] == 2  # vectors of 4 + 1


def test_the_rows_of_a_convolution_are_taken_apart_outside_of_the_sum() -> None:
    made = written(ks.conv2d(16, 32, 64, 13, 3))
    loop = innermost(made)[0]
    assert count(loop.body)[Accumulate] == 12
    assert set(count(loop.body)) == {Load, Accumulate}
    assert count(tuple(nest.walk(made.body)))[Divide] > 0


def test_guards_of_the_rows_are_decided_outside_of_the_innermost_loop() -> None:
    made = written(ks.conv2d_input_gradient(8, 32, 64, 13, 3))
    loads = [s for s in innermost(made)[0].body if isinstance(s, Load)]
    assert loads and not any(load.guard for load in loads)
    guarded = [s for s in nest.walk(made.body) if isinstance(s, Pointer) and s.guard]
    assert (len(guarded), made.zeros) == (6, 64 * 4)
    skipped = [s for s in nest.walk(made.body) if isinstance(s, If)]
    assert len(skipped) == 2  # the row that is left over steps over what it does not see


def test_the_innermost_sum_walks_along_the_memory_of_the_rows() -> None:
    plan = scheduled(ks.conv2d(8, 32, 64, 13, 3))
    (total,) = plan.kernel.reductions()
    innermost_range = total.arg.ranges[-1]
    rows = total.src[0].src[0]
    assert rows.arg.index.coefficient(innermost_range) == 1


def test_columns_that_lie_far_apart_are_copied() -> None:
    made = written(ks.matmul(128, 1024, 64))
    assert count(innermost(made)[1].body)[Get] == 2
    near = written(ks.matmul(128, 64, 64))
    assert not any(isinstance(s, Get) for s in nest.walk(near.body))


def test_the_inside_of_an_image_is_summed_without_checks() -> None:
    made = written(ks.conv2d_weight_gradient(4, 16, 32, 32, 16, 3, padding=1))
    loops = [s for s in innermost(made) if s.stop.const - s.start.const == 14]
    assert loops
    for loop in loops:
        assert set(count(loop.body)) == {Load, Accumulate}
        assert not any(s.guard for s in loop.body if isinstance(s, Load))


def test_the_sums_of_a_window_are_rows_of_one_tile() -> None:
    made = written(ks.conv2d_pooled(8, 32, 64, 13, 3, 2), Target(units=2, lanes=16, registers=32))
    loop = innermost(made)[0]
    assert count(loop.body) == {Load: 4 + 4, Accumulate: 4 * 4}
    maxima = [s for s in nest.walk(made.body) if isinstance(s, nest.Let) and s.op is ops.MAX]
    assert len(maxima) == 4 * (4 + 3)  # of 4 vectors: the relu of each element, and the window


@pytest.mark.parametrize("name", ["three_products", "unpacked", "guarded_product"])
def test_these_are_tiles_too(name: str) -> None:
    made = written(ks.CASES[name]())
    assert any("contraction" in line for line in made.plan)
    loop = max(innermost(made), key=lambda s: count(s.body)[Accumulate])
    assert set(count(loop.body)) <= {Load, Get, nest.Test, Accumulate}


def test_vectors_that_lie_apart_are_put_together_once_for_all_rows() -> None:
    made = written(ks.unpacked(70, 19, 11))
    gathers = [s for s in nest.walk(made.body) if isinstance(s, nest.Gather)]
    fills = [loop for loop in innermost(made) if any(isinstance(s, nest.Put) for s in loop.body)]
    assert all(any(g in loop.body for loop in fills) for g in gathers if g.lanes == 8)


def test_a_narrow_result_is_one_step_of_columns() -> None:
    plan = scheduled(ks.matmul(128, 10, 64))
    (columns,) = [r for r in plan.order if r.size == 10]
    assert plan.walk(columns) == Walk(10, 8, whole_tail=True)


# -- everything else ----------------------------------------------------------------------------


def test_contiguous_ranges_merge() -> None:
    assert [r.size for r in scheduled(ks.copy(dt.float32, 24)).order] == [24]
    assert [r.size for r in normal(ks.pool(2, 8, 4)).ranges] == [4, 2, 8]
    assert [r.size for r in normal(ks.sum_all(9, 31)).reductions()[0].arg.ranges] == [279]


def test_columns_are_summed_a_vector_at_a_time() -> None:
    body = innermost(written(ks.sum_columns(50, 64)))[0].body
    assert count(body) == {Load: 8, Accumulate: 8}


def test_a_long_row_has_several_accumulators() -> None:
    made = written(ks.sum_rows(4, 1000))
    vectors = [s for s in nest.walk(made.body) if isinstance(s, Declare) and s.lanes == 8]
    assert len(vectors) == 4


def test_what_streams_is_read_half_a_cache_line_at_a_time() -> None:
    wide = Target(units=2, lanes=16, registers=32)
    widest = {
        name: max(s.lanes for s in nest.walk(written(kernel, wide).body) if isinstance(s, Load))
        for name, kernel in {
            "long": ks.sum_rows(40, 1024),
            "short": ks.sum_rows(40, 128),
            "down": ks.sum_columns(40, 4096),
            "down few": ks.sum_columns(40, 512),
            "written again": ks.softmax(40, 1024),
        }.items()
    }
    expected = {"long": 8, "short": 16, "down": 8, "down few": 16, "written again": 16}
    assert widest == expected


@pytest.mark.parametrize(("columns", "kept"), [(64, [64]), (61, []), (1 << 14, [])])
def test_exponentials_of_a_row_are_kept(columns: int, kept: list[int]) -> None:
    """The output divides what the sum has added up; a row that ends within a vector or does not
    stay in cache is computed again."""
    made = written(ks.softmax(5, columns))
    loops = [loop for loop in innermost(made) if any(_is_exp(s) for s in loop.body)]
    assert (len(loops) == 1) == bool(kept)
    arrays = [s for s in nest.walk(made.body) if isinstance(s, Array)]
    assert [array.count * array.lanes for array in arrays] == kept


def test_small_windows_are_written_out() -> None:
    made = written(ks.pool(4, 64, 8))
    assert count(innermost(made)[0].body)[Load] == 4
    assert not any(isinstance(s, Declare) for s in nest.walk(made.body))


def test_reductions_of_the_same_row_share_a_loop() -> None:
    made = written(ks.moments(4, 256))
    assert len(innermost(made)) == 2  # both sums, then the normalised row


def test_what_is_left_over_is_done_by_the_last_item_only() -> None:
    made = written(ks.matmul(601, 64, 700))
    (last,) = [s for s in nest.walk(made.body) if isinstance(s, Last)]
    every = [s for s in nest.walk(made.body) if isinstance(s, Accumulate)]
    left_over = [s for s in nest.walk(last.body) if isinstance(s, Accumulate)]
    assert last.value < made.items
    assert len(left_over) == 2
    assert len(every) - len(left_over) == 12


def test_a_panel_is_copied_by_few_items() -> None:
    wide = Target(units=2, lanes=16, registers=32)
    assert written(ks.matmul(128, 512, 1024), wide).items == 16
    assert written(ks.matmul(512, 128, 1024), wide).items == 32  # as many columns as it takes


def test_cpus_get_few_items_and_small_kernels_one() -> None:
    assert written(ks.chain(1, 100)).items == 1
    assert written(ks.chain(4000, 1000)).items == 4 * 8
    assert written(ks.chain(4000, 1000)).group == 1


def test_gpus_get_an_item_a_step_in_groups() -> None:
    made = written(ks.chain(400, 1000), GPU)
    assert made.items == 400 * 250
    assert made.group == 128


def test_vectors_are_no_wider_than_the_widest_dtype_allows() -> None:
    def lanes(kernel: Kernel) -> int:
        return max(s.lanes for s in nest.walk(written(kernel).body) if isinstance(s, Load))

    assert lanes(ks.copy(dt.float32, 64)) == 8
    assert lanes(ks.copy(dt.float64, 64)) == 4
    assert lanes(ks.cast(dt.int64, dt.float32, 64)) == 4
    assert lanes(ks.copy(dt.int8, 64)) == 8


def test_large_buffers_need_wide_integers() -> None:
    assert not scheduled(ks.chain(1000, 1000)).wide
    assert scheduled(ks.chain(50_000, 50_000)).wide


@pytest.mark.parametrize("name", ks.CASES)
def test_nests_stay_short(name: str) -> None:
    """Compile time is what a user waits for first."""
    made = loop_nest(ks.CASES[name](), CPU)
    assert made is None or len(list(nest.walk(made.body))) < 400


# -- groups of a GPU ----------------------------------------------------------------------------


def test_a_row_is_shared_by_a_group() -> None:
    made = written(ks.softmax(50, 300), GPU)
    assert made.together and (made.items, made.group) == (50 * 256, 256)
    kinds = count(tuple(nest.walk(made.body)))
    assert kinds[nest.Combine] == 2  # the maximum and the sum
    loops = [s for s in nest.walk(made.body) if isinstance(s, Loop)]
    assert [(str(s.start), str(s.stop), s.step) for s in loops] == [("member", "300", 256)] * 3


def test_all_of_a_group_pass_where_it_combines() -> None:
    """Never inside a loop or a condition, which some would leave early."""
    for kernel in (ks.softmax(50, 300), ks.sum_rows(20, 100), ks.argmax_rows(7, 90)):
        made = written(kernel, GPU)
        found = [s for s in nest.walk(made.body) if isinstance(s, nest.Combine)]
        assert found and all(s in made.body for s in found)


def test_one_of_a_group_writes_what_all_have_computed() -> None:
    made = written(ks.sum_rows(20, 100), GPU)
    (last,) = [s for s in made.body if isinstance(s, Last)]
    assert (last.variable, last.value) == ("member", 0)
    assert count(last.body)[nest.Store] == 1


@pytest.mark.parametrize(
    "kernel",
    [ks.sum_rows(40, 5), ks.sum_columns(300, 400), ks.nested(4, 40, 50), ks.matmul(64, 64, 64)],
    ids=["short rows", "along the other axis", "a sum inside a sum", "a contraction"],
)
def test_other_reductions_are_not_shared(kernel: Kernel) -> None:
    assert not written(kernel, GPU).together


def test_a_device_without_groups_shares_nothing() -> None:
    assert not written(ks.softmax(50, 300), Target(units=4, lanes=4, is_gpu=True)).together
