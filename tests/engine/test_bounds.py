"""When there is no more: memory that is not to be had, and numbers of rows, operands and epochs that run out.

Whatever is refused, the tape is as it was, and goes on when there is room again. Memory runs out in processes of
their own.
"""

import random
import sys

import pytest

from scalargrad.errors import StaleValueError
from scalargrad.rules import RULES, Rule
from tests.engine.test_parity import ENGINES
from tests.engine.test_safety import run, sound

native = ENGINES[-1]
only_native = pytest.mark.skipif(ENGINES[0] is ENGINES[1], reason="the readable engine counts without bounds")


@pytest.fixture
def bounds():
    """Bring the bounds of the native engine near, for one test."""
    before = native._bounds(2**31 - 16, 2**32 - 1)
    native._bounds(*before)
    yield lambda rows=before[0], epochs=before[1]: native._bounds(rows, epochs)
    native._bounds(*before)


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LIMIT = """
import resource
from scalargrad import Tape, Value, gradients, sum as sum_of
AS, UNLIMITED = resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
def limit(room):
    "So many bytes more than now."
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(AS, (size + room, resource.RLIM_INFINITY))
def until_it_ends(work):
    try:
        while True:
            work()
    except MemoryError:
        pass
"""
only_with_limits = pytest.mark.skipif("sys.platform != 'linux'", reason="needs RLIMIT_AS and /proc")


@only_with_limits
def test_a_tape_that_cannot_grow_is_whole_and_goes_on(engine):
    code = """
with Tape() as tape:
    x = y = Value(1.0)
    rows = []
    def record():
        global y
        y = y * 1.0
        if len(rows) < 1000:
            rows.append(y)
    limit(50_000_000)
    until_it_ends(record)
    resource.setrlimit(AS, UNLIMITED)
    held = rows[999].data, rows[999].operands[0] is rows[998], y.data
    n = len(tape)
    for _ in range(10):
        record()
    y.backward()
    print(*held, n > 10_000, len(tape) - n, x.grad)
"""
    run(LIMIT + code, engine, "1.0 True 1.0 True 10 1.0")


@only_with_limits
def test_operands_that_find_no_room_are_not_recorded(engine):
    code = """
with Tape() as tape:
    x, sums = Value(1.0), []
    many = [x] * 10_000
    limit(100_000_000)
    until_it_ends(lambda: sums.append(sum_of(many)))
    resource.setrlimit(AS, UNLIMITED)
    n = len(tape)
    kept = len(sums)
    sums.append(sum_of(many))
    sum_of(sums).backward()
    print(n - kept, kept > 100, x.grad == 10_000.0 * (kept + 1))
"""
    run(LIMIT + code, engine, "1 True True")


@only_with_limits
def test_a_sweep_that_finds_no_room_changes_nothing(engine):
    code = """
with Tape() as tape:
    x = y = Value(1.0)
    for _ in range(200_000):
        y = y * 1.0
    limit(500_000)
    for sweep in (y.backward, lambda: gradients(y, [x]), y.backward):
        try:
            sweep()
            print("it had room")
        except MemoryError:
            pass
    seen = x.has_grad, y.has_grad
    z = x * 2.0
    resource.setrlimit(AS, UNLIMITED)
    y.backward()
    print(*seen, z.data, x.grad, len(tape))
"""
    run(LIMIT + code, engine, "False False 2.0 1.0 200002")


def test_whichever_allocation_fails_the_tape_is_as_it_was(engine):
    """Python's own allocations, one after the other: the first fails, then the second, and so on.

    What Python does not survive itself is left out. From 3.12 on that is a generator expression, and 3.11 says of a
    frame for which there is no memory that it has no caller, and raises the MemoryError later: the line of `debug`.
    """
    pytest.importorskip("_testcapi")
    if engine is not native and (hasattr(sys, "gettotalrefcount") or sys.version_info >= (3, 12)):
        pytest.skip("this Python does not survive failures in its own code")
    code = """
import _testcapi, pickle, sys
from scalargrad import Tape, Value, debug, dot, gate, maximum, nn, no_grad, scope, sum as sum_of
from scalargrad.engine.thread import here
tape = Tape()
square = gate(derivatives=lambda x: 2.0 * x)(lambda x: x * x)
product = gate(derivatives=lambda x, y: (y, x))(lambda x, y: x * y)
with tape:
    x = Value(1.5, label="x")
    y = x * 2.0
    y.label = "y"
    held = Value(3.0)
def on_the_tape():
    with tape:
        return Value(1.0)
def in_modes():
    with scope("a"), scope("b"), no_grad():
        x * y
        with debug():
            pass
class Model(nn.Module):
    def __init__(self, *parts):
        self.parts = list(parts)
    def compute(self, x):
        return [x * 2.0, self._call_each(self.parts, x)]
model = Model(Model(Model(), Model()))
works = [
    lambda: x + y, lambda: 2.0 / x, lambda: x**2, lambda: -x, lambda: x.sin(), lambda: y.operands, lambda: y.detach(),
    y.backward, lambda: y.local_derivatives, on_the_tape, lambda: len(tape), lambda: held.__setattr__("label", "h"),
    lambda: x % 2, lambda: 7 % x, lambda: x % y, lambda: Value(data=2), lambda: maximum(x, 2),
    lambda: maximum(0.0, x), in_modes, lambda: model(x), lambda: pickle.dumps(x), lambda: repr(y),
]
if sys.version_info < (3, 12):
    works += [lambda: sum_of([x, 1, y]), lambda: sum_of([1, 2]), lambda: dot([x, y], [2.0, 3])]
    works += [lambda: square(x), lambda: product(y, 2.0), lambda: str(tape)]
    with Tape() as other:
        layer = nn.Layer(2, 3)
    works += [lambda: layer([2.0, 3.0])]
aside, many, failures = Tape(), [], 0
for work in works:
    for start in range(300):
        with aside:
            many += [Value(0.0) for _ in range(8)]  # no dead Value is left to be used again
        failed = False
        _testcapi.set_nomemory(start, start + 1)
        try:
            work()
        except (MemoryError, pickle.PicklingError):  # the latter says why
            failed = True
        _testcapi.remove_mem_hooks()
        failures += failed
        assert len(tape) == 3, (start, str(tape))
        state = here.state
        assert (state.scope, state.plain, state.recording, state.debug, state.entered) == ((), (), True, False, [])
        assert x.data == 1.5 and y.data == 3.0 and y.operands == (x, 2.0)
x.grad = None
y.backward()
assert (x.grad, x.label, y.label, held.label) == (2.0, "x", "y", "h")
print(failures > 3)
"""
    run(code, engine, "True")


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@only_native
def test_more_rows_than_can_be_numbered_are_refused(bounds):
    with native.Tape() as tape:
        x = native.Value(1.0)
        bounds(rows=5000)
        rows = [x]

        def grow():
            while True:
                rows.append(rows[-1] * 1.0)

        with pytest.raises(MemoryError, match="at most 4,999 rows"):
            grow()
        assert len(tape) == len(rows) == 4999
        rows[-1].backward()
        assert x.grad == 1.0
        for _ in range(3):
            with pytest.raises(MemoryError, match="at most 4,999 rows"):
                rows[-1] + 1.0
        with pytest.raises(MemoryError):
            native.Value(2.0)
        assert len(tape) == 4999
        del rows[4000:]
        for _ in range(2000):  # not all of them live
            y = rows[-1] * 1.0
        assert y.data == 1.0
        x.grad = None
    assert sound(tape, native)


@only_native
def test_more_operands_than_can_be_numbered_are_refused(bounds):
    add = native.function(RULES["sum"])
    with native.Tape() as tape:
        x = native.Value(1.0)
        bounds(rows=5000)
        y = add(*[x] * 3000)
        with pytest.raises(MemoryError, match="at most 5,000 operands"):
            add(*[x] * 3000)
        assert list(tape) == [x, y]
        y.backward()
        assert x.grad == 3000.0
        del y
        assert add(*[x] * 4000).data == 4000.0


@only_native
def test_epochs_are_numbered_anew_and_what_is_stale_stays_so(bounds):
    """The same on both engines, where one has to number them anew all the time."""
    bounds(epochs=64)
    for seed in range(20):
        told = []
        for engine in ENGINES:
            choose, account = random.Random(seed), []
            with engine.Tape() as tape:
                xs = [engine.Value(float(i)) for i in range(3)]
                rows = list(xs)
                for _ in range(300):
                    kind = choose.random()
                    if kind < 0.4:
                        choose.choice(xs).data = choose.random()
                    elif kind < 0.7:
                        rows = [*rows[-8:], choose.choice(rows) * choose.choice(xs)]
                    else:
                        try:
                            choose.choice(rows).backward()
                        except StaleValueError as error:
                            account.append(str(error))
                    account.append((len(tape), [x.grad for x in xs], [row.grad for row in rows]))
            told.append(account)
        assert told[0] == told[1]
        assert any(type(each) is str for each in told[0])


@only_native
def test_a_gate_that_sets_data_too_often_is_told(bounds):
    bounds(epochs=64)

    def busy(m, number):
        for i in range(count):
            x.data = float(i)
        return number

    with native.Tape() as tape:
        x, y = native.Value(1.0), native.Value(2.0)
        gate = native.function(Rule("busy", "busy", busy, lambda m, number, out: (1.0,)))
        count = 100
        with pytest.raises(OverflowError, match="within one gate"):
            gate(y)
        count = 1
        with pytest.raises(StaleValueError):  # also when it begins close to the end
            gate(x)
        assert gate(y).data == 2.0
    assert sound(tape, native)
