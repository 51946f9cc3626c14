"""Random programs, from the shipped strategies, with shared operands, constants, branches and n-ary rows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import Tape, Value, gradients
from scalargrad.testing import check_gradients
from scalargrad.testing.strategies import expressions


@given(expressions())
@settings(max_examples=150, deadline=None)
def test_the_gradient_of_a_random_program_is_the_true_one(program):
    with Tape():
        check_gradients(program, *program.inputs, order=1)


@given(expressions())
@settings(deadline=None)
def test_the_values_of_a_random_program_are_those_of_the_same_program_on_floats(program):
    with Tape():
        assert program(*program.values()).data == program(*program.inputs)


@given(expressions(), st.floats(-2, 2))
@settings(deadline=None)
def test_a_gradient_does_not_depend_on_what_else_is_on_the_tape(program, other):
    results = []
    for others in (0, 5):
        with Tape():
            kept = [Value(other) * k for k in range(others)]
            xs = program.values()
            y = program(*xs)
            kept += [x * 2 for x in xs]
            results.append(gradients(y, xs))
    assert str(results[0]) == str(results[1])
