"""Expressions as text: read as a syntax tree, checked against what is allowed, and calculated on Values.

Nothing is ever run as Python. `parse` goes through the syntax tree, takes the few kinds of node it knows, and turns
them into steps: operands first, then the operation, as on a pocket calculator. `Expression.evaluate` works the steps
off with a stack. Neither of them recurses, so how deep an expression may nest is up to Python's own parser alone.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scalargrad.console.language import (
    ARITHMETIC,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    NOT_ALLOWED,
    REFUSED,
    SIGNATURES,
    usage,
)
from scalargrad.console.source import Source, did_you_mean, quote, shorten

__all__ = ["Expression", "parse"]

# ── parsing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Load:
    """Put the value of a variable on the stack."""

    name: str
    at: int  # in the source


@dataclass(frozen=True, slots=True)
class _Apply:
    """Take operands off the stack, and put there what the operation makes of them."""

    operation: Callable[..., Any]
    takes: int
    at: int
    keeps: bool = False  # the last operand stays, beneath the result


@dataclass(frozen=True, slots=True)
class _Choose:
    """Take a truth value off the stack, and go on with the steps for it."""

    yes: list[Any] = field(default_factory=list)
    no: list[Any] = field(default_factory=list)


#: What is to be done: a step to append to a list, or a node, which has to be of some kind, to break up into tasks.
_Task = tuple[list[Any], Any, str]

_NUMBER, _CONDITION, _LIST = "number", "condition", "list"


def parse(text: str) -> "Expression":
    """The expression that a text is. Raises ExpressionError, which tells the column, if it is none.

    >>> from scalargrad import Value
    >>> parse("x**2 if x > 0 else -x").evaluate({"x": Value(3.0)})
    Value(9.0)
    >>> parse("1 + sine(x)")
    Traceback (most recent call last):
    scalargrad.errors.ExpressionError: there is no function 'sine': did you mean 'sin'?
    """
    source = Source(text)
    steps: list[Any] = []
    variables: dict[str, int] = {}
    tasks: list[_Task] = [(steps, source.tree(), _NUMBER)]
    while tasks:
        out, thing, kind = tasks.pop()
        if isinstance(thing, ast.expr):
            _check_kind(source, thing, kind)
            tasks += reversed(_tasks(source, out, thing, kind))
            continue
        out.append(thing)
        if isinstance(thing, _Load):
            variables.setdefault(thing.name, thing.at)
    return Expression(source, variables, steps)


def _tasks(source: Source, out: list[Any], node: ast.expr, kind: str) -> list[_Task]:
    """What a node comes to: its operands in order, and then the step made with them. All that is not here is refused."""
    at = node.col_offset
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return [(out, _number(source, number, at), "")]
        case ast.Name(id=name):
            return [(out, _name(source, name, at), "")]
        case ast.UnaryOp(op=ast.Not(), operand=x):
            return [(out, x, _CONDITION), (out, _Apply(operator.not_, 1, at), "")]
        case ast.UnaryOp(op=op, operand=x) if type(op) in ARITHMETIC:
            return [(out, x, _NUMBER), (out, _Apply(ARITHMETIC[type(op)], 1, at), "")]
        case ast.BinOp(left=x, op=op, right=y) if type(op) in ARITHMETIC:
            step = _Apply(ARITHMETIC[type(op)], 2, source.between(x, y))
            return [(out, x, _NUMBER), (out, y, _NUMBER), (out, step, "")]
        case ast.Compare(left=x, ops=ops, comparators=ys) if all(type(op) in COMPARISONS for op in ops):
            return [(out, x, _NUMBER), *_comparisons(out, [COMPARISONS[type(op)] for op in ops], ys)]
        case ast.BoolOp(op=op, values=conditions):
            return _junction(out, isinstance(op, ast.And), conditions)
        case ast.IfExp(test=condition, body=x, orelse=y):
            branch = _Choose()
            return [(out, condition, _CONDITION), (out, branch, ""), (branch.yes, x, kind), (branch.no, y, kind)]
        case ast.List(elts=xs):
            return [*((out, x, _NUMBER) for x in xs), (out, _Apply(lambda *xs: list(xs), len(xs), at), "")]
        case ast.Call(func=ast.Name(id=name), args=xs, keywords=[]):
            kinds = _operand_kinds(source, name, len(xs), at)
            call = _Apply(FUNCTIONS[name], len(xs), at)
            return [*((out, x, k) for x, k in zip(xs, kinds, strict=True)), (out, call, "")]
    raise _refusal(source, node)


def _number(source: Source, number: float, at: int) -> float:
    try:
        return float(number)
    except OverflowError:
        raise source.error("this whole number is too large for a float: take a smaller one", at) from None


def _name(source: Source, name: str, at: int) -> Any:
    if name in SIGNATURES:
        raise source.error(f"{name} is a function: write {usage(name)}", at)
    return CONSTANTS[name] if name in CONSTANTS else _Load(name, at)


def _comparisons(out: list[Any], operations: list[Callable[..., Any]], operands: list[ast.expr]) -> list[_Task]:
    """Of a chain such as 0 < x < 1: it ends at the first that is false, so what follows need not have a value."""
    tasks: list[_Task] = []
    for operation, operand in zip(operations[:-1], operands, strict=False):
        rest = _Choose(no=[_Apply(lambda kept: False, 1, 0)])
        tasks += [(out, operand, _NUMBER), (out, _Apply(operation, 2, 0, keeps=True), ""), (out, rest, "")]
        out = rest.yes
    return [*tasks, (out, operands[-1], _NUMBER), (out, _Apply(operations[-1], 2, 0), "")]


def _junction(out: list[Any], conjunction: bool, conditions: list[ast.expr]) -> list[_Task]:
    """Of `and`, which ends at the first that is false, or of `or`, which ends at the first that is true."""
    tasks: list[_Task] = []
    for condition in conditions[:-1]:
        rest = _Choose(no=[False]) if conjunction else _Choose(yes=[True])
        tasks += [(out, condition, _CONDITION), (out, rest, "")]
        out = rest.yes if conjunction else rest.no
    return [*tasks, (out, conditions[-1], _CONDITION)]


def _operand_kinds(source: Source, name: str, count: int, at: int) -> list[str]:
    """Of what kind each operand of a function has to be, if there is such a function and it takes so many."""
    if name in CONSTANTS:
        raise source.error(f"{name} is a number and not a function: write {name} * (…) for a product", at)
    if name not in SIGNATURES:
        advice = did_you_mean(name, SIGNATURES) or "write * for a product; --help lists the functions"
        raise source.error(f"there is no function {quote(name)}: {advice}", at)
    signature = SIGNATURES[name]
    least = sum("=" not in x and x != "…" for x in signature)
    plural = "" if count == 1 else "s"
    if count < least or (count > len(signature) and "…" not in signature):
        raise source.error(f"{name} does not take {count} operand{plural}: write {usage(name)}", at)
    kinds = [_LIST if x[0] == "[" else _CONDITION if x == "condition" else _NUMBER for x in signature]
    return (kinds + [_NUMBER] * count)[:count]


def _check_kind(source: Source, node: ast.expr, wanted: str) -> None:
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            if wanted != _CONDITION:
                remedy = "write (1 if CONDITION else 0), with the numbers you want"
                raise source.error(f"{source.piece(node)} is a condition and not a {wanted}: {remedy}", node.col_offset)
        case ast.List() | ast.Call(func=ast.Name(id="softmax")):
            if wanted != _LIST:
                remedy = "make a number of it with sum, prod, dot or logsumexp"
                raise source.error(f"{source.piece(node)} is a list: {remedy}", node.col_offset)
        case ast.Constant() | ast.Name() | ast.UnaryOp() | ast.BinOp() | ast.Call() | ast.Tuple():
            if wanted == _LIST:  # a number is fine as a condition: true, if it is not 0
                remedy = "write it in brackets, as sum([x, y])"
                raise source.error(f"{source.piece(node)} is not a list: {remedy}", node.col_offset)


def _refusal(source: Source, node: ast.expr) -> Exception:
    """Why a node is not allowed, and what to write."""
    at = node.col_offset
    match node:
        case ast.Constant(value=str() | bytes()):
            return source.error("text is not a number: take the quotes away", at)
        case ast.Constant(value=complex()):
            return source.error("complex numbers are not among the numbers here: write it with real ones", at)
        case ast.Call(func=ast.Attribute(attr=name)) if name in SIGNATURES:
            return source.error(f"functions have plain names: write {usage(name)}", at)
        case ast.Call(func=ast.Attribute() as called):
            return _refusal(source, called)
        case ast.Call(func=ast.Name()):
            return source.error("operands have no names here: write them in their order", at)
        case ast.Call():
            return source.error("only functions are called: write * before the parenthesis for a product", at)
        case ast.BinOp(left=x, op=op, right=y) if type(op) in REFUSED:
            return source.error(REFUSED[type(op)], source.between(x, y))
    return source.error(f"{source.piece(node)} {REFUSED.get(type(node), NOT_ALLOWED)}", at)


# ── evaluating ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that `parse` found to be in order."""

    _source: Source
    _variables: dict[str, int]  # and where each first appears
    _steps: list[Any]

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Its value for these Values or numbers: a Value if it depends on one, else a float.

        Raises ExpressionError, which tells the column, if a variable is missing or there is no such value.

        >>> parse("1 / (x - y)").evaluate({"x": 2.0, "y": 2.0})
        Traceback (most recent call last):
        scalargrad.errors.ExpressionError: 1.0 / 0.0 divides by zero: take other numbers, or write A if CONDITION else B
        """
        for name, at in self._variables.items():
            if name not in variables:
                advice = f"give it one after the expression, as {shorten(name)}=2"
                question = did_you_mean(name, [*variables, *CONSTANTS])
                raise self._source.error(f"{quote(name)} has no value: {advice}{question and '; or ' + question}", at)
        stack: list[Any] = []
        todo = self._steps[::-1]
        while todo:
            match todo.pop():
                case _Load(name=name):
                    stack.append(variables[name])
                case _Choose(yes=yes, no=no):
                    todo += reversed(yes if stack.pop() else no)
                case _Apply() as step:
                    operands = stack[len(stack) - step.takes :]
                    del stack[len(stack) - step.takes :]
                    stack += operands[-1:] if step.keeps else ()
                    stack.append(self._apply(step, operands))
                case constant:
                    stack.append(constant)
        return stack.pop()

    def _apply(self, step: _Apply, operands: list[Any]) -> Any:
        try:
            return step.operation(*operands)
        except (ValueError, ArithmeticError) as error:
            of_lists = any(isinstance(x, list) for x in operands)  # whose errors are about lengths, and say what to do
            remedy = "" if of_lists else ": take other numbers, or write A if CONDITION else B"
            raise self._source.error(f"{error}{remedy}", step.at) from None
