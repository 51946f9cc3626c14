"""The rules, written down by themselves: what is printed of a rule computes what the rule computes."""

import inspect
import math
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scalargrad import exp, gate, sigmoid, where
from scalargrad.gates import gate_rule
from scalargrad.graph.symbols import PRINTER, Symbol, operation, slopes
from scalargrad.namespaces import FLOATS, NAMES
from scalargrad.rules import RULES

DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
PYTHON = {"−": "-", "·": "*", "≤": "<=", "≥": ">=", "≠": "!=", "π": "pi"}
EVERYTHING = vars(math) | vars(FLOATS) | {"σ": FLOATS.sigmoid, "abs": abs, "max": max, "min": min}


# Where a rule exists on less than half of what is drawn else.
NUMBERS = dict.fromkeys(("log", "log2", "log10", "sqrt", "pow", "const_pow", "pow_const"), st.floats(0.01, 3))
NUMBERS |= dict.fromkeys(("asin", "acos", "atanh"), st.floats(-0.99, 0.99))
NUMBERS |= {"acosh": st.floats(1.01, 3), "polygamma": st.sampled_from([1.0, 2.0, 3.0])}


def names_of(rule):
    return [*inspect.signature(rule.value).parameters][1:] if rule.arity is not None else ["x1", "x2"]


def evaluated(text, values):
    """What a formula comes to, read as Python."""
    while found := re.search(f"[{DIGITS}]+", text):  # sin²(x) is sin(x)**2, and x² is x**2
        power, rest = "".join(str(DIGITS.index(d)) for d in found[0]), text[found.end() :]
        end = closing(rest) if rest.startswith("(") else 0
        text = f"{text[: found.start()]}{rest[:end]}**{power}{rest[end:]}"
    for written, python in PYTHON.items():
        text = text.replace(written, python)
    return eval(text, EVERYTHING | values)


def closing(text):
    """Where the parenthesis that a text begins with ends."""
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return i + 1
    raise AssertionError(text)


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_text_computes_what_the_rule_computes(name, data):
    rule = RULES[name]
    names = names_of(rule)
    number = NUMBERS.get(name, st.floats(-3, 3).map(lambda x: round(x, 2)))
    xs = data.draw(st.lists(number, min_size=len(names), max_size=len(names)))
    try:
        found = rule.derivatives(FLOATS, *xs, out=rule.value(FLOATS, *xs))
    except (ValueError, ArithmeticError):
        assume(False)
    for text, derivative in zip(slopes(rule, names), found, strict=True):
        assert bool(text) == (derivative is not None)
        if text:
            assert evaluated(text, dict(zip(names, xs))) == pytest.approx(derivative, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["pow_const", "const_pow", "mul", "div", "leaky_relu", "sub", "hypot"])
@pytest.mark.parametrize("constant", [-2.5, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("place", [0, 1])
def test_constants_are_written_as_their_numbers_to_four_digits(name, constant, place):
    rule = RULES[name]
    xs, operands = [0.75, 0.75], ["x", "x"]
    xs[place] = operands[place] = constant
    try:
        found = rule.derivatives(FLOATS, *xs, out=rule.value(FLOATS, *xs))
    except (ValueError, ArithmeticError):
        return
    for text, derivative in zip(slopes(rule, operands), found, strict=True):
        if text:
            assert evaluated(text, {"x": 0.75}) == pytest.approx(derivative, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("tanh", ("1 − tanh²(x)",)),
        ("sigmoid", ("σ(x)·σ(−x)",)),
        ("div", ("1 / y", "−x / y²")),
        ("relu", ("0 if x ≤ 0 else 1",)),
        ("maximum", ("1 if x ≥ y or isnan(x) else 0", "0 if x ≥ y or isnan(x) else 1")),
        ("mod", ("1", "−(x // y)")),
        ("log2", ("1 / (x·log(2))",)),
        ("erf", ("2·exp(−x²) / sqrt(π)",)),
        ("gelu", ("0.5·erfc(−x·sqrt(0.5)) + x·exp(−0.5·x²) / sqrt(2·π)",)),
        ("atan2", ("x / hypot²(x, y)", "−y / hypot²(x, y)")),
        ("acosh", ("1 / (sqrt(x − 1)·sqrt(x + 1))",)),
    ],
)
def test_the_texts_are_what_a_book_would_write(name, texts):
    assert slopes(RULES[name], names_of(RULES[name])) == texts


def test_many_operands_are_written_in_a_general_form():
    many = ["x1", "x2", *["x"] * 996, "xi", "xn"]
    top = "max(x1, …, xi, xn)"
    terms = f"exp(x1 − {top}) + … + exp(xi − {top}) + exp(xn − {top})"
    assert slopes(RULES["logsumexp"], many)[-2] == f"exp(xi − {top}) / ({terms})"
    assert slopes(RULES["prod"], many)[-2] == "x1·…·xn"
    assert slopes(RULES["prod"], many)[1] == "x1·…·xn"
    assert slopes(RULES["prod"], many)[0] == "…·xn"
    assert slopes(RULES["sum"], many) == ("1",) * 1000


def test_in_a_dot_product_each_has_its_partner():
    assert slopes(RULES["dot"], ["w1", "w2", "x1", "x2"]) == ("x1", "x2", "w1", "w2")


def test_the_printing_namespace_offers_every_name_that_the_rules_may_use():
    assert all(callable(getattr(PRINTER, name)) for name in NAMES)


def test_an_operation_is_written_as_it_was():
    assert operation(RULES["mul"], ["a", "a"]) == "a·a"
    assert operation(RULES["sub"], ["a", -2.0]) == "a − (−2)"
    assert operation(RULES["pow_const"], ["a", 2.0]) == "a**2"
    assert operation(RULES["neg"], ["a"]) == "−a"
    assert operation(RULES["sum"], ["a", "b", "c", "d", "e"]) == "sum(a, b, …, e)"


# ── gates ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gate_that_is_arithmetic_and_functions_of_the_package_is_written():
    rule = gate_rule(lambda x, y: x * y, lambda x, y: (exp(-y) * 2.0 * x, where(x > y, sigmoid(x), 0.0)))
    assert slopes(rule, ["a", "b"]) == ("2·a·exp(−b)", "σ(a) if a > b else 0")


@pytest.mark.parametrize(
    "derivative",
    [
        lambda x: math.exp(x),
        lambda x: 1.0 if x > 0 else 0.0,
        lambda x: float(x),
        lambda x: x.nothing,
        lambda x: "text",
        lambda x: (1.0, 2.0),
        lambda x: [x := x * x + x for _ in range(100)][-1],
    ],
)
def test_a_gate_that_cannot_be_written_is_left_out(derivative):
    assert slopes(gate_rule(lambda x: x, derivative), ["a"]) == ("",)


def test_a_gate_called_by_an_operator_works():
    @gate(derivatives=lambda x: 2.0 * x)
    def square(x):
        return x * x

    assert repr(square(Symbol("a"))) == "a²"
