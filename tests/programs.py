"""Random programs on smooth ground: so tame that differences of differences, in mpmath's numbers, tell the truth."""

import mpmath
from hypothesis import strategies as st

import scalargrad
from scalargrad.rules import RULES
from tests.reference import reference

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
UNARY = ("sin", "cos", "tan", "atan", "tanh", "sigmoid", "softplus", "gelu", "erf", "asinh", "exp", "log", "sqrt")
KINKED = ("relu", "abs")
BINARY = ("maximum", "minimum", "hypot", "atan2", *INFIX)
N_ARY = ("sum", "prod", "logsumexp", "dot")


def calculate(name, xs):
    """One operation as a user writes it."""
    match name, xs:
        case "add", (x, y):
            return x + y
        case "sub", (x, y):
            return x - y
        case "mul", (x, y):
            return x * y
        case "div", (x, y):
            return x / y
        case "pow", (x, y):
            return x**y
        case "abs", (x,):
            return abs(x)
        case "dot", _:
            return scalargrad.dot(xs[: len(xs) // 2], xs[len(xs) // 2 :])
        case (("sum" | "prod" | "logsumexp"), _):
            return getattr(scalargrad, name)(xs)
    return getattr(scalargrad, name)(*xs)


def is_smooth_and_tame(name, xs):
    """Whether the operation exists at these floats, is not near a kink, and neither vanishes nor blows up."""
    if name in ("log", "sqrt") and xs[0] < 0.1:
        return False
    if name == "pow" and (xs[0] < 0.1 or abs(xs[1]) > 5):
        return False
    if name in ("div", "hypot", "atan2") and abs(xs[1]) < 0.1:
        return False
    if (name in KINKED and abs(xs[0]) < 1e-3) or (name == "tan" and abs(xs[0]) > 1.4) or (name == "exp" and xs[0] > 5):
        return False
    if name == "atan2" and xs[1] < 0 and abs(xs[0]) < 1e-3:
        return False  # at its cut
    if name in ("maximum", "minimum") and abs(xs[0] - xs[1]) < 1e-3:
        return False
    return abs(calculate(name, xs)) < 1e3


@st.composite
def programs(draw):
    """Numbers for the inputs, and steps (operation, operands): an operand is a position, or a constant's float."""
    number = st.floats(-3, 3).map(lambda x: round(x, 3))
    inputs = draw(st.lists(number, min_size=1, max_size=4))
    numbers, steps = list(inputs), []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(UNARY + KINKED + BINARY + N_ARY))
        count = 1 if name in UNARY + KINKED else 2 if name in BINARY else 2 * draw(st.integers(1, 3))
        operand = st.integers(0, len(numbers) - 1) | number if count > 1 else st.integers(0, len(numbers) - 1)
        operands = draw(st.lists(operand, min_size=count, max_size=count))
        xs = [numbers[k] if isinstance(k, int) else k for k in operands]
        if is_smooth_and_tame(name, xs):
            numbers.append(calculate(name, xs))
            steps.append((name, operands))
    return inputs, steps


def run(steps, inputs, apply):
    numbers = list(inputs)
    for name, operands in steps:
        numbers.append(apply(name, [numbers[k] if isinstance(k, int) else k for k in operands]))
    return numbers[-1]


def in_mpmath(name, xs):
    return mpmath.mpf(reference(RULES[name])(*map(mpmath.mpf, xs)))
