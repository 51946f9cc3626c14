"""Expressions as text: what they come to, what is refused and where, and that nothing else ever happens."""

import ast
import inspect
import keyword
import sys
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad
from scalargrad import ExpressionError, Tape, Value, functions, gradients
from scalargrad.console import expression, language, parse, source
from scalargrad.console.language import CONSTANTS, FUNCTIONS, SIGNATURES

LONG = 2_500  # operations in a row that Python's parser takes on every version


def evaluate(text, **numbers):
    return parse(text).evaluate({name: Value(number, label=name) for name, number in numbers.items()})


def error_of(text, **numbers):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, **numbers)
    return caught.value


# ── what expressions come to ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 5", 1 + 2 * 3 - 4 / 5),
        ("-x ** 2", -9.0),
        ("+x", 3.0),
        ("--x", 3.0),
        ("2 ** 3 ** 2", 512.0),
        ("7 % x", 1.0),
        ("-7 % 3", 2.0),
        ("1_000 + 0x10 + 1e3", 2016.0),
        ("pi", 3.141592653589793),
        ("e", 2.718281828459045),
        ("x if x > 0 else -x", 3.0),
        ("1 if x < 0 else 2 if x < 3 else 3", 3.0),
        ("1 if 0 < x <= 3 != 4 else 2", 1.0),
        ("1 if 0 < x < 3 < 4 else 2", 2.0),
        ("1 if x > 0 and x < 2 else 2", 2.0),
        ("1 if x > 5 or x == 3 else 2", 1.0),
        ("1 if not x > 0 else 2", 2.0),
        ("1 if (x > 0 if x < 9 else x > 99) else 2", 1.0),
        ("1 if x else 2", 1.0),
        ("1 if not x - 3 else 2", 1.0),
        ("where(x > 2, 1, 2)", 1.0),
        ("where(x > 2 and x < 3, 1, 2)", 2.0),
        ("abs(-x)", 3.0),
        ("max(x, 1, 5, 2)", 5.0),
        ("min(x, 1, 5)", 1.0),
        ("hypot(x, 4)", 5.0),
        ("fma(x, 2, 1)", 7.0),
        ("leaky_relu(-x)", -0.03),
        ("leaky_relu(-x, 0.5)", -1.5),
        ("sum([x, 1, 2])", 6.0),
        ("sum([])", 0.0),
        ("sum([x] if x > 5 else [1, 2])", 3.0),
        ("prod([x, x])", 9.0),
        ("dot([1, 2], [x, x])", 9.0),
        ("logsumexp([x])", 3.0),
        ("dot(softmax([0, 0]), [x, 5])", 4.0),
        ("  (x\n + 1)\t", 4.0),
        ("1if x>0else 2", 1.0),
    ],
)
def test_value(text, value):
    assert evaluate(text, x=3.0) == value


def test_value_and_gradient_are_those_of_python_to_the_bit():
    with Tape():
        x, y = Value(3.0), Value(-4.0)
        f = parse("(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)").evaluate({"x": x, "y": y})
    assert (f.data, *gradients(f, [x, y])) == (1.5456448841066441, 2.0595697955721652, 1.5922327514838093)


def test_of_plain_numbers_alone_is_a_plain_number():
    assert type(parse("1 + sin(2)").evaluate({})) is float


def test_a_constant_exponent_is_recorded_as_one():
    assert evaluate("x ** 2", x=-3.0).rule.name == "pow_const"


@pytest.mark.parametrize(
    "text",
    [
        "log(x) if x > 0 else 0",
        "1 if 0 < x < log(x) else 0",
        "1 if x > 0 and log(x) > 0 else 0",
        "0 if x < 0 or log(x) > 0 else 1",
    ],
)
def test_what_a_condition_rules_out_is_not_calculated(text):
    assert evaluate(text, x=-1.0) == 0.0


def test_a_branch_that_is_not_taken_is_checked_all_the_same():
    assert "sine" in str(error_of("x if x > 0 else sine(x)", x=1.0))


def test_names_are_normalised_as_python_does():
    assert evaluate("ａ + 1", a=2.0) == 3.0


def test_every_function_of_the_package_is_there():
    assert set(functions.__all__) - set(FUNCTIONS) == {"label", "matmul"}  # neither gives a number or a list of them
    assert set(FUNCTIONS) - set(functions.__all__) == {"abs", "max", "min"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_called_as_its_usage_says(name):
    operands = [{"[": "[x]", "c": "x > 0", "n": "1"}.get(parameter[0], "x") for parameter in SIGNATURES[name]]
    call = f"{name}({', '.join(operands)})"
    y = evaluate(f"sum({call})" if name == "softmax" else call, x=0.5 if name == "atanh" else 1.0)
    assert isinstance(y, Value)


# ── random expressions, against Python itself ───────────────────────────────────────────────────────────────────────

ATOMS = st.sampled_from(["x", "y", "z", "pi", "e", "0.0", "1.0", "2.0", "0.5", "1e3"])
COMPARISON = st.sampled_from(["<", "<=", "==", "!=", ">=", ">"])


def larger(terms):
    conditions = st.builds("({} {} {})".format, terms, COMPARISON, terms)
    conditions |= st.builds("({} {} {} {} {})".format, terms, COMPARISON, terms, COMPARISON, terms)
    conditions |= st.builds("({} {} {})".format, conditions, st.sampled_from(["and", "or"]), conditions)
    conditions |= st.builds("(not {})".format, conditions)
    of_one = st.sampled_from([name for name, signature in SIGNATURES.items() if signature == ("x",)])
    of_two = st.sampled_from(["hypot", "atan2", "maximum", "minimum", "max", "leaky_relu"])
    of_lists = st.sampled_from(["sum", "prod", "logsumexp"])
    return st.one_of(
        st.builds("({} {} {})".format, terms, st.sampled_from(["+", "-", "*", "/", "%", "**"]), terms),
        st.builds("({}{})".format, st.sampled_from("+-"), terms),
        st.builds("{}({})".format, of_one, terms),
        st.builds("{}({}, {})".format, of_two, terms, terms),
        st.builds("{}([{}, {}, {}])".format, of_lists, terms, terms, terms),
        st.builds("where({}, {}, {})".format, conditions, terms, terms),
        st.builds("({} if {} else {})".format, terms, conditions, terms),
    )


IN_PYTHON = {name: getattr(scalargrad, name) for name in functions.__all__} | CONSTANTS
IN_PYTHON["max"] = lambda *xs: reduce(scalargrad.maximum, xs)


def bits(y, xs):
    return [repr(float(number)) for number in ([y.data, *gradients(y, xs)] if isinstance(y, Value) else [y, 0, 0, 0])]


@settings(max_examples=300, deadline=None)
@given(st.recursive(ATOMS, larger, max_leaves=12), st.tuples(*[st.sampled_from([-2.5, -1.0, 0.0, 0.3, 1.0, 3.0])] * 3))
def test_random_expressions_come_to_what_python_makes_of_them(text, numbers):
    with Tape():
        xs = [Value(number) for number in numbers]
        variables = dict(zip("xyz", xs, strict=True))
        try:
            expected = bits(eval(text, IN_PYTHON | variables), xs)
        except (ValueError, ArithmeticError, TypeError):  # a TypeError where Python's own float became complex
            with pytest.raises(ExpressionError):
                parse(text).evaluate(variables)
        else:
            assert bits(parse(text).evaluate(variables), xs) == expected


# ── errors: where they point, and what they say to do ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        # names
        ("x + sine(x)", 4, "no function 'sine': did you mean 'sin'?"),
        ("Sin(x)", 0, "did you mean 'sin'?"),
        ("ln(x)", 0, "did you mean 'log'?"),
        ("x(2)", 0, "no function 'x': write * for a product"),
        ("2 * pi(2)", 4, "pi is a number and not a function: write pi * (…)"),
        ("x + sin", 4, "sin is a function: write sin(x)"),
        ("x + y", 4, "'y' has no value: give it one after the expression, as y=2"),
        ("x + PI", 4, "did you mean 'pi'?"),
        ("  αβ + xx", 2, "'αβ' has no value"),
        ("α + 'é' + xx", 4, "text is not a number"),
        # calls
        ("1 + sin(x, x)", 4, "sin does not take 2 operands: write sin(x)"),
        ("max(x)", 0, "max does not take 1 operand: write max(x, y, …)"),
        ("sum(x)", 4, "'x' is not a list: write it in brackets, as sum([x, y])"),
        ("sum(x, x)", 0, "write sum([x, …])"),
        ("sin([x])", 4, "'[x]' is a list"),
        ("softmax([x])", 0, "'softmax([x])' is a list"),
        ("[x]", 0, "'[x]' is a list"),
        ("sin(x=1)", 0, "operands have no names"),
        ("sin(*x)", 4, "'*x' is not allowed"),
        ("sin(**x)", 0, "operands have no names"),
        ("1 + math.sin(x)", 4, "functions have plain names: write sin(x)"),
        ("2(x)", 0, "write * before the parenthesis"),
        ("(x + 1)(x)", 0, "write * before the parenthesis"),
        ("sin(x)(x)", 0, "write * before the parenthesis"),
        # operators
        ("x ^ 2", 2, "write ** for a power"),
        ("(x) // 2", 4, "write / or %"),
        ("x @ x", 2, "write dot("),
        ("x & 1", 2, "write and"),
        ("x | 1", 2, "write or"),
        ("x << 1", 0, "'x << 1' is not allowed"),
        ("~x", 0, "'~x' is not allowed"),
        # conditions
        ("x > 0", 0, "'x > 0' is a condition and not a number: write (1 if CONDITION else 0)"),
        ("2 * (x > 0)", 5, "is a condition"),
        ("x and 1", 0, "is a condition"),
        ("not x", 0, "is a condition"),
        ("1 if x is 2 else 3", 5, "write < <= == != >= or >"),
        ("1 if x in [2] else 3", 5, "write < <= == != >= or >"),
        ("1 if [x] else 3", 5, "'[x]' is a list"),
        # things of Python's that numbers are not
        ("x + 1j", 4, "complex"),
        ("True", 0, "'True' is not allowed"),
        ("None", 0, "'None' is not allowed"),
        ("...", 0, "'...' is not allowed"),
        ("b'x'", 0, "take the quotes away"),
        ("f'{x}'", 0, "is not allowed"),
        ("x.data", 0, "'x.data' has a dot"),
        ("x[0]", 0, "'x[0]' is not allowed"),
        ("1,5 * x", 0, "write decimals as 1.5"),
        ("{x}", 0, "'{x}' is not allowed"),
        ("{x: x}", 0, "'{x: x}' is not allowed"),
        ("lambda: x", 0, "'lambda: x' is not allowed"),
        ("sum([a for a in x])", 4, "'[a for a in x]' is not allowed"),
        ("sum(a for a in x)", 3, "is not allowed"),
        ("(x := 2)", 1, "'x := 2' is not allowed"),
        ("await x", 0, "'await x' is not allowed"),
        ("(yield x)", 1, "'yield x' is not allowed"),
        ("__import__('os').system('x')", 0, "has a dot"),
        ("__import__('os')", 0, "no function '__import__'"),
        # syntax
        ("", 0, "the expression is empty: write one"),
        (" \n ", 0, "the expression is empty: write one"),
        ("x + ", 4, "ends too early: go on with a number or a variable"),
        ("2 * (x + 1", 4, "'(' was never closed: add the other one"),
        ("x)", 1, "unmatched ')': take it out"),
        ("(x]", 2, "make them the same kind"),
        ("x + * 2", 4, "write a number or a variable before '*'"),
        ("x x", 2, "write one before 'x', as * for a product"),
        ("sin x", 4, "write one before 'x'"),
        ("sin(x x)", 4, "put a comma or an operator between"),
        ("2x", 0, "write * for a product, as in 2*x"),
        ("x if x", 0, "write A if CONDITION else B"),
        ("if x: 2", 0, "write A if CONDITION else B"),
        ("import os", 0, "'import' has no place in an expression: take it out"),
        ("x $ 2", 2, "'$' has no place"),
        ("1 + x = 3", 6, "give variables their numbers after the expression"),
        ("x := 3", 2, "give variables their numbers after the expression"),
        ("x! + 1", 1, "exp(lgamma(x + 1))"),
        ("x² + 1", 1, "write **2"),
        ("2 × x", 2, "write *"),
        ("x ≤ 2", 2, "write <="),
        ("x ¿ 2", 2, "take it out"),
        ("'x", 0, "take the quotes away"),
        ("x # 2", 2, "'#' has no place"),
        ("x\0", 1, "'\\x00' has no place"),
        ("x + \udcff", 4, "'\\udcff' has no place"),
        ("x \\ 2", 3, "write an expression such as"),
        # numbers
        ("x + " + "9" * 400, 4, "too large for a float: take a smaller one"),
        ("0x" + "f" * 400, 0, "too large for a float: take a smaller one"),
        # arithmetic
        ("1 + log(0 - x)", 4, "log(-3.0) is outside its domain: take other numbers, or write A if"),
        ("log(x - 3) + y", 13, "'y' has no value"),
        ("1 + (x) / (x - x)", 8, "x / 0.0 divides by zero at x = 3.0: take other numbers, or write A if"),
        ("1 / 0", 2, "1.0 / 0.0 divides by zero"),
        ("5 % 0", 2, "divides by zero"),
        ("2 * exp(x * 1000)", 4, "exp(3000.0) is too large for a float"),
        ("x ** 9 ** 9 ** 9", 7, "too large for a float"),
        ("(-2) ** 0.5", 5, "outside its domain"),
        ("dot([x], [1, 2])", 0, "dot takes two of the same length, not of 1 and 2"),
        ("logsumexp([])", 0, "give it one operand at least"),
    ],
)
def test_error(text, column, words):
    error = error_of(text, x=3.0)
    assert words in str(error)
    assert error.column == column


@pytest.mark.parametrize("name", ["alhpa", "ALPHA"])
def test_a_missing_variable_that_is_like_a_given_one(name):
    assert "did you mean 'alpha'?" in str(error_of(f"2 * {name}", alpha=1.0))


def test_a_number_of_thousands_of_digits():
    assert "too large for a float: take a smaller one" in str(error_of("9" * 5_000))


def test_an_error_quotes_only_the_beginning_of_what_is_long():
    assert len(str(error_of("a" * 100_000))) < 200
    assert len(str(error_of("'" + "a" * 100_000))) < 200
    assert len(str(error_of("[" + "1," * 100_000 + "1]"))) < 200


# ── long and deep ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+".join(["x"] * LONG), LONG),
        ("x**" * LONG + "x", 1.0),
        ("-" * LONG + "x", 1.0),
        ("x if x < 0 else " * LONG + "x", 1.0),
        ("1 if " + "not " * LONG + "x else 2", 1.0),
        ("1 if " + " <= ".join(["x"] * LONG * 4) + " else 2", 1.0),
        ("1 if " + " and ".join(["x"] * LONG * 4) + " else 2", 1.0),
        ("sum([" + ",".join(["x"] * 20_000) + "])", 20_000),
        ("sin(" * 150 + "0*x" + ")" * 150, 0.0),
    ],
    ids=lambda x: x[:10] if isinstance(x, str) else "",
)
def test_long_expressions_are_calculated(text, value):
    assert evaluate(text, x=1.0) == value


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 10_000 + "x" + ")" * 10_000,
        "-" * 10_000 + "x",
        "+".join(["x"] * 500_000),
        "x**" * 10_000 + "x",
    ],
    ids=lambda x: x[:5],
)
def test_what_is_too_deep_for_the_parser_says_so(text):
    assert "nested too deeply" in str(error_of(text, x=1.0))


def test_the_recursion_limit_is_left_alone():
    before = sys.getrecursionlimit()
    error_of("-" * 10_000 + "x")
    assert sys.getrecursionlimit() == before


# ── whatever the text ───────────────────────────────────────────────────────────────────────────────────────────────

WORDS = [
    *FUNCTIONS,
    *keyword.kwlist,
    *CONSTANTS,
    *"xyz",
    *"0123456789.,:;()[]{}<>+-*/%=!@#$&|^~?_\\'\"` \t\n\0é²×",
    "**",
    "1e9",
    "1j",
]


def check_whatever(text):
    error = None
    try:
        y = parse(text).evaluate({"x": Value(2.0), "y": -1.0})
    except ExpressionError as raised:
        error = raised
    if error is None:
        assert type(y) in (Value, float)
    else:
        assert 0 <= error.column <= len(text)
        assert str(error).isprintable()  # so it is one line, too


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(32, 126) | st.integers(0, 0x10FFFF)).map(lambda codes: "".join(map(chr, codes))))
def test_any_text_is_an_expression_or_an_error(text):
    check_whatever(text)


@settings(max_examples=800, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.sampled_from(["", " "]))
def test_any_words_are_an_expression_or_an_error(words, space):
    check_whatever(space.join(words))


VALID = "where(x > 0, sum([x, 2.5e3]), -y ** 2) if not x < y <= 1 and y or x else max(x % 3, pi, abs(y)) / 7"


@settings(max_examples=800, deadline=None)
@given(st.integers(0, len(VALID)), st.integers(0, 4), st.sampled_from(["", *WORDS]))
def test_any_slip_is_an_expression_or_an_error(start, length, slip):
    check_whatever(VALID[:start] + slip + VALID[start + length :])


@pytest.mark.parametrize("module", [expression, language, source])
def test_nothing_there_could_run_a_text(module):
    called = {node.id for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Name)}
    assert not called & {"eval", "exec", "compile", "getattr", "setattr", "globals", "open", "__import__"}
