"""Whether anything is left behind by operations of every kind. `python -m tests.engine.leaks --operations 1_000_000`."""

import argparse
import copy
import gc
import sys
from contextlib import suppress

from scalargrad.engine.thread import debug, no_grad, scope
from scalargrad.rules import RULES, Rule
from tests.engine.test_parity import ARITY, ENGINES, INFIX, N_ARY, PREFIX

ARGUMENTS = {"polygamma": (1.0, 0.5), "where": (1.0, 0.5, 0.25), "pow_const": (0.5, 2.0)}


def failing(*_):
    raise LookupError("of the gate")


def everything(engine):
    """A function that does all of it once, and gives the number of operations."""
    functions = {name: engine.function(rule) for name, rule in RULES.items()}
    gates = [
        engine.function(Rule("gate", "gate", lambda m, x: x * x, lambda m, x, out: (2 * x,))),
        engine.function(Rule("gate", "gate", lambda m, x: failing(x), lambda m, x, out: (1.0,))),
        engine.function(Rule("gate", "gate", lambda m, x: x, lambda m, x, out: failing(x))),
    ]
    w, v = engine.Value(0.5, label="w"), engine.Value(0.75)
    tapes = [engine.Tape()]

    def once():
        rows = []
        for name, function in functions.items():
            numbers = ARGUMENTS.get(name, (0.5, 0.75, 0.25)[: ARITY[name]] if name not in N_ARY else (0.5, 0.75))
            for x in (w, w - 0.5, w + 1.0):  # also at 0, where there is none or no slope, and where only acosh is
                with suppress(ValueError, ZeroDivisionError, OverflowError):
                    rows.append(function(x, *numbers[1:]))
            with suppress(TypeError):
                function("text", w)
        for name, operation in INFIX.items():
            rows += [operation(w, v), operation(w, 2.0), operation(2.0, w), operation(w, 3)]
            with suppress(ValueError, ZeroDivisionError, OverflowError, TypeError):
                operation(w, 0.0 if name != "pow" else "text")
        rows += [operation(w) for operation in PREFIX.values()]
        for gate in gates:
            with suppress(LookupError):
                rows.append(gate(w))
        with scope("a"), scope("b"), debug():
            rows += [w * v, functions["sum"](w, v, 1.0)]
        with no_grad():
            rows += [w * v, w.sin()]
        total = functions["sum"](*rows)
        total.label = "total"
        total.backward()
        engine.sweep({total: 1.0, rows[0]: 2.0})
        engine.adjoints({total: 1.0}, [w, v], rows[3])
        v.data = v.data * 1.0
        with suppress(RuntimeError):
            total.backward()  # stale
        w.grad = v.grad = None
        rows += [total.detach(), copy.copy(w), *engine.inputs([1.0, 2]), *total.operands[:3], *total._prev]
        str(w), repr(rows[0].local_derivatives), total.scope, total.index, hash(w), w > v, w == 0.5
        with engine.Tape(max_rows=5) as tape, suppress(Exception):
            x = engine.Value(1.0, label="x")
            while True:
                x = gates[0](x)
        with suppress(RuntimeError):
            tape[0] + w
        tapes[0] = tape
        cycle = [rows[0], total]
        cycle.append(cycle)
        return len(rows)

    return once


def on_a_tape(engine, operations):
    done = 0
    with engine.Tape():
        once = everything(engine)
        while done < operations:
            done += once()
        [w * 1.0 for w in engine.inputs([1.0] * 5000)]  # as many dead Values are kept for reuse as ever will be
    return done


def left_behind(engine, operations):
    """Blocks of memory, and references where a debug build counts them, that so many operations and a tape leave."""
    counted = getattr(sys, "gettotalrefcount", lambda: 0)
    on_a_tape(engine, 5000)
    gc.collect()
    before = sys.getallocatedblocks(), counted()
    done = on_a_tape(engine, operations)
    gc.collect()
    return sys.getallocatedblocks() - before[0], counted() - before[1], done


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.engine.leaks", description=__doc__.split("\n")[0])
    parser.add_argument("--operations", type=int, default=1_000_000)
    options = parser.parse_args()
    from benchmarks.memory import resident

    for engine in ENGINES:
        print(f"{engine.__name__}\noperations  blocks left behind  references  resident (KiB)")
        total = 0
        for _ in range(5):
            blocks, references, done = left_behind(engine, options.operations // 5)
            total += done
            told = references if hasattr(sys, "gettotalrefcount") else "–"
            print(f"{total:10,}  {blocks:18,}  {told:>10}  {resident() // 1024:14,}", flush=True)


if __name__ == "__main__":
    main()
