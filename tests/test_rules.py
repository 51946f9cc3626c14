"""The rule table, walked: a new row is tested the moment it exists."""

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.namespaces import FLOATS, IEEE, NAMES, IeeeFloat
from scalargrad.rules import RULES, Rule
from tests.reference import reference

#: The same function in Python, which the value is to equal to the bit; the others are composed and only near.
IN_PYTHON = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "mod": lambda x, y: x % y,
    "neg": lambda x: -x,
    "pos": lambda x: +x,
    "abs": abs,
    "pow": lambda x, y: x**y,
    "pow_const": lambda x, c: x**c,
    "const_pow": lambda c, y: c**y,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "maximum": max,
    "minimum": min,
    "where": lambda c, x, y: x if c else y,
    "prod": lambda *xs: math.prod(xs),
    **{name: getattr(math, name) for name in RULES if hasattr(math, name) and name not in ("fma", "prod")},
}


# ── points inside the domain, away from kinks, poles and overflow ───────────────────────────────────────────────────


def operands(rule: Rule):
    wide = st.floats(-30, 30).filter(lambda x: abs(x) > 1e-3)
    exponent = wide.filter(lambda y: abs(y) < 20) | st.integers(-9, 9).map(float)
    special = {
        "polygamma": st.tuples(st.integers(0, 3).map(float), st.floats(-8, 30)),
        "lgamma": st.tuples(st.floats(-8, 100)),
        "where": st.tuples(st.booleans().map(float), wide, wide),
        "pow": st.tuples(st.floats(1e-3, 30), exponent),
        "const_pow": st.tuples(st.floats(1e-3, 30), exponent),
        "pow_const": st.tuples(st.floats(1e-3, 30), exponent) | st.tuples(wide, st.integers(-9, 9).map(float)),
        "asin": st.tuples(st.floats(-1, 1)),
        "acos": st.tuples(st.floats(-1, 1)),
        "atanh": st.tuples(st.floats(-1, 1)),
        "erf": st.tuples(st.floats(-9, 9)),
        "erfc": st.tuples(st.floats(-9, 25)),
        "dot": st.lists(wide, min_size=1, max_size=4).flatmap(lambda ws: st.tuples(*[wide] * 2 * len(ws))),
    }
    if rule.name in special:
        return special[rule.name].filter(lambda xs: is_smooth(rule, xs))
    if rule.arity is None:
        return st.lists(wide, min_size=1, max_size=5).map(tuple)
    return st.tuples(*[wide] * rule.arity).filter(lambda xs: is_smooth(rule, xs))


def is_smooth(rule: Rule, xs: tuple[float, ...]) -> bool:
    """Whether xs is inside the domain, and no kink, jump or pole is as near as the reference's differences reach."""
    if rule.domain is not None and not all(rule.domain(FLOATS, *(x * (1 + e) for x in xs)) for e in (-1e-9, 0, 1e-9)):
        return rule.name.startswith("pow") and xs[0] < 0
    if rule.name in ("maximum", "minimum"):
        return abs(xs[0] - xs[1]) > 1e-6
    if rule.name == "mod":
        return 1e-6 < (xs[0] / xs[1]) % 1 < 1 - 1e-6
    if rule.name in ("lgamma", "polygamma"):
        return xs[-1] > 1e-3 or abs(xs[-1] - round(xs[-1])) > 1e-3
    return True


def exact_derivative(rule: Rule, xs: tuple[float, ...], i: int) -> mpmath.mpf:
    """Differenced at 60 digits, with 120 on the way, so exact to double precision."""
    with mpmath.workdps(60):
        exact = [mpmath.mpf(x) for x in xs]

        def along(x):
            return reference(rule)(*exact[:i], x, *exact[i + 1 :])

        return mpmath.diff(along, exact[i])


# ── the tests ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_local_derivatives_are_the_true_ones_within_the_ulps_that_the_row_states(name, data):
    rule = RULES[name]
    xs = data.draw(operands(rule))
    out = rule.value(FLOATS, *xs)
    bound = rule.ulps(*xs) if callable(rule.ulps) else rule.ulps
    found = rule.derivatives(FLOATS, *xs, out=out)
    assert len(found) == len(xs)
    for i, derivative in enumerate(found):
        if derivative is None:
            continue
        exact = exact_derivative(rule, xs, i)
        error = abs(mpmath.mpf(derivative) - exact) / mpmath.mpf(math.ulp(float(exact)))
        assert error <= bound, f"operand {i} of {name}{xs}: {derivative!r}, truly {float(exact)!r}, {error} ulps"


@pytest.mark.parametrize("name", sorted(IN_PYTHON))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_values_are_pythons_own_to_the_bit(name, data):
    rule = RULES[name]
    xs = data.draw(operands(rule))
    assert rule.value(FLOATS, *xs).hex() == float(IN_PYTHON[name](*xs)).hex()


@pytest.mark.parametrize("name", sorted(set(RULES) - set(IN_PYTHON)))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_composed_values_are_near_the_true_ones(name, data):
    rule = RULES[name]
    xs = data.draw(operands(rule))
    with mpmath.workdps(50):
        exact = reference(rule)(*map(mpmath.mpf, xs))
        scale = max(map(abs, (*xs, exact)))
        products = [a * b for a in xs for b in xs] if name in ("fma", "dot") else []
        error = abs(mpmath.mpf(rule.value(FLOATS, *xs)) - exact)
        assert error <= 2e-15 * max(scale, *map(abs, products), 1e-300) * (1 if name != "polygamma" else 50)


def test_each_row_is_either_pythons_or_composed():
    assert set(IN_PYTHON) <= set(RULES)
    assert set(RULES) - set(IN_PYTHON) == {"fma", "gelu", "sigmoid", "softplus", "sum", "dot", "logsumexp", "polygamma"}


@pytest.mark.parametrize("name", [name for name in RULES if RULES[name].domain])
@given(x=st.floats(-5, 5) | st.just(math.inf), y=st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0]))
def test_the_domain_is_where_python_does_not_raise(name, x, y):
    rule = RULES[name]
    xs = {"polygamma": (1.0, x)}.get(name, (x, y)[: rule.arity])
    try:
        rule.value(FLOATS, *xs)
    except (ValueError, ArithmeticError) as error:
        raised = not isinstance(error, OverflowError)  # too large is a matter of floats, not of the domain
    else:
        raised = False
    assert bool(rule.domain(FLOATS, *xs)) != raised


@pytest.mark.parametrize("name", [name for name in RULES if RULES[name].routes])
@given(data=st.data())
def test_a_routing_rule_hands_everything_to_the_operand_that_it_hands_on(name, data):
    rule = RULES[name]
    xs = data.draw(st.tuples(*[st.floats(allow_nan=False)] * (3 if name == "where" else 2)))
    out = rule.value(FLOATS, *xs)
    slopes = [d for d in rule.derivatives(FLOATS, *xs, out=out) if d is not None]
    assert sorted(slopes) == [0.0, 1.0]
    assert xs[-2:][slopes.index(1.0)] is out


@pytest.mark.parametrize(
    ("name", "xs", "slopes"),
    [
        ("relu", (0.0,), (0.0,)),
        ("abs", (0.0,), (0.0,)),
        ("abs", (-0.0,), (0.0,)),
        ("leaky_relu", (0.0, 0.1), (0.1, 0.0)),
        ("maximum", (2.0, 2.0), (1.0, 0.0)),
        ("minimum", (2.0, 2.0), (1.0, 0.0)),
        ("pow_const", (0.0, 0.0), (0.0, None)),
        ("pow_const", (0.0, 1.0), (1.0, None)),
        ("prod", (0.0, 3.0, 0.0), (0.0, 0.0, 0.0)),
        ("prod", (0.0, 3.0, 4.0), (12.0, 0.0, 0.0)),
    ],
)
def test_the_kinks_are_the_documented_ones(name, xs, slopes):
    rule = RULES[name]
    assert rule.derivatives(FLOATS, *xs, out=rule.value(FLOATS, *xs)) == slopes


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("xs", [(math.nan, 1.0), (1.0, math.nan)])
def test_max_and_min_hand_a_nan_on(name, xs):
    assert math.isnan(RULES[name].value(FLOATS, *xs))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "softplus", "gelu", "sigmoid", "abs"])
def test_a_nan_stays_a_nan(name):
    assert math.isnan(RULES[name].value(FLOATS, *(math.nan, 0.5)[: RULES[name].arity]))


@pytest.mark.parametrize(
    ("name", "xs", "slopes"),
    [
        ("sqrt", (0.0,), [math.inf]),
        ("cbrt", (0.0,), [math.inf]),
        ("asin", (1.0,), [math.inf]),
        ("acos", (-1.0,), [-math.inf]),
        ("acosh", (1.0,), [math.inf]),
        ("atan2", (0.0, 0.0), [math.nan, math.nan]),
        ("hypot", (0.0, 0.0), [math.nan, math.nan]),
        ("pow", (0.0, 0.5), [math.inf, math.nan]),
        ("lgamma", (1e-310,), [-math.inf]),
        ("const_pow", (0.0, 2.0), [None, math.nan]),
        ("pow_const", (0.0, 0.5), [math.inf, None]),
    ],
)
def test_at_an_edge_of_the_domain_ieee_gives_infinity_or_nan(name, xs, slopes):
    rule = RULES[name]
    found = rule.derivatives(IEEE, *map(IeeeFloat, xs), out=IeeeFloat(rule.value(FLOATS, *xs)))
    assert str([d if d is None else float(d) for d in found]) == str(slopes)


@pytest.mark.parametrize("x", [-1e308, -1000.0, 1000.0, 1e308])
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "gelu"])
def test_activations_and_their_slopes_do_not_overflow(name, x):
    rule = RULES[name]
    out = rule.value(FLOATS, x)
    assert math.isfinite(out)
    assert all(map(math.isfinite, rule.derivatives(FLOATS, x, out=out)))


@pytest.mark.parametrize("name", RULES)
def test_a_row_says_how_it_is_written(name):
    rule = RULES[name]
    operands = ["a", "b", "c"][: rule.arity]
    assert rule.name == name
    assert "a" in rule.text(*operands)


@pytest.mark.parametrize("namespace", [FLOATS, IEEE])
def test_a_namespace_offers_every_name_that_the_rules_may_use(namespace):
    assert all(callable(getattr(namespace, name)) for name in NAMES)


@pytest.mark.parametrize("x", [5e-324, -5e-324, 1e-310, -1e-310])
@pytest.mark.parametrize("order", [0.0, 1.0, 2.0, 3.0])
def test_polygamma_is_too_large_next_to_its_pole_and_so_an_infinity_of_its_sign(order, x):
    with pytest.raises(OverflowError):
        FLOATS.polygamma(order, x)
    exact = mpmath.polygamma(int(order), mpmath.mpf(x))
    assert IEEE.polygamma(order, x) == (math.inf if exact > 0 else -math.inf)


@given(x=st.floats(), y=st.floats())
def test_ieee_arithmetic_is_pythons_where_python_does_not_raise(x, y):
    for operation in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a // b,
        lambda a, b: a % b,
        lambda a, b: -a,
        lambda a, b: abs(b),
    ):
        try:
            plain = operation(x, y)
        except ZeroDivisionError:
            assert not math.isfinite(operation(IeeeFloat(x), IeeeFloat(y)))
            continue
        for a, b in ((IeeeFloat(x), IeeeFloat(y)), (x, IeeeFloat(y)), (IeeeFloat(x), y)):
            assert str(float(operation(a, b))) == str(plain)


def test_a_power_of_zero_is_odd_only_where_its_exponent_is():
    exponents = (-1.0, -3.0, -2.0, -0.5, -0.9999999999999999, -3.0000000000000004, -1e300)
    assert [float(IEEE.pow(-0.0, y)) for y in exponents] == [-math.inf, -math.inf, *[math.inf] * 5]
