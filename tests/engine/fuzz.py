"""Random byte strings as programs, run on both engines side by side for a while.

    python -m tests.engine.fuzz --seconds 600 [--seed N]
    python -m tests.engine.fuzz --replay 0a1b2c...

A string is read as steps: those of tests/engine/test_parity.py, and what else can be done to Values and tapes. They
are dropped, in and out of cycles; tapes are nested, small, and left by exceptions; gates record, raise, sweep and drop
their own operands; garbage that records dies in the middle of anything. After each step the accounts of both engines
have to be equal to the bit. A string for which they are not is made shorter, and printed for --replay; the last string
before a crash is in the file named at the start.
"""

import argparse
import gc
import os
import random
import struct
import sys
import tempfile
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fractions import Fraction

from scalargrad.engine.thread import Name, debug, here, no_grad, scope
from scalargrad.rules import RULES, Rule
from tests.engine.test_parity import ARITY, BARE, ENGINES, INFIX, METHODS, N_ARY, PREFIX, Machine, text

# ── from bytes to steps ─────────────────────────────────────────────────────────────────────────────────────────────

NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 1e308, 5e-324, 1e-160, float("inf"), float("-inf"), float("nan"))
OTHERS = (0, 1, -3, True, Fraction(1, 3), "text", None)
ORDERS = (0, 1, 2.0, 3, -1, 0.5)  # of polygamma, which takes time that grows with them


class Reader:
    """Takes a string of bytes apart; behind its end there are zeros."""

    def __init__(self, string):
        self.string, self.at = string, 0

    def __bool__(self):
        return self.at < len(self.string)

    def byte(self):
        self.at += 1
        return self.string[self.at - 1] if self.at <= len(self.string) else 0

    def one_of(self, choices):
        return choices[self.byte() % len(choices)]

    def number(self):
        kind = self.byte()
        if kind < 128:
            return (kind - 64) / 16
        if kind < 224:
            return self.one_of(NUMBERS)
        if kind < 240:
            return struct.unpack("<d", bytes(self.byte() for _ in range(8)))[0]
        return self.one_of(OTHERS)

    def value(self):
        return (self.byte(),)

    def operand(self):
        return self.value() if self.byte() % 3 else self.number()

    def many(self, read, most):
        return tuple([read() for _ in range(self.byte() % (most + 1))])

    def step(self, depth=0):
        return self.one_of(KINDS)(self, depth)

    def steps(self, depth):
        return self.many(lambda: self.step(depth + 1), 6 if depth < 3 else 0)


def applied(r, depth):
    name = r.one_of(sorted(ARITY))
    if name in N_ARY:
        return "function", name, r.many(r.operand, 8)
    first = (r.one_of(ORDERS),) if name == "polygamma" else ()
    return "function", name, first + tuple([r.operand() for _ in range(ARITY[name] - len(first))])


def layer(r, _):
    name, xs = r.one_of((None, "relu", "tanh", "exp", "log", "sqrt")), r.many(r.operand, 3)
    return "neurons", name, tuple([r.operand() for _ in xs]), r.many(r.operand, 3), xs


INFIXES, PREFIXES, GATES = (
    sorted(INFIX),
    sorted(PREFIX),
    ("record", "raise", "sweep", "drop", "change", "enter", "none"),
)
KINDS = (
    *(lambda r, _: ("infix", r.one_of(INFIXES), r.value(), r.operand()),) * 4,
    *(lambda r, _: ("infix", r.one_of(INFIXES), r.operand(), r.value()),) * 2,
    lambda r, _: ("infix", r.one_of(("add", "sub", "mul")), r.value(), r.value()),
    lambda r, _: ("prefix", r.one_of(PREFIXES), r.value()),
    lambda r, _: ("method", r.one_of(METHODS), r.value()),
    *(applied,) * 4,
    layer,
    *(lambda r, _: ("gate", r.one_of(GATES), r.one_of((False, True)), r.many(r.operand, 3), r.byte()),) * 3,
    lambda r, _: ("input", r.number(), r.one_of(("", "x", "weight\n2"))),
    lambda r, _: ("inputs", r.many(r.number, 3)),
    lambda r, _: ("bare", r.byte() % len(BARE), r.value(), r.operand()),
    lambda r, _: ("rebind", r.value(), r.value()),
    *(lambda r, _: ("forget", r.value()),) * 3,
    lambda r, _: ("thin_out", r.byte() % 4),
    lambda r, _: ("data", r.value(), r.number()),
    lambda r, _: ("grad", r.value(), r.one_of((None, 0.0, 1.5, "text"))),
    lambda r, _: ("label", r.value(), r.one_of(("", "x", "y\n", 1))),
    *(lambda r, _: ("backward", r.value(), r.number()),) * 2,
    *(lambda r, _: ("sweep_on", r.many(r.value, 3), r.value() if r.byte() % 3 else None, r.one_of(NUMBERS)),) * 2,
    lambda r, _: ("look",),
    lambda r, _: ("hold_rows",),
    lambda r, _: ("collect",),
    lambda r, _: ("litter", r.byte() % 3, r.steps(2)),
    lambda r, _: ("cycle", r.value(), r.byte() % 2),
    lambda r, _: ("when_it_ends", r.value()),
    lambda r, _: ("copy", r.value()),
    lambda r, _: ("leave_tape", r.one_of((None, None, 1, 5, 30, 2000))),
    lambda r, _: ("return_to_tape", r.byte()),
    lambda r, _: ("many_rows", r.value(), 20 * r.byte() if r.byte() % 4 == 0 else r.byte() // 8),
    lambda r, depth: ("under_mode", r.one_of(("no_grad", "debug", "a", "b", "c")), r.steps(depth)),
    lambda r, depth: ("nested", r.one_of((None, None, 2, 10)), r.one_of((False, True)), r.steps(depth)),
    lambda r, depth: ("elsewhere", r.step(depth)) if depth < 3 and r.byte() % 4 == 0 else ("collect",),
)


def read(string):
    """The steps that a string of bytes stands for."""
    r, steps = Reader(string), []
    while r:
        steps.append(r.step())
    return [*steps, ("look",)]


# ── running them ────────────────────────────────────────────────────────────────────────────────────────────────────


class Wild(Machine):
    """A machine with several tapes, on which more is done than calculating."""

    def __init__(self, engine):
        super().__init__(engine)
        self.tapes, self.depth = [self.tape], 0

    def do(self, steps):
        return [getattr(self, step[0])(*step[1:]) for step in steps]

    def gate(self, kind, in_derivative, operands, choice):
        """An operation whose own code does more than calculate, in its value or in its derivatives."""

        def meddle():
            if self.depth > 2:
                return
            self.depth += 1
            try:
                first = self.values[choice % len(self.values)]
                if kind == "record":
                    self.add(first * 2.0 + first)
                elif kind == "raise":
                    raise (ValueError, ZeroDivisionError, KeyboardInterrupt, LookupError)[choice % 4]("of the gate")
                elif kind == "sweep":
                    first.backward(0.5)
                elif kind == "drop":
                    del self.values[1 + choice % 4 :]
                    gc.collect(0)
                elif kind == "change":
                    first.data = first.data + 1.0
                elif kind == "enter":
                    self.gate("record", in_derivative, operands, choice)
            finally:
                self.depth -= 1

        def value(m, *xs):
            if not in_derivative:
                meddle()
            return 0.5 + sum(xs)

        def derivatives(m, *xs, out):
            if in_derivative:
                meddle()
            return tuple([None if kind == "none" and i == choice % 3 else x * 0.5 for i, x in enumerate(xs)])

        rule = Rule(kind, kind, value, derivatives)
        return self.add(self.engine.function(rule)(*map(self.pick, operands)))

    def sweep_on(self, roots, first, seed):
        """A sweep, on whichever tape the roots are."""
        seeds = {self.pick(x): seed for x in roots}
        first = first and self.pick(first)
        rows = list(self.pick(roots[0] if roots else (0,)).tape)
        places = {id(row): i for i, row in enumerate(rows)}
        found = [(places[id(row)], text(adjoint)) for row, adjoint in self.engine.sweep(seeds, first).items()]
        return found, text(self.engine.adjoints(seeds, rows, first) or None)

    def neurons(self, name, weights, biases, xs):
        """A layer: the neurons that the engine records at once, and the others one by one."""
        engine, rule, around = self.engine, name and RULES[name], here.state.scope
        weights, biases, xs = ([*map(self.pick, operands)] for operands in (weights, biases, xs))
        scopes = [Name(str(i)).within(around) for i in range(len(biases))]
        outputs = engine.neurons(rule)([weights] * len(biases), biases, scopes, xs)
        for i in range(len(outputs), len(biases)):
            with scope(str(i)):
                y = engine.reduction(RULES["dot"])(weights, xs) + biases[i]
                outputs.append(engine.function(rule)(y) if rule else y)
            del y
        return [self.add(y) for y in outputs]

    def thin_out(self, which):
        self.values = self.values[:1] + self.values[1 + which :: 2]

    def hold_rows(self):
        self.values += list(self.tape)[:20]

    def collect(self):
        gc.collect()

    def litter(self, which, steps):
        """Take these steps where garbage dies all the time, and what dies uses the tape."""
        x, engine, tape, wrong = self.values[0], self.engine, self.tape, []

        class Garbage:
            def __init__(self):
                self.self = self

            def __del__(self):
                with suppress(Exception):  # a tape that is full
                    if which == 0:
                        [x * 1.0 for _ in range(5)]
                    elif which == 1:
                        found = engine.adjoints({x * x: 1.0}, [x])
                        if text(found[0]) != text((0.0 + x.data) + x.data):
                            wrong.append(found)
                    else:
                        len(tape)

        gc.collect()
        thresholds, outermost = gc.get_threshold(), not gc.isenabled()
        gc.set_threshold(1, 1, 1)
        gc.enable()
        try:
            seen = []
            for step in steps:
                for _ in range(3):
                    Garbage()
                seen += self.do([step])
        finally:
            if outermost:
                gc.disable()
            gc.set_threshold(*thresholds)
            gc.collect()
        return seen, wrong

    def cycle(self, x, tape):
        """Values that only the garbage collector will free, with their tape or without."""
        cycle = [self.pick(x), self.pick(x) * 2.0, self.tape if tape else None]
        cycle.append(cycle)
        del cycle
        if gc.isenabled():  # amid litter: when it is found would be different
            gc.collect()

    def when_it_ends(self, x):
        """A Value that dies here calls back, and that records."""
        first, ended = self.pick(x), []
        y = first * 3.0
        ref = weakref.ref(y, lambda _: ended.append((first + 1.0).data))
        del y
        return text(ended), ref() is None

    def copy(self, x):
        _, arguments = self.pick(x).__reduce__()
        return self.add(self.engine.Value(*arguments))

    def leave_tape(self, max_rows):
        """Another tape takes the place of this one, which lives as long as its Values do."""
        self.tapes = [*self.tapes[-2:], self.engine.Tape(max_rows)]
        self.tape = self.tapes[-1]

    def return_to_tape(self, which):
        self.tape = self.tapes[which % len(self.tapes)]

    def many_rows(self, x, count):
        y = x = self.pick(x)
        for i in range(count):
            y = y * 0.5 + x if i % 30 else x - 1.0  # most of them die on the way
            if i % 500 == 250:
                self.values.append(y)
        return self.add(y)

    def under_mode(self, mode, steps):
        with {"no_grad": no_grad, "debug": debug}[mode]() if mode in ("no_grad", "debug") else scope(mode):
            return self.do(steps)

    def nested(self, max_rows, raising, steps):
        """These steps on a tape of their own, that may be left by an exception."""
        before = self.tape
        self.tape = self.engine.Tape(max_rows)
        try:
            with self.tape:
                seen = self.do(steps), str(self.tape)
                if raising:
                    raise LookupError("in the block")
                return seen
        finally:
            self.tape = before

    def elsewhere(self, step):
        """In another thread, where these tapes are foreign."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.do, [step]).result()


def account(engine, steps):
    """What is to be seen after each of these steps. The garbage collector comes only where a step says so."""
    gc.collect()
    gc.disable()
    machine = Wild(engine)
    try:
        for step in steps:
            try:
                machine.take(step)
            except KeyboardInterrupt as error:
                machine.account.append(f"{step}: {error!r}")
        return machine.account
    finally:
        gc.enable()


def difference(string):
    """The first accounts that are not equal, or None."""
    accounts = [account(engine, read(string)) for engine in ENGINES]
    return next((pair for pair in zip(*accounts, strict=True) if pair[0] != pair[1]), None)


def shorter(string):
    """What is left of a string when no piece of it can be left out, and no byte be 0, for it to fail."""
    size = len(string)
    while size:
        at = 0
        while at < len(string):
            if difference(less := string[:at] + string[at + size :]):
                string = less
            else:
                at += size
        size //= 2
    for at in range(len(string)):
        if string[at] and difference(less := string[:at] + b"\0" + string[at + 1 :]):
            string = less
    return string


def strings(seed, most=300):
    """Random strings, the same ones for the same seed, mostly short."""
    source = random.Random(seed)
    while True:
        yield source.randbytes(source.randint(1, source.choice((10, 40, most))))


@contextmanager
def kept_for_a_crash():
    """A function that writes a string down where it is to be found if the process dies of it."""
    file, path = tempfile.mkstemp(prefix="fuzz-", suffix=".hex")
    print(f"the latest string is in {path}", flush=True)

    def keep(string):
        os.pwrite(file, string.hex().encode() + b"\n", 0)
        os.ftruncate(file, 2 * len(string) + 1)

    try:
        yield keep
    finally:
        os.close(file)
    os.unlink(path)


def report(string):
    string = shorter(string)
    print(f"\nthe engines differ: python -m tests.engine.fuzz --replay {string.hex()}")
    print(*read(string), sep="\n")
    print(*difference(string), sep="\n\n")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.engine.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--replay", type=bytes.fromhex, metavar="HEX")
    options = parser.parse_args()
    if len({engine.__name__ for engine in ENGINES}) < 2:
        sys.exit("the native engine is not built, so there is nothing to compare")
    gc.freeze()  # what is there now is not looked through again and again
    if options.replay is not None:
        if difference(options.replay):
            report(options.replay)
            sys.exit(1)
        sys.exit(print("the engines agree"))
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}, {options.seconds:g} seconds")
    end, ran, steps = time.monotonic() + options.seconds, 0, 0
    with kept_for_a_crash() as keep:
        for string in strings(seed):
            keep(string)
            if difference(string):
                report(string)
                sys.exit(1)
            ran, steps = ran + 1, steps + len(read(string))
            if time.monotonic() > end:
                break
    print(f"{ran:,} strings, {steps:,} steps: the engines agree")


if __name__ == "__main__":
    main()
