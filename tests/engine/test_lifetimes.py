"""A row lives while a live Value needs it: nobody clears a tape, and memory stays with what is in use."""

import gc
import tracemalloc
import weakref

import pytest

from scalargrad import Tape, Value, current_tape, no_grad
from scalargrad import sum as sum_of

# ── dying ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_that_is_dropped_leaves_the_tape(tape):
    x = Value(1.0)
    y = x + 1.0
    assert len(tape) == 2
    del y
    assert len(tape) == 1
    assert tape[0] is x


def test_an_operand_lives_while_its_result_does(tape):
    y = Value(1.0) * Value(2.0) + 3.0
    assert len(tape) == 4
    y.backward()
    assert [row.grad for row in tape] == [2.0, 1.0, 1.0, 1.0]
    del y
    assert len(tape) == 0


def test_what_two_results_share_dies_with_the_last(tape):
    x = Value(1.0)
    shared = x * 2.0
    y, z = shared + 1.0, shared + 2.0
    del shared, y
    assert [row.data for row in tape] == [1.0, 2.0, 4.0]
    del z
    assert [row.data for row in tape] == [1.0]


def test_a_row_in_the_middle_can_die(tape):
    x = Value(1.0)
    y = x + 1.0
    z = x + 2.0
    del y
    assert [id(row) for row in tape] == [id(x), id(z)]


def test_a_weak_reference_to_a_value_dies_with_it():
    x = Value(1.0)
    ref = weakref.ref(x)
    assert ref() is x
    del x
    assert ref() is None


def test_a_weak_reference_tells_when_its_value_dies():
    told = []
    x = Value(1.0)
    ref = weakref.ref(x, told.append)
    del x
    assert told == [ref]


def test_a_finalizer_runs_when_its_value_dies():
    told = []
    y = Value(1.0) * 2.0
    weakref.finalize(y, told.append, "gone")
    del y
    assert told == ["gone"]


def test_values_can_key_a_weak_dictionary():
    names = weakref.WeakKeyDictionary()
    x, y = Value(1.0), Value(1.0)
    names[x], names[y] = "x", "y"
    assert (names[x], names[y]) == ("x", "y")
    del x
    assert list(names.values()) == ["y"]


def test_the_tape_does_not_outlive_its_values():
    t = Tape()
    ref = weakref.ref(t)
    with t:
        x = Value(1.0)
    del t
    assert ref() is not None  # x needs it
    assert (x + 1.0).data == 2.0
    del x
    gc.collect()
    assert ref() is None


def test_a_cycle_through_a_value_is_collected(tape):
    class Node:
        pass

    node = Node()
    node.self = node
    node.value = Value(1.0) * 2.0
    assert len(tape) == 2
    del node
    gc.collect()
    assert len(tape) == 0


def test_a_value_in_a_tuple_in_a_cycle_is_collected(tape):
    cycle = [Value(1.0)]
    cycle.append((cycle, cycle[0] + 1.0))
    del cycle
    gc.collect()
    assert len(tape) == 0


def test_an_exception_does_not_keep_rows_once_it_is_gone(tape):
    x = Value(0.0)
    with pytest.raises(ZeroDivisionError):
        (x * 2.0) / (x * 3.0)
    gc.collect()
    assert len(tape) == 1


def test_prev_does_not_keep_the_tape_longer(tape):
    y = Value(1.0) * 2.0
    assert len(y._prev) == 2
    del y
    gc.collect()
    assert len(tape) == 0


# ── staying small ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_of_many_operations_keeps_the_tape_short(tape):
    x = Value(1.0)
    for _ in range(200_000):
        _ = x * 2.0
    assert len(tape) == 2


def test_a_training_loop_keeps_its_memory(tape):
    weights = [Value(0.1 * i) for i in range(10)]

    def step():
        loss = sum_of([(w - 1.0) ** 2 for w in weights])
        loss.backward()
        for w in weights:
            w.data -= 0.1 * w.grad
            w.grad = 0.0

    for _ in range(200):
        step()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(500):
            step()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
    assert len(tape) == 10


def test_a_long_lived_value_between_short_lived_ones_costs_nothing(tape):
    x, kept = Value(1.0), []
    for i in range(20_000):
        y = x + i
        if i % 1000 == 0:
            kept.append(y)
    del y
    assert [id(row) for row in tape] == [id(row) for row in (x, *kept)]


def test_recording_without_gradients_keeps_the_tape_short(tape):
    x = Value(1.0)
    with no_grad():
        for _ in range(10_000):
            x = x * 1.0
    assert len(tape) == 1


def test_entering_many_tapes_leaves_none_behind():
    def use():
        with Tape():
            Value(1.0) * 2.0
        return weakref.ref(current_tape())

    before = current_tape()
    for _ in range(1000):
        use()
    assert current_tape() is before


# ── deep and long ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chain_of_a_million_operations_sweeps_and_is_freed(tape, without_collector):
    y = x = Value(1.0)
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert (y.data, x.grad) == (1_000_001.0, 1.0)
    del y
    assert len(tape) == 1


def test_a_deep_chain_is_freed_under_a_low_recursion_limit(tape, low_recursion_limit):
    y = x = Value(1.0)
    for _ in range(50_000):
        y = y * 1.0
    y.backward()
    del y
    assert (len(tape), x.grad) == (1, 1.0)


def test_a_deep_chain_that_was_looked_at_through_prev_is_freed(tape):
    y = x = Value(1.0)
    for _ in range(20_000):
        y = y * 1.0
        y._prev  # noqa: B018
    del y
    assert len(tape) == 1
    assert x.data == 1.0


def test_a_deep_chain_in_a_cycle_is_freed(tape):
    y = Value(1.0)
    for _ in range(50_000):
        y = y * 1.0
    cycle = [y]
    cycle.append(cycle)
    del y, cycle
    gc.collect()
    assert len(tape) == 0


def test_a_wide_row_is_freed(tape):
    y = sum_of([Value(1.0) for _ in range(50_000)])
    y.backward()
    del y
    assert len(tape) == 0


@pytest.fixture
def without_collector():
    """Reference counting is to do the work; the collector would only walk the million rows again and again."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def low_recursion_limit():
    import sys

    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 60)
    yield
    sys.setrecursionlimit(before)
