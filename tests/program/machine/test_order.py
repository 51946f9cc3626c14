"""The order of instructions: each after those that it needs, and the additions of long sums late."""

from functools import reduce
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.program import record
from scalargrad.program.machine import text
from scalargrad.program.machine.order import needed, period, with_late_sums
from scalargrad.program.machine.symbols import LEAVES, Instructions

pytestmark = pytest.mark.engine_free


@st.composite
def instructions(draw):
    """Some that mostly add, to what was made lately, and the numbers of those that are stored."""
    into = Instructions()
    made = [into.input(i).at for i in range(2)]
    for _ in range(draw(st.integers(1, 60))):
        operation = draw(st.sampled_from(["fadd", "fadd", "fadd", "fmul"]))
        made.append(into.add(operation, draw(st.sampled_from(made[-3:])), draw(st.sampled_from(made))))
    return into, draw(st.lists(st.sampled_from(made), min_size=1, max_size=4, unique=True))


@given(instructions(), st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_each_comes_once_and_after_what_it_needs(both, distance):
    into, stored = both
    order = needed(into, stored)
    found = with_late_sums(into, order, stored, distance)
    assert sorted(found) == sorted(order)
    at = {number: k for k, number in enumerate(found)}
    for number in found:
        for x in into.operands(number):
            assert into.list[x][0] in LEAVES or at[x] < at[number]


def sum_of_squares(terms):
    into = Instructions()
    xs = [into.input(i) for i in range(terms)]
    total = reduce(lambda total, x: total + x * x, xs, into.number(1.0))
    return into, needed(into, [total.at]), [total.at]


def test_the_additions_of_a_long_sum_come_so_much_later_than_their_terms():
    into, order, stored = sum_of_squares(20)
    found = with_late_sums(into, order, stored, 6)
    at = {number: k for k, number in enumerate(found)}
    additions = [number for number in found if into.list[number][0] == "fadd"]
    delays = [at[number] - at[into.list[number][2]] for number in additions]
    assert min(delays[:10]) >= 6  # after that, what is left is put before the last one
    assert additions == [number for number in order if into.list[number][0] == "fadd"]


def test_those_of_a_short_sum_stay():
    into, order, stored = sum_of_squares(20)
    assert with_late_sums(into, order, stored, 50) == order


def test_those_stay_whose_partial_sums_are_used():
    into, order, stored = sum_of_squares(20)
    partial = [number for number in order if into.list[number][0] == "fadd"]
    assert with_late_sums(into, order, [*stored, *partial], 6) == order


def test_those_stay_whose_terms_come_one_out_of_the_other():
    into = Instructions()
    x, total = into.input(0), into.number(1.0)
    for i in range(20):
        x = x * (i + 2.0)
        total = total + x
    order = needed(into, [total.at])
    assert with_late_sums(into, order, [total.at], 6) == order


@pytest.mark.parametrize("turn", [[3.0], [2.0, 0.5, 4.0]])
def test_the_period_is_how_long_a_turn_of_a_loop_is(turn):
    into = Instructions()
    factor, total = into.input(0) * into.input(0), into.number(1.0)
    for i in range(50):
        x = into.input(i + 1)
        for step in turn:
            x = x * factor + step
        total = total + x
    assert period(into, needed(into, [total.at]), 10) == 2 * len(turn) + 1


def test_what_never_comes_again_has_no_period():
    into = Instructions()
    x = into.input(0)
    for i in range(100):
        x = x * (i + 2.0)
    assert period(into, needed(into, [x.at]), 10) == 1


def test_a_long_sum_has_the_bits_of_the_function_that_it_was_recorded_from():
    def f(xs):
        total, others = 0.0, 1.0
        for i, x in enumerate(xs):
            total = total + (3.0 * x * x - x) if i % 3 else x / 7.0 + total
            others = others - x * total if i % 400 == 399 else others + x
        return total, others * total

    xs = np.random.default_rng(0).uniform(-1, 1, 1_500).tolist()
    with mock.patch.object(text, "with_late_sums", wraps=with_late_sums) as late:
        assert record(f, xs, backend="llvm")(xs) == f(xs)
    [(into, order, stored, distance)] = [call.args for call in late.call_args_list]
    assert with_late_sums(into, order, stored, distance) != order
