"""Both engines, side by side in one process: the same programs have to give the same bits, texts and errors.

A program is a list of steps; its calculations come from the strategies that the package ships. A `Machine` takes them on
one engine and writes down all there is to see after each; the two accounts have to be equal. Numbers are written as hexadecimal, so that -0.0 is not 0.0 and the last bit counts.
"""

import inspect
import math
import operator
import os
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.engine import python
from scalargrad.engine.thread import debug, no_grad, scope
from scalargrad.rules import RULES, Rule
from scalargrad.testing.strategies import expressions

try:
    from scalargrad.engine import native
except ImportError:
    if os.environ.get("REQUIRE_NATIVE") == "1":
        raise
    native = python  # not built: the readable engine is held against itself

pytestmark = pytest.mark.engine_free  # each test has both

ENGINES = (python, native)
ARITY = {name: rule.arity for name, rule in RULES.items()}
N_ARY = [name for name in RULES if ARITY[name] is None]
INFIX = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "mod": operator.mod,
    "pow": operator.pow,
}
POWERS = {"pow_const": operator.pow, "const_pow": operator.pow}
PREFIX = {"neg": operator.neg, "pos": operator.pos, "abs": abs}
METHODS = sorted(name for name in RULES if ARITY[name] == 1 and name not in PREFIX)
GATES = {
    "gate1": Rule("gate1", "gate1", lambda m, x: x * x, lambda m, x, out: (2 * x,)),
    "gate3": Rule("gate3", "gate3", lambda m, x, y, z: x * y / z, lambda m, x, y, z, out: (y / z, None, x)),
}
BARE = (operator.floordiv, divmod, operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt)


# ── running a program on one engine ─────────────────────────────────────────────────────────────────────────────────


def text(x):
    if isinstance(x, (list, tuple)):
        return "(" + ", ".join(map(text, x)) + ")"
    return x.hex() if type(x) is float else repr(x)


class Machine:
    """A tape of one engine with some Values on it, all in the same places as on the other engine's."""

    def __init__(self, engine):
        self.engine, self.tape, self.values, self.account = engine, engine.Tape(), [], []
        with self.tape:
            self.values.append(engine.Value(1.5, label="first"))

    def take(self, step):
        try:
            with self.tape:
                seen = getattr(self, step[0])(*step[1:])
        except Exception as error:
            seen = f"{type(error).__name__}: {error}".replace("scalargrad.engine.native.", "")
        self.account.append(f"{step}: {seen}")

    def pick(self, operand):
        return self.values[operand[0] % len(self.values)] if isinstance(operand, tuple) else operand

    def add(self, value):
        if type(value) is self.engine.Value:
            self.values.append(value)
        return self.tell(value)

    def tell(self, value):
        if type(value) is not self.engine.Value:
            return text(value)
        place = {id(row): i for i, row in enumerate(self.values)}
        operands = [(place.get(id(x)), text(x.data)) if type(x) is type(value) else text(x) for x in value.operands]
        return (
            value.rule and value.rule.name,
            operands,
            text(value.data),
            text(value.local_derivatives),
            text(value.grad),
            value.has_grad,
            value.label,
            value.scope,
            bool(value.line),
            value._op,
            sorted(text(x.data) for x in value._prev),
        )

    # the steps

    def input(self, number, label):
        return self.add(self.engine.Value(number, label=label))

    def infix(self, name, x, y):
        return self.add(INFIX[name](self.pick(x), self.pick(y)))

    def prefix(self, name, x):
        return self.add(PREFIX[name](self.pick(x)))

    def method(self, name, x):
        return self.add(getattr(self.pick(x), name)())

    def function(self, name, operands):
        rule = RULES.get(name) or GATES[name]
        return self.add(self.engine.function(rule)(*map(self.pick, operands)))

    def expression(self, program, starts):
        """A shipped program on what is there already, where it may leave its domains: all of its rows are kept."""
        return self.tell(program.on(Kept(self))(*map(self.pick, starts[: len(program.inputs)])))

    def own(self, program):
        """A shipped program at its own inputs, inside of its domains: the result alone is kept."""
        mine = program.on(self.engine)
        return self.add(mine(*mine.values()))

    def bare(self, which, x, y):
        return text(BARE[which](self.pick(x), self.pick(y)))

    def rebind(self, x, y):
        self.values[x[0] % len(self.values)] = self.pick(y)

    def forget(self, x):
        if len(self.values) > 1:
            del self.values[x[0] % len(self.values)]

    def data(self, x, number):
        self.pick(x).data = number

    def grad(self, x, number):
        self.pick(x).grad = number

    def label(self, x, label):
        self.pick(x).label = label

    def backward(self, x, seed):
        self.pick(x).backward(seed)
        return [text(v.grad) for v in self.values]

    def sweep(self, roots, seed):
        seeds = {self.pick(x): seed + i for i, x in enumerate(roots)}
        kept = list(self.tape)
        rows = {id(row): i for i, row in enumerate(kept)}
        return [(rows[id(row)], text(adjoint)) for row, adjoint in self.engine.sweep(seeds).items()]

    def sweep_from(self, roots, first, seed):
        seeds = {self.pick(x): seed + i for i, x in enumerate(roots)}
        first = first and self.pick(first)
        kept = list(self.tape)
        rows = {id(row): i for i, row in enumerate(kept)}
        found = [(rows[id(row)], text(adjoint)) for row, adjoint in self.engine.sweep(seeds, first).items()]
        numbers = self.engine.adjoints(seeds, kept, first)
        return found, numbers if numbers is None else text(numbers)

    def inputs(self, numbers):
        return [self.add(x) for x in self.engine.inputs(numbers)]

    def under(self, mode, step):
        with {"no_grad": no_grad, "debug": debug}[mode]() if mode in ("no_grad", "debug") else scope(mode):
            return getattr(self, step[0])(*step[1:])

    def look(self):
        rows = list(self.tape)
        order = [row.index for row in rows]
        return str(self.tape), [self.tell(row) for row in rows], order == sorted(set(order)), repr(rows)


class Kept:
    """An engine to run a shipped program on: a machine's, by operators where Python has them, all rows kept."""

    def __init__(self, machine):
        self.machine, self.Value = machine, machine.engine.Value

    def function(self, rule):
        function = (INFIX | PREFIX | POWERS).get(rule.name) or self.machine.engine.function(rule)

        def kept(*operands):
            result = function(*operands)
            self.machine.add(result)
            return result

        return kept


# ── random programs ─────────────────────────────────────────────────────────────────────────────────────────────────

special = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, math.inf, -math.inf, math.nan, 1e308, 5e-324, 1e-160])
numbers = st.floats(-3, 3) | special | st.floats() | st.integers(-4, 4) | st.booleans() | st.just(Fraction(1, 3))
values = st.tuples(st.integers(0, 40))
operands = values | values | numbers
labels = st.sampled_from(["", "x", "weight\n2"])
arity_of = {name: st.tuples(*[operands] * ARITY[name]) for name in RULES if name not in N_ARY}
orders = st.sampled_from([0, 1, 2.0, 3, -1, 0.5])  # of polygamma; it takes time that grows with them
arity_of["polygamma"] = st.tuples(orders, operands)

# Programs of the kit's, at inputs where they exist, and on whatever else is there.
programs = expressions(rules=RULES | GATES, max_rows=6)
anything = values | values | st.floats(-3, 3) | special
shipped = st.one_of(
    st.tuples(st.just("own"), programs),
    st.tuples(st.just("expression"), programs, st.tuples(values, anything, anything)),
)
# Single operations, on operands of every kind: those that end in errors, infinities and nan.
reckless = st.one_of(
    st.tuples(st.just("infix"), st.sampled_from(sorted(INFIX)), values, operands),
    st.tuples(st.just("infix"), st.sampled_from(sorted(INFIX)), operands, values),
    st.tuples(st.just("prefix"), st.sampled_from(sorted(PREFIX)), values),
    st.tuples(st.just("method"), st.sampled_from(METHODS), values),
    st.sampled_from(sorted(arity_of)).flatmap(
        lambda name: st.tuples(st.just("function"), st.just(name), arity_of[name])
    ),
    st.tuples(st.just("function"), st.sampled_from(N_ARY), st.lists(operands, min_size=2, max_size=8).map(tuple)),
)
# All else that happens to a tape.
around = st.one_of(
    st.tuples(st.just("input"), numbers, labels),
    st.tuples(st.just("inputs"), st.lists(numbers, max_size=3) | st.just((1.0, "two"))),
    st.tuples(st.just("under"), st.sampled_from(["no_grad", "debug", "a", "b"]), shipped | reckless),
    st.tuples(st.just("bare"), st.integers(0, len(BARE) - 1), values, operands),
    st.tuples(st.just("rebind"), values, values),
    st.tuples(st.just("forget"), values),
    st.tuples(st.just("data"), values, numbers),
    st.tuples(st.just("grad"), values, numbers | st.none()),
    st.tuples(st.just("label"), values, labels),
    st.tuples(st.just("backward"), values, st.floats(-2, 2) | special),
    st.tuples(st.just("sweep"), st.lists(values, max_size=3).map(tuple), st.floats(-2, 2) | special),
    st.tuples(st.just("sweep_from"), st.lists(values, max_size=3).map(tuple), values | st.none(), st.floats(-2, 2)),
    st.just(("look",)),
)
steps = st.integers(0, 3).flatmap(lambda kind: (shipped, reckless, around, around)[kind])


@given(st.lists(steps, min_size=1, max_size=40))
@settings(max_examples=400, deadline=None)
def test_a_random_program_is_the_same_on_both(program):
    machines = [Machine(engine) for engine in ENGINES]
    for step in [*program, ("look",)]:
        for machine in machines:
            machine.take(step)
        assert machines[0].account[-1] == machines[1].account[-1]


def tall(rng):
    """A program of hundreds of rows, whose operands are near and far, and which is swept again and again."""
    for height in range(300):
        x, y, z = ((rng.randrange(low, height + 1),) for low in (max(0, height - 8), max(0, height - 60), 0))
        kind = rng.random()
        if kind < 0.7:
            yield "infix", rng.choice(["add", "sub", "mul", "div"]), x, rng.choice([y, z, 0.5])
        elif kind < 0.9:
            yield "function", rng.choice(["where", "fma"]), (y, x, z)
        elif kind < 0.907:
            yield "data", (rng.randrange(3),), rng.uniform(-2, 2)
        else:
            yield "input", rng.uniform(-2, 2), ""
        if rng.random() < 0.1:
            seed = rng.choice([1.0, -0.0, 2.5])
            yield "backward", x, seed
            yield "sweep_from", (x, z), rng.choice([None, y, z]), seed
            yield "sweep_from", (x,), (rng.randrange(3),), seed


@pytest.mark.parametrize("seed", range(12))
def test_a_tall_program_is_the_same_on_both(seed):
    machines = [Machine(engine) for engine in ENGINES]
    for step in tall(random.Random(seed)):
        for machine in machines:
            machine.take(step)
        assert machines[0].account[-1] == machines[1].account[-1]


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_an_operation_is_the_same_on_both(name, data):
    wide = numbers.map(float) | st.floats(-40, 40) | st.floats(0, 1.5)
    count = 2 * data.draw(st.integers(1, 3)) if name in N_ARY else ARITY[name]
    xs = data.draw(st.lists(wide, min_size=count, max_size=count))
    if name == "polygamma":
        xs[0] = data.draw(orders)
    chosen = data.draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(any))
    accounts = []
    for engine in ENGINES:
        machine = Machine(engine)
        for x in xs:
            machine.take(("input", x, ""))
        picked = tuple((1 + i,) if value else x for i, (x, value) in enumerate(zip(xs, chosen, strict=True)))
        machine.take(("function", name, picked))
        if name in INFIX:
            machine.take(("infix", name, *picked))
        machine.take(("backward", (len(machine.values) - 1,), 1.0))
        machine.take(("look",))
        accounts.append(machine.account)
    assert accounts[0] == accounts[1]


@pytest.mark.parametrize("name", [None, "relu", "tanh", "gelu"])
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_neurons_recorded_at_once_are_those_written_out(name, data):
    wide = numbers.map(float) | st.floats(-40, 40)
    count = data.draw(st.integers(1, 4))
    weights, xs = (data.draw(st.lists(wide, min_size=count, max_size=count)) for _ in range(2))
    rule, accounts = name and RULES[name], []
    for engine in (native, python):
        with engine.Tape() as tape:
            ws, b = engine.inputs(weights), engine.Value(0.5)
            ys = engine.neurons(rule)([ws, ws], [b, 0.25], [("a",), ("b",)], xs)
            for bias in (b, 0.25)[len(ys) :]:
                y = engine.reduction(RULES["dot"])(ws, xs) + bias
                ys.append(engine.function(rule)(y) if name else y)
                del y
            told = [(y.rule, y.data.hex(), y.local_derivatives) for y in (*tape, *ys)]
            for y in ys:
                y.backward()
        accounts.append((repr(told), [x.grad.hex() for x in (*ws, b)]))
    assert accounts[0] == accounts[1]


@pytest.mark.parametrize("engine", dict.fromkeys(ENGINES), ids=lambda engine: engine.__name__.rpartition(".")[2])
def test_the_native_engine_records_neurons_at_once_and_the_readable_one_none(engine):
    with engine.Tape() as tape:
        w = engine.Value(3.0)
        ys = engine.neurons(RULES["relu"])([[w], [w], [2.0]], [1.0, w, w], [("a",), ("b",), ("c",)], [2.0])
        assert ys == ([] if engine is python else [7.0, 9.0])
        assert [y.scope for y in tape] == ([()] if engine is python else [(), *[("a",)] * 3, *[("b",)] * 3])


# ── what can be told of the classes ─────────────────────────────────────────────────────────────────────────────────


def public(thing):
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def test_the_modules_export_the_same_names():
    assert python.__all__ == native.__all__


@pytest.mark.parametrize("name", ["Value", "Tape"])
def test_the_classes_have_the_same_public_names_signatures_and_docstrings(name):
    ours, theirs = getattr(native, name), getattr(python, name)
    assert public(ours) == public(theirs)
    assert unannotated(ours) == unannotated(theirs)
    assert ours.__doc__ == theirs.__doc__
    for member in public(theirs):
        assert inspect.getdoc(getattr(ours, member)) == inspect.getdoc(getattr(theirs, member)), member
        if callable(getattr(theirs, member)):
            assert unannotated(getattr(ours, member)) == unannotated(getattr(theirs, member)), member
        else:
            assert bool(getattr(ours, member).__set__) == bool(getattr(theirs, member).__set__)


@pytest.mark.parametrize("name", ["adjoints", "current_tape", "function", "inputs", "neurons", "only_floats", "sweep"])
def test_the_functions_have_the_same_signatures_and_docstrings(name):
    ours, theirs = getattr(native, name), getattr(python, name)
    assert unannotated(ours) == unannotated(theirs)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)


def unannotated(function):
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))
