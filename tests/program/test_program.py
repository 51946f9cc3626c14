"""A Program as an object: how it runs, what it says of itself, which Programs it leads to."""

import numpy as np
import pytest

from scalargrad import Program, ProgramError, Value, draw, exp, grad, gradients, log, record


def f(x, y):
    return x * exp(y) if x > 0 else y


def test_it_runs_on_numbers_and_on_values(backend):
    p = record(f, 1.0, 0.0, backend=backend)
    assert isinstance(p, Program)
    assert p(3.0, 0.0) == 3.0
    x = Value(3.0)
    y = p(x, 0.0)
    assert (y.data, gradients(y, [x])) == (3.0, [1.0])


def test_it_takes_arguments_like_the_example(backend):
    p = record(f, 1.0, 0.0, backend=backend)
    for wrong in [(), (1.0,), (1.0, 2.0, 3.0), ([1.0], 2.0), (1.0, "2")]:
        with pytest.raises(TypeError, match=r"takes 2 argument\(s\), x, y, given as at its recording"):
            p(*wrong)
        with pytest.raises(TypeError):
            p(*[Value(x) if isinstance(x, float) else x for x in wrong])


def test_recording_at_a_point_where_f_raises_raises(backend):
    with pytest.raises(ValueError, match="log"):
        record(lambda x: log(x), -1.0, backend=backend)


@pytest.mark.parametrize("thing", [None, 3.0, "f"])
def test_what_is_recorded_is_a_function(thing):
    with pytest.raises(TypeError, match="record takes a function and an example of its arguments, not"):
        record(thing, 1.0)


def test_it_raises_what_f_raises(backend):
    p = record(lambda x: log(x), 1.0, backend=backend)
    with pytest.raises(ValueError, match="log"):
        p(-1.0)


def test_in_a_failed_lane_there_is_no_number(backend):
    p = record(lambda x: (1 / (1 / x), x + 1, exp(x)), 1.0, backend=backend)
    outputs, failed = p.batch(np.array([[0.0], [1.0], [1000.0]]), mask=True)
    assert failed.tolist() == [True, False, True]
    assert [np.isfinite(column).tolist() for column in outputs] == [[False, True, False]] * 3


@pytest.mark.parametrize("count", [1, 2, 17])
def test_a_mask_is_whose_it_is_given_to(backend, count):
    p = record(lambda x: 2 * x, 1.0, backend=backend)
    _, failed = p.batch(np.ones((count, 1)), mask=True)
    failed |= True
    assert not p.batch(np.ones((count, 1)), mask=True)[1].any()


def test_batches_of_any_number_of_points(backend):
    p = record(f, 1.0, 0.0, backend=backend)
    for count in (0, 1, 2, 63, 4097):
        points = np.ones((count, 2))
        points[:, 0] = np.arange(count) + 1
        assert p.batch(points).tolist() == [x * np.exp(1.0) for x in points[:, 0]] or np.allclose(
            p.batch(points), points[:, 0] * np.exp(1.0), rtol=1e-15
        )
        values, slopes = p.value_and_grad.batch(points)
        assert values.shape == (count,)
        assert [slope.shape for slope in slopes] == [(count,)] * 2


def test_a_table_of_another_shape_is_refused(backend):
    p = record(f, 1.0, 0.0, backend=backend)
    for wrong in (np.ones(2), np.ones((3, 3)), np.ones((1, 2, 1))):
        with pytest.raises(TypeError, match=r"shape|takes 2 numbers, x, y, each in a column"):
            p.batch(wrong)


def test_programs_lead_to_programs(backend):
    p = record(lambda v: v[0] ** 2 * v[1], [1.0, 2.0], backend=backend)
    assert p.value_and_grad([3.0, 4.0]) == (36.0, [24.0, 9.0])
    assert p.hessian([3.0, 4.0]) == [[8.0, 6.0], [6.0, 0.0]]
    assert p.value_and_grad.jacobian([3.0, 4.0])[1] == p.hessian([3.0, 4.0])
    assert grad(p)([3.0, 4.0]) == [24.0, 9.0]
    assert all(isinstance(q, Program) for q in (p.value_and_grad, p.jacobian, p.hessian))


def test_a_derivative_has_the_guards_of_its_function(backend):
    p = record(f, 1.0, 0.0, backend=backend).value_and_grad
    with pytest.raises(ProgramError, match="goes another way"):
        p(-1.0, 0.0)


def test_it_lists_its_rows_and_guards():
    p = record(f, 1.0, 0.0, backend="numpy")
    text = str(p)
    assert "exp(x1)" in text or "exp(y)" in text
    assert "← is True, at " in text
    assert "test_program.py:" in text
    assert (p.stats["inputs"], p.stats["guards"], p.stats["outputs"]) == (2, 1, 1)
    assert "2 inputs" in str(p.stats)


def test_it_lists_constants_and_guards_in_all_digits_that_they_have():
    p = record(lambda x: x * 0.1234567891234 + 123456789.0 + 2.0 if round(x) == 1234567 else x, 1234567.0)
    assert "x * 0.1234567891234\n" in str(p)
    assert "+ 123456789.0\n" in str(p)
    assert "+ 2\n" in str(p)
    assert "is 1234567.0, at" in str(p)
    with pytest.raises(ProgramError, match=r"round\(x\) is 1234567\.0"):
        p(1.0)


def test_it_is_called_as_its_function_by_the_derivatives_too():
    p = record(lambda x: [x, x], 1.0)
    with pytest.raises(TypeError, match=r"<lambda> is to return one number, and returned \[.*there is jacobian"):
        _ = p.value_and_grad
    assert grad(record(f, 1.0, 0.0)).__name__ == "f"


def test_it_is_drawn_as_a_tape_is():
    p = record(lambda x, y: x * y + 1, 2.0, 3.0, backend="numpy")
    assert [row.data for row in p] == [6.0, 7.0]
    assert (len(p), p[-1].data) == (2, 7.0)
    assert "7.0" in str(draw(p)) or draw(p) is not None


def test_its_rows_where_its_parameters_are_on_another_way_now_are_refused_with_the_guard():
    w = Value(1.0, label="w")
    p = record(lambda x: x * w if w > 0 else x, 2.0, backend="numpy")
    w.data = -1.0
    with pytest.raises(ProgramError, match="goes another way than the Program recorded where 0 < w is True"):
        list(p)


def test_a_result_without_an_input_is_a_number(backend):
    assert record(lambda x: 3.0, 1.0, backend=backend).batch(np.zeros((2, 1))).tolist() == [3.0, 3.0]
    assert record(lambda x: x, 1.0, backend=backend).batch(np.array([[4.0], [5.0]])).tolist() == [4.0, 5.0]
