"""What the numbers of an expression are called."""

import pytest

from scalargrad import Value, sum
from scalargrad.graph.model import read
from scalargrad.graph.names import Names, is_name, law


def names(*labels):
    """What inputs with these labels are called."""
    found = Names(read([sum([Value(1.0, label=label) for label in labels])]))
    return [found[i] for i in range(len(labels))]


def test_a_label_is_the_name():
    assert names("x", "w1", "mlp.w[0]", "β₁", "漢字") == ["x", "w1", "mlp.w[0]", "β₁", "漢字"]


def test_without_a_label_the_number_is_the_name():
    assert names("", "") == ["#0", "#1"]


def test_a_label_used_twice_goes_with_the_number():
    assert names("w", "x", "w") == ["w#0", "x", "w#2"]


def test_a_label_that_could_be_taken_for_something_else_is_quoted():
    assert names("a + b", "#1", "σ(x)", " ", "2", "x²") == ["'a + b'", "'#1'", "'σ(x)'", "' '", "'2'", "'x²'"]


def test_a_long_label_is_cut():
    assert names("x" * 50) == [f"'{'x' * 15}…'"]


def test_labels_that_are_cut_to_the_same_are_told_apart():
    assert len(set(names("x" * 50 + "1", "x" * 50 + "2"))) == 2


def test_a_constant_is_its_number():
    assert Names(read([Value(1.0) * -2.5]))[1] == "−2.5"


@pytest.mark.parametrize("name", [*names("x", "a + b", ""), *names("w", "w")])
def test_every_name_is_known_as_one(name):
    assert is_name(name)


@pytest.mark.parametrize("formula", ["2", "2·x", "σ(x)", "1 − x", "x²", "x if x > 0 else y"])
def test_a_formula_is_no_name(formula):
    assert not is_name(formula)


def test_the_derivative_of_an_infix_operation_has_it_in_parentheses():
    assert law("(a + b)·(c)", "a", "1") == "d((a + b)·(c))/da = 1"


def test_more_operands_than_there_are_places_have_no_formula():
    x = Value(1.0)
    found = Names(read([sum([x] * 70_000)]))
    assert set(found.slopes(1)) == {""}
