"""`explain`: the paths of a gradient, and what made it zero, infinite or nan."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings

from scalargrad import StaleValueError, Value, atan2, debug, explain, maximum, nn, relu, sigmoid, sqrt, tanh, where
from scalargrad.engine import sweep
from scalargrad.graph.causes import _FLAT
from scalargrad.rules import RULES
from scalargrad.testing.strategies import expressions


@pytest.fixture
def x():
    return Value(3.0, label="x")


@pytest.fixture
def w():
    return Value(-2.0, label="w")


def kinds(y, x):
    return [cause.kind for cause in explain(y, x).causes]


# ── paths ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_staged_expression_reads_like_this(x):
    y = Value(-4.0, label="y")
    f = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)
    f.label = "f"
    assert str(explain(f, x)).splitlines() == [
        "df/dx = 2.06 at x = 3: 3 paths from x to f, the largest first",
        "   product   share  path",
        "     1.583  76.9 %  x ─(1)→ #5 + ─(−2)→ #7 ** ─(1)→ #8 + ─(−0.7916)→ f",
        "    0.5121  24.9 %  x ─(1)→ #3 + ─(0.5121)→ f",
        "  −0.03576  −1.7 %  x ─(0.04518)→ #4 σ ─(1)→ #8 + ─(−0.7916)→ f",
        "all 3 paths: 1.583 + 0.5121 − 0.03576 = 2.06",
    ]


def test_for_all_inputs_it_reads_like_this(x, w):
    assert str(explain(relu(w * 3) + x * x)).splitlines() == [
        "#6 = 9 depends on 2 input(s)",
        "input  value  gradient  paths  share   of the largest path, or why there is none",
        "x      3      6         2      50.0 %  x ─(3)→ #5 × ─(1)→ #6 +",
        "w      −2     0         1              #4 ReLU [relu(#3)] is off: d relu(#3)/d#3 = 0 if #3 ≤ 0 else…",
    ]


@given(expressions())
@settings(max_examples=100, deadline=None)
def test_all_paths_sum_up_to_the_gradient(e):
    xs = e.values()
    y = e(*xs)
    adjoints = sweep({y: 1.0})
    for x in xs:
        found = explain(y, x, k=2_000)
        if found.count <= 2_000:
            products = [path.product for path in found.paths]
            size = sum(map(abs, products))
            assert len(products) == found.count
            assert sum(products) == pytest.approx(found.gradient, rel=1e-9, abs=1e-12 * size)
            assert found.gradient == (adjoints.get(x) or 0.0)


def test_the_gradient_is_that_of_backward(x, w):
    y = tanh(x * w) * x
    found = explain(y, x).gradient
    assert not x.has_grad
    y.backward()
    assert found == x.grad


def test_the_gradient_of_an_intermediate_is_explained_too(x):
    u = x * x
    found = explain(u * 3.0 + u, u)
    assert (found.gradient, found.count) == (4.0, 2)


def test_the_root_itself_has_one_path_without_steps(x):
    y = x * x
    (path,) = explain(y, y).paths
    assert (list(path), path.product, explain(y, y).gradient) == ([y], 1.0, 1.0)


def test_of_many_paths_the_share_is_told(x):
    y = x
    for _ in range(100):
        y = y + 0.01 * y
    found = explain(y, x, k=3)
    assert found.count == 2**100
    assert str(found).splitlines()[-1] == "3 of 1.268 · 10^30 paths, 37.7 % of the gradient"
    assert found.covered == pytest.approx(1.02 / 1.01**100)


def test_counts_have_commas(x):
    y = x
    for _ in range(20):
        y = y + y
    assert "10 of 1,048,576 paths, 0.0 % of the gradient" in str(explain(y, x))


def test_where_paths_cancel_the_share_does_not_pretend(x):
    found = str(explain(x * 5 - x * 3 - x * 1, x, k=1)).splitlines()
    assert found[-2:] == [
        "1 of 3 paths, 500.0 % of the gradient",
        "paths of opposite sign cancel: by size, these are 55.6 % of all that flows",
    ]


def test_a_share_that_is_not_all_is_not_written_as_all(x):
    assert "1 of 2 paths, > 99.9 % of the gradient" in str(explain(x + x * 1e-9, x, k=1))


def test_a_long_path_shows_the_steps_that_tell_something(x):
    y = x
    for i in range(1000):
        y = y * 2.0 if i == 500 else y + 1.0
    (line,) = [line for line in str(explain(y, x)).splitlines() if "100.0 %" in line]
    assert "rows … ─(2)→ #1002 × … 49" in line
    assert line.endswith("#2000 +")


@pytest.mark.parametrize("seed", range(10))
def test_a_network_is_explained_within_100_columns(seed):
    model = nn.MLP(2, [4, 4, 1], rng=seed)
    xs = [Value(1.0, label="first"), Value(2.0)]
    y = model(xs)
    assert max(map(len, str(explain(y)).splitlines())) <= 100
    assert max(map(len, str(explain(y, xs[0])).splitlines())) <= 100
    assert explain(y, xs[0]).count == 16
    assert len(explain(y).inputs) == 39


def test_a_long_reason_goes_on_in_the_next_line(w):
    w.label = "a_rather_long_na"
    found = str(explain(relu(w).tanh() * tanh(500.0 * w) + atan2(0.0 * w, 0.0 * w), w)).splitlines()
    assert max(map(len, found)) <= 100
    assert any(line.startswith("    ") for line in found)


# ── zero ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_relu_that_is_off(x, w):
    (cause,) = explain(relu(w * 3.0) * x, w).causes
    assert cause.kind == "off"
    assert cause.row.rule.name == "relu"
    assert str(cause) == "#4 ReLU [relu(#3)] is off: d relu(#3)/d#3 = 0 if #3 ≤ 0 else 1 = 0 at #3 = −6"


def test_what_is_flat_far_out_is_in_the_table_of_rules():
    assert _FLAT.keys() <= RULES.keys()


@pytest.mark.parametrize("function", [lambda v: tanh(400 * v), lambda v: sigmoid(400 * v)])
def test_saturation(function, w):
    assert kinds(function(w), w) == ["saturated"]


def test_near_saturation_is_told_of_the_largest_path(w):
    assert "small because #3 tanh [tanh(#2)] is nearly saturated:" in str(explain(tanh(5.0 * w), w))


def test_a_product_with_zero(x):
    (cause,) = explain(x * Value(0.0, label="z"), x).causes
    assert str(cause) == "#2 × [x·z]: d(x·z)/dx = z = 0"


def test_the_operand_that_was_not_chosen(x, w):
    (cause,) = explain(2.0 * maximum(x, w), w).causes
    assert str(cause) == "#2 max [maximum(x, w)] did not choose w: it took x"
    assert kinds(where(False, tanh(tanh(x)), w), x) == ["not chosen"]
    assert "not reached by the gradient" in str(explain(maximum(x, w), w))


def test_what_is_not_connected(x, w):
    found = explain(x * x, w)
    assert (found.gradient, found.count, found.paths) == (0.0, 0, ())
    assert kinds(x * x, w) == ["not connected"]
    assert str(found).startswith("d#1/dw = 0 at w = −2\n  because nothing that #1 was computed from depends on it")


def test_shares_that_cancel(x):
    (cause,) = explain(2.0 * x - 2.0 * x, x).causes
    assert str(cause) == "the shares that x gets cancel: (−2) + 2 = 0"


def test_underflow(x):
    assert kinds(Value(1e-200) * (1e-200 * x), x) == ["underflow"]


def test_every_way_that_is_blocked_is_told(x, w):
    y = relu(-x) + relu(2 * w) * x + where(True, w, x)
    assert sorted(kinds(y, x)) == ["flat", "not chosen", "off"]


def test_a_zero_of_the_rule_itself_names_the_rule():
    z = Value(0.0, label="z")
    (cause,) = explain(z**2, z).causes
    assert str(cause) == "#2 ** [z**2]: d(z**2)/dz = 2·z = 0 at z = 0"


# ── infinite and nan ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_infinite_slope():
    z = Value(0.0, label="z")
    (cause,) = explain(sqrt(z), z).causes
    assert str(cause) == "#1 sqrt [sqrt(z)]: d sqrt(z)/dz = 0.5 / sqrt(z) = inf at z = 0"


def test_the_logarithm_next_to_zero():
    z = Value(5e-324, label="z")
    assert kinds(z.log(), z) == ["steep"]


def test_zero_times_infinity_and_where_both_came_from():
    z = Value(0.0, label="z")
    assert [str(cause) for cause in explain(0.0 * sqrt(z), z).causes] == [
        "#1 sqrt [sqrt(z)]: its gradient times its local derivative is 0 · inf = nan",
        "#1 sqrt [sqrt(z)]: d sqrt(z)/dz = 0.5 / sqrt(z) = inf at z = 0",
        "#3 × [0·#1]: d(0·#1)/d#1 = 0",
    ]


def test_a_nan_that_came_in_with_an_input(x):
    (cause,) = explain(tanh(x * Value(math.nan, label="n")), x).causes
    assert str(cause) == "n is nan itself"


def test_a_nan_that_came_into_being(x):
    big = Value(math.inf, label="big")
    (cause,) = explain(x * (big - big), x).causes
    assert str(cause) == "#2 − [big − big] is nan, at big = inf"


def test_a_nan_of_the_rule_itself():
    z = Value(0.0, label="z")
    assert kinds(atan2(z, Value(0.0)), z) == ["undefined"]


def test_a_result_that_is_nan_is_told_even_if_the_gradient_is_not(x):
    y = x + Value(math.nan, label="n")
    assert explain(y, x).gradient == 1.0
    assert "itself is nan: n is nan itself" in str(explain(y, x))
    assert "because n is nan itself" in str(explain(y))


def test_shares_that_are_infinite_of_both_signs():
    z = Value(0.0, label="z")
    assert kinds(sqrt(z) - sqrt(z), z)[0] == "inf − inf"


def test_overflow(x):
    assert kinds((x * 1e200) * 1e200, x)[0] == "overflow"


def test_the_source_line_is_told_if_debug_was_on(w):
    with debug():
        y = relu(w)
    (cause,) = explain(y, w).causes
    assert cause.line == y.line
    assert Path(cause.line.rpartition(":")[0]) == Path(__file__)
    assert f"recorded at {cause.line}" in str(explain(y, w))


def test_without_debug_the_way_to_the_source_line_is_told(w):
    assert "with scalargrad.debug():" in str(explain(relu(w), w))


@given(expressions())
@settings(max_examples=60, deadline=None)
def test_a_gradient_has_causes_exactly_if_it_is_zero_infinite_or_nan(e):
    xs = [Value(x) for x in [*e.inputs[:-1], 0.0]]  # where an operation may be at the edge of its domain
    try:
        y = e(*xs)
    except (ValueError, ArithmeticError):
        return
    if isinstance(y, Value):
        for found in explain(y).inputs:
            plain = found.gradient != 0 and math.isfinite(found.gradient)
            assert bool(found.causes) == (not plain)
            assert str(found)


# ── move ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_gradient_foretells_and_what_happens(x):
    moved = explain(x * x, x, move=0.5).moved
    assert (moved.by, moved.foretold, moved.actual) == (0.5, 3.0, 3.25)
    assert str(explain(x * x, x, move=0.5)).splitlines()[-1] == (
        "x moved by 0.5: gradient · 0.5 foretells a change of #1 by 3; it is 3.25, 0.25 more"
    )


def test_a_move_beyond_the_domain_is_told():
    z = Value(0.5, label="z")
    assert "z cannot move by −1: there, " in str(explain(z.log(), z, move=-1.0))


def test_a_move_of_what_is_not_connected_changes_nothing(x, w):
    assert "w moved by 1 changes nothing" in str(explain(x * x, w, move=1.0))


# ── mistakes, sizes, labels ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pair", [(2.0, None), (Value(1.0), 2.0), (Value(1.0), "x"), ([Value(1.0)], None)])
def test_what_is_not_a_value_is_refused(pair):
    with pytest.raises(TypeError, match="explain\\(y, x\\) takes Values"):
        explain(*pair)


def test_a_stale_expression_is_refused_with_what_is_out_of_date(x):
    y = x * x + 1.0
    x.data = 5.0
    with pytest.raises(StaleValueError, match="labelled 'x'") as caught:
        explain(y, x)
    assert "#1 = x·x is 9, and would be 25" in caught.value.__notes__[0]


def test_a_chain_of_100_000_rows_is_explained(x):
    y = x
    for _ in range(100_000):
        y = y + 1e-6 * x
    found = explain(y, x)
    assert found.count == 100_001
    assert len(found.paths) == 10
    assert max(map(len, str(found).splitlines())) <= 100


@pytest.mark.parametrize("label", ["a\nb", "\x1b[31m", "a + b", "\u202e", "#3", "…", "\ud800"])
def test_a_label_is_text(label):
    z = Value(0.0, label=label)
    y = relu(z * 2.0)
    y.label = label
    for text in (str(explain(y, z)), str(explain(y))):
        assert all(line.isprintable() for line in text.splitlines())


def test_a_notebook_shows_tables_in_which_labels_are_text(x):
    x.label = "<b>&"
    for found in (explain(relu(-x) + x * x, x), explain(relu(-x) + x * x)):
        assert "<b>" not in found._repr_html_()
        assert "&lt;b&gt;&amp;" in found._repr_html_()
        assert found._repr_html_().count("<table>") == 1


@pytest.mark.parametrize("k", [0, -1, 2.0, "all", True])
def test_k_is_a_number_of_paths(k):
    y = Value(1.0) * 2
    with pytest.raises(ValueError, match="k= is how many paths are listed, 1 at least, not "):
        explain(y, k=k)


def test_a_move_is_a_finite_number(x):
    with pytest.raises(TypeError, match="move= is a real number, how far to move x, not 'a'"):
        explain(x * x, x, move="a")
    with pytest.raises(ValueError, match="move= is a finite number, how far to move x, not nan"):
        explain(x * x, x, move=math.nan)
