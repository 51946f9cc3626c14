"""`compile`: a function that behaves as before, and runs over many points."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from scalargrad import (
    GradientLostError,
    ProgramError,
    Value,
    compile,
    draw,
    exp,
    grad,
    gradients,
    hessian,
    jacobian,
    log,
    record,
    sqrt,
    value_and_grad,
)
from scalargrad.nn import MLP
from scalargrad.program import compiled, load


def hinge(x):
    return x * x if x > 0 else -x


def test_it_is_a_decorator(backend):
    @compile
    def f(x):
        """About f."""
        return x + 1

    @compile(backend=backend)
    def g(x):
        return x + 2

    assert (f(1.0), g(1.0), f.__name__, f.__doc__) == (2.0, 3.0, "f", "About f.")


def test_it_takes_a_function_and_knows_its_backends():
    with pytest.raises(TypeError, match="compile takes a function"):
        compile(3.0)
    with pytest.raises(ValueError, match="a backend is auto, numpy or llvm"):
        compile(hinge, backend="abacus")


def test_a_program_for_each_way(backend):
    g = compile(hinge, backend=backend)
    assert [g(x) for x in (1.0, 2.0, -1.0, -2.0, 3.0)] == [1.0, 4.0, 1.0, 2.0, 9.0]
    assert len(g.programs) == 2


def test_a_batch_is_split_by_the_way_and_put_together_again(backend):
    g = compile(hinge, backend=backend)
    points = np.linspace(-3, 3, 10_001)[:, None]
    assert g.batch(points).tolist() == [hinge(x) for x in points[:, 0].tolist()]
    assert len(g.programs) == 2


def test_batches_of_no_points_and_of_one(backend):
    g = compile(lambda x, y: (x + y, [x, y]), backend=backend)
    assert [y.tolist() for y in g.batch(np.array([[1.0, 2.0]]))] == [[3.0], [[1.0, 2.0]]]
    total, both = g.batch(np.zeros((0, 2)))
    assert (total.shape, both.shape) == ((0,), (0, 2))


def test_a_batch_leaves_the_points_as_they_are(backend):
    points = np.array([[1.0], [-2.0], [3.0]])
    for table in (points, np.asfortranarray(np.hstack([points] * 2))[:, :1], points[::2], points.astype(np.float32)):
        before = table.copy()
        found = compile(lambda x: x, backend=backend).batch(table)
        found[:] = 0.0
        assert (table == before).all()


def test_points_are_a_table(backend):
    g = compile(hinge, backend=backend)
    with pytest.raises(TypeError, match="shape"):
        g.batch(np.array([1.0, 2.0]))
    g(1.0)
    with pytest.raises(TypeError, match="columns"):
        g.batch(np.zeros((3, 2)))


def test_columns_are_one_array_or_as_shown(backend):
    points = np.array([[3.0, 4.0], [6.0, 8.0]])
    assert compile(lambda v: sqrt(v @ v), backend=backend).batch(points).tolist() == [5.0, 10.0]
    g = compile(lambda p: p["a"] + 2 * p["b"], backend=backend)
    assert g.batch(points, like=({"a": 0.0, "b": 0.0},)).tolist() == [11.0, 22.0]


def test_value_and_gradient_of_a_batch_are_a_pair_of_arrays(backend):
    points = np.array([[1.0, 2.0], [-3.0, 4.0]])
    values, slopes = compile(value_and_grad(lambda v: v[0] * v[1]), backend=backend).batch(points)
    assert (values.tolist(), slopes.tolist()) == ([2.0, -12.0], [[2.0, 1.0], [4.0, -3.0]])


@pytest.mark.parametrize("transform", [grad, value_and_grad, hessian])
def test_it_composes_with_derivatives_in_either_order(transform, backend):
    def f(x):
        return x**3 if x > 1 else exp(x)

    inside, outside = transform(compile(f, backend=backend)), compile(transform(f), backend=backend)
    for x in (2.0, 0.5, 3.0):
        expected = transform(f)(x)
        assert np.allclose(inside(x), expected, rtol=1e-14, atol=0)
        assert np.allclose(outside(x), expected, rtol=1e-14, atol=0)


def test_on_values_it_records_as_f_does(backend):
    x = Value(3.0)
    assert gradients(compile(hinge, backend=backend)(x), [x]) == [6.0]


# ── where f raises ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "good", "bad"),
    [
        (lambda x: log(x), 1.0, -1.0),
        (lambda x: 1 / (1 / x), 2.0, 0.0),
        (lambda x: exp(x), 1.0, 1000.0),
        (lambda x: (x * 1e200) ** 2, 0.0, 1.0),
        (lambda x: x // 1 * x + 1 // x, 1.0, 0.0),
        (lambda x: round(x) * x, 1.0, math.inf),
        (lambda x: sqrt(x) if x < 5 else x, 1.0, -1.0),
    ],
)
@pytest.mark.parametrize("bad_first", [False, True])
def test_it_raises_what_f_raises_and_a_batch_tells_where(f, good, bad, bad_first, backend):
    g = compile(f, backend=backend)
    with pytest.raises((ValueError, ArithmeticError)) as expected:
        f(Value(bad))
    for x in (bad, good, bad) if bad_first else (good, bad):
        if x == good:
            assert g(x) == f(Value(x)).data
        else:
            with pytest.raises(expected.type) as found:
                g(x)
            assert str(found.value) == str(expected.value)
    for points in ([good, bad, good], [bad, good, bad]):
        values, failed = compile(f, backend=backend).batch(np.array(points)[:, None], mask=True)
        assert failed.tolist() == [x == bad for x in points]
        assert np.isfinite(values).tolist() == [x == good for x in points]


def test_a_product_overflows_to_infinity_as_in_python(backend):
    values, failed = compile(lambda x: x * x, backend=backend).batch(np.array([[1e200]]), mask=True)
    assert (values.tolist(), failed.tolist()) == ([math.inf], [False])


def test_where_all_points_fail_there_is_nan_if_it_is_known_for_what(backend):
    g = compile(lambda x: (log(x), x), backend=backend)
    with pytest.raises(ValueError, match="log"):
        g.batch(np.array([[-1.0], [-2.0]]))
    g(1.0)
    values, failed = g.batch(np.array([[-1.0], [-2.0]]), mask=True)
    assert np.isnan(values).all()
    assert failed.all()


def test_an_error_of_another_kind_is_raised(backend):
    with pytest.raises(KeyError):
        compile(lambda x: {}[1], backend=backend).batch(np.zeros((2, 1)))


# ── how many ways ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_number_of_ways_is_bounded_and_the_error_says_where_they_part(backend):
    g = compile(lambda x: round(x) * x, max_paths=4, backend=backend)
    with pytest.raises(ProgramError, match=r"max_paths=4(?s:.)*round\(.*test_compiled.py:\d+"):
        g.batch(np.arange(10.0)[:, None])
    assert [g(float(x)) for x in range(4)] == [0.0, 1.0, 4.0, 9.0]
    with pytest.raises(ProgramError, match="max_paths=4"):
        g(7.0)


def test_a_text_is_told_to_be_what_makes_so_many_ways(backend):
    g = compile(lambda x: x * len(f"{x:.1f}"), max_paths=4, backend=backend)
    with pytest.raises(ProgramError, match=r"like recorded where x is exactly 3, as a text \(print, str\)"):
        g.batch(np.arange(10.0)[:, None])


def test_results_of_different_nests_go_call_by_call_but_not_in_a_batch(backend):
    g = compile(lambda x: x if x > 0 else (x, x), backend=backend)
    assert (g(1.0), g(-1.0)) == (1.0, (-1.0, -1.0))
    with pytest.raises(ProgramError, match=r"different nests, .*: at out there is one number where a tuple of 2 is"):
        g.batch(np.array([[1.0], [-1.0]]))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (lambda x: {"a": [x, x], "b": (x, "up")}, r"at out\['a'\] there is a list of 2 where a list of 1 is to be"),
        (lambda x: {"a": [x], "b": (x, "down")}, r"at out\['b'\]\[1\] there is 'down' where it was recorded with 'up'"),
        (lambda x: {"a": [x], "c": x}, r"at out there is a dict without \['b'\] with \['c'\] where a dict"),
    ],
)
def test_the_part_in_which_results_differ_is_named(other, told, backend):
    g = compile(lambda x: {"a": [x], "b": (x, "up")} if x > 0 else other(x), backend=backend)
    with pytest.raises(ProgramError, match=told):
        g.batch(np.array([[1.0], [-1.0]]))


def test_in_a_batch_numbers_go_to_their_keys_whatever_the_order_of_these(backend):
    g = compile(lambda x: {"x": x, "y": 10 * x} if x > 0 else {"y": 10 * x, "x": x}, backend=backend)
    found = g.batch(np.array([[1.0], [-2.0], [3.0]]))
    assert {key: column.tolist() for key, column in found.items()} == {"x": [1.0, -2.0, 3.0], "y": [10.0, -20.0, 30.0]}


def test_the_loss_of_a_network(backend):
    model = MLP(2, [3, 1])
    for i, w in enumerate(model.parameters()):
        w.data = math.sin(i + 1.0)

    def loss(x, y):
        return (model([x, y]) - 1.0) ** 2

    g = compile(loss, backend=backend)
    for _ in range(2):
        for point in [(1.0, -2.0), (0.5, 3.0)]:
            assert g(*point) == pytest.approx(loss(*point).data, rel=1e-13)
        for w in model.parameters():
            w.data *= -0.5


def test_gradients_by_parameters_are_those_of_arguments(backend):
    def loss(w, x):
        hidden = [max(0.0, w[0] * x + w[1]), w[2] * x]
        return sum(hidden) ** 2

    eager = value_and_grad(loss)
    g = compile(eager, backend=backend)
    for x in (1.0, -1.0, 2.0):
        assert g([0.5, 0.25, -2.0], x) == eager([0.5, 0.25, -2.0], x)


def test_a_method_compiled_in_its_class_says_what_to_write():
    class Spring:
        @compile
        def force(self, x):
            return -x

    assert Spring.force is vars(Spring)["force"]
    with pytest.raises(TypeError, match=r"self\.force = compile\(self\._force\)"):
        Spring().force(1.0)


def test_the_text_of_a_value_is_of_this_very_number(backend):
    f = compile(lambda x: float(repr(x)[6:-1]) * x if isinstance(x, Value) else x * x, backend=backend)
    assert [f(1.5), f(2.0), f(1.5)] == [2.25, 4.0, 2.25]


def test_a_truth_does_not_pass_for_a_number(backend):
    f = compile(lambda v: (10.0 if isinstance(v[0], bool) else 20.0) * v[1], backend=backend)
    assert [f([1.0, 2.0]), f([True, 2.0]), f([1.0, 3.0])] == [40.0, 20.0, 60.0]


@pytest.mark.parametrize("given", [np.array([1j, 2]), np.array(["1", "2"]), np.array([None, 2.0], object)], ids=str)
def test_an_array_of_anything_but_real_numbers_is_refused(given):
    p = record(lambda v: v[0] + v[1], [1.0, 2.0])
    with pytest.raises(TypeError):
        p(given)


@pytest.mark.parametrize("static", [2.5, None, [1.0], [["n"]]], ids=repr)
def test_static_arguments_are_named_or_counted(static):
    with pytest.raises(TypeError, match="static= is the name or the position of an argument"):
        compile(hinge, static=static)


@pytest.mark.parametrize("static", ["nn", 5, -1])
def test_a_static_argument_that_is_none_is_named(static):
    with pytest.raises(TypeError, match=f"static={static!r} means no argument"):
        compile(lambda x, n: x * n, static=static)(1.0, 2)


@pytest.mark.parametrize(
    "f", [lambda x, n: [x for _ in range(n)], lambda x, n: [x, x, x][n], lambda x, n: np.ones(3)[n]]
)
def test_a_number_that_counts_is_said_to_be_static(f):
    with pytest.raises((TypeError, IndexError)) as raised:
        compile(f)(1.0, 2)
    assert "static='n'" in raised.value.__notes__[0]
    with pytest.raises(GradientLostError, match=r"math\.trunc\(v\) goes another way .* static='n'"):
        compile(lambda x, n: f(x, int(n)))(1.0, 2)
    assert compile(lambda x, n: f(x, math.trunc(n)))(1.0, 2) == compile(f, static="n")(1.0, 2)


def test_threads_record_each_way_once():
    def steps(x):
        return sum(1.0 if x > k else 0.5 for k in range(5)) * x

    f, points = compile(steps, backend="numpy"), [0.5 + k for k in range(6)] * 8
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(f, points)] == [steps(x) for x in points]
    assert len(f.programs) == 5


@pytest.mark.parametrize("call", [lambda f: f(-1.0), lambda f: f.batch([[-1.0]] * 3)[0]], ids=["one", "many"])
def test_a_function_may_wait_for_a_thread_that_calls_it(call):
    waiting = [True]

    def f(x):
        if waiting and waiting.pop():
            assert pool.submit(call, compiled).result(timeout=60) == -2.0
        return x * 2.0 if x < 0.0 else x

    compiled = compile(f, backend="numpy")
    with ThreadPoolExecutor(1) as pool:
        assert compiled(1.0) == 1.0
    assert (compiled(-1.0), compiled(1.0), len(compiled.programs)) == (-2.0, 1.0, 2)


def test_threads_run_batches_of_one_function():
    def steps(x):
        for k in range(12):
            if x < k / 12:
                return float(k)
        return x

    def work(seed):
        points = np.random.default_rng(seed).uniform(0.0, 1.1, (150, 100, 1)) ** (1 + seed % 3)
        return [(f.batch(some), [steps(x) for x in some[:, 0].tolist()]) for some in points]

    f, before = compile(steps, backend="numpy", max_paths=12), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            done = [*pool.map(work, range(4))]
    finally:
        sys.setswitchinterval(before)
    assert all(found.tolist() == expected for batches in done for found, expected in batches)
    assert len(f.programs) == 12


def test_a_truth_has_no_derivative(backend):
    def f(x):
        return {"positive": True if x > 1.0 else x > 0.0, "square": x * x}

    points = [2.0, 0.5, -1.0]
    found = compile(jacobian(f), backend=backend).batch([[x] for x in points])
    assert found["positive"].tolist() == [jacobian(f)(x)["positive"] for x in points]
    assert found["square"].tolist() == [2 * x for x in points]


def test_columns_are_for_parameters_with_defaults_too(backend):
    f = compile(lambda x, k=2.0: x * k, backend=backend)
    assert f.batch([[1.0, 10.0], [2.0, 10.0]]).tolist() == [10.0, 20.0]
    assert compile(lambda x, k=2.0: x * k, backend=backend).batch([[1.0], [2.0]]).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match="not plain which arguments of <lambda> 3 columns are"):
        compile(lambda v, k=2.0: v[0] * k, backend=backend).batch([[1.0, 2.0, 3.0]])


def test_columns_of_arguments_by_name_stand_as_in_the_signature(backend):
    f = compile(lambda x, y: x - y, backend=backend)
    assert f(y=1.0, x=2.0) == 1.0
    assert f.batch([[10.0, 1.0]]).tolist() == [9.0]


def test_arguments_by_name_only_are_shown_by_name(backend):
    f = compile(lambda x, /, y, *, k: x * k - y, backend=backend)
    with pytest.raises(TypeError, match=r"batch\(X, like=\{'x': …, 'y': …, 'k': …\}\), or call it once before"):
        f.batch([[2.0, 3.0, 10.0]])
    assert f.batch([[2.0, 3.0, 10.0]], like={"k": 0.0, "y": 0.0, "x": 0.0}).tolist() == [17.0]
    assert f(3.0, 1.0, k=5.0) == 14.0
    assert f.batch([[2.0, 3.0, 10.0]]).tolist() == [17.0]
    assert len(f.programs) == 1


@pytest.mark.parametrize("like", [{"w": 1.0}, [0.0], 0.0, "x", np.zeros(1)], ids=str)
def test_what_shows_no_arguments_is_refused(like):
    with pytest.raises(
        TypeError, match=r"like= is a tuple of arguments of hinge, as \(x,\), or a dict of them by name"
    ):
        compile(hinge).batch([[1.0]], like=like)


def test_columns_are_told_by_the_names_of_what_they_are():
    f = compile(lambda model, x: model["w"][0] * x + model["b"])
    with pytest.raises(
        TypeError, match=r"2 columns, and <lambda> takes 3 numbers, model\['w'\]\[0\], model\['b'\], x, each"
    ):
        f.batch([[1.0, 2.0]], like=({"w": [1.0], "b": 0.0}, 1.0))


@pytest.mark.parametrize("most", ["x", 0, -1, True, 2.5, None])
def test_the_number_of_ways_is_a_positive_whole_number(most):
    with pytest.raises(ValueError, match="max_paths= is a whole number of ways, 1 at least, not"):
        compile(hinge, max_paths=most)


def test_what_one_program_has_is_said_to_be_there():
    f = compile(hinge)
    with pytest.raises(
        AttributeError, match=r"no \.save: there is record\(hinge, …\)\.save, or that of one of its \.programs"
    ):
        f.save("hinge.json")
    with pytest.raises(AttributeError, match=r"no \.value_and_grad: there is compile\(value_and_grad\(hinge\)\)"):
        _ = f.value_and_grad
    with pytest.raises(AttributeError, match=r"no \.inputs: there is record\(hinge, …\)\.inputs"):
        _ = f.inputs
    with pytest.raises(AttributeError, match="no attribute 'length'"):
        _ = f.length
    for function in (f, hinge):
        with pytest.raises(TypeError, match=r"of a function f there is draw\(f\(x\)\), or draw\(record\(f, x\)\)"):
            draw(function)


def test_a_wrong_number_of_arguments_is_told_by_their_names():
    p = record(lambda x, y: x * y, 2.0, 3.0)
    with pytest.raises(TypeError, match=r"takes 2 argument\(s\), x, y,"):
        p(1.0)


def test_a_truth_that_is_returned_is_a_truth(backend):
    def f(x, y):
        return {"far": x * x > y, "near": [x < y, (x > 0.0) & (y > 0.0)], "sum": x + y}

    g = compile(f, backend=backend)
    for x, y in [(3.0, 1.0), (-1.0, 2.0), (3.0, 1.0)]:
        found = g(x, y)
        assert found == f(x, y)
        assert type(found["far"]) is type(found["near"][1]) is bool
    assert len(g.programs) == 1
    both = g.batch([[3.0, 1.0], [-1.0, 2.0]])
    assert both["far"].tolist() == [True, False]
    assert both["near"].tolist() == [[False, True], [True, False]]


def test_a_truth_may_be_told_by_the_way_itself(backend):
    def f(x):
        return {"known": True, "far": x > 2.0} if x > 0.0 else {"known": x < -5.0, "far": False}

    g = compile(f, backend=backend)
    points = [1.0, 3.0, -1.0, -9.0]
    found = g.batch([[x] for x in points])
    for name in ("known", "far"):
        assert found[name].tolist() == [f(x)[name] for x in points]
        assert found[name].dtype == bool
        assert all(g(x)[name] is f(x)[name] for x in points)
        assert g(Value(1.0))[name] is f(1.0)[name]


def test_where_one_way_gives_a_truth_and_another_a_number_a_batch_gives_numbers(backend):
    def f(x):
        return {"a": x > 0.0, "b": (x if x > 1.0 else x > 0.0)}

    for points in ([0.5, 2.5, -1.0], [2.5, 0.5, -1.0]):
        found = compile(f, backend=backend).batch([[x] for x in points])
        assert found["b"].tolist() == [f(x)["b"] for x in points]
        assert found["a"].tolist() == [f(x)["a"] for x in points]
        assert found["a"].dtype == bool


def test_a_way_that_no_point_of_a_batch_goes_has_no_say_in_what_the_result_looks_like(backend):
    f = compile(lambda x: x if x > 0.0 else [x, 2 * x], backend=backend)
    assert f(1.0) == 1.0
    assert f.batch([[-1.0], [-3.0]]).tolist() == [[-1.0, -2.0], [-3.0, -6.0]]
    assert f.batch([[1.0]]).tolist() == [1.0]
    with pytest.raises(ProgramError, match="different nests"):
        f.batch([[1.0], [-3.0]])


def test_a_truth_is_one_in_a_file_too(tmp_path):
    program = record(lambda x, y: (x > y, x - y), 1.0, 2.0)
    program.save(tmp_path / "p.json")
    above, by = load(tmp_path / "p.json")(3.0, 2.0)
    assert above is True
    assert by == 1.0
    assert program(Value(3.0), Value(2.0))[0] is True


def test_of_the_kinds_of_arguments_the_latest_are_kept(monkeypatch):
    monkeypatch.setattr(compiled, "_KINDS", 3)
    f = compile(lambda x, name: x * len(name))
    names = ["a" * k for k in range(1, 6)]
    assert [f(2.0, name) for name in names] == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert len(f.programs) == 3
    assert [f(2.0, name) for name in names] == [2.0, 4.0, 6.0, 8.0, 10.0]
