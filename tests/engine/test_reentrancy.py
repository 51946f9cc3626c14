"""Code that runs in the middle of the engine's own: finalizers, callbacks, signal handlers, interrupts."""

import _thread
import contextlib
import gc
import signal
import sys
import threading
import time
import weakref

import pytest

from scalargrad import Tape, Value, gate, gradients, no_grad, scope
from scalargrad import sum as sum_of

# ── finalizers and callbacks ────────────────────────────────────────────────────────────────────────────────────────


class Recorder:
    """Records, sweeps and sets data whenever it dies."""

    def __init__(self, x, results):
        self.x, self.results = x, results

    def __del__(self):
        self.results.append(gradients(self.x * self.x + 1.0, [self.x]))


def test_a_weak_callback_may_record_and_sweep(tape):
    x, results = Value(3.0), []
    refs = []
    for i in range(3000):
        y = x * float(i)
        refs.append(weakref.ref(y, lambda _: results.append(gradients(x * x, [x]))))
        del y
    assert results == [[6.0]] * 3000
    assert list(tape) == [x]


def test_a_finalizer_may_record_while_a_graph_is_freed(tape):
    x, results = Value(3.0), []
    y = x
    for _ in range(100):
        y = y + 1.0
        weakref.finalize(y, lambda: results.append(x + 1.0))
    del y
    assert len(results) == 100
    assert len(tape) == 101


def test_a_destructor_run_by_the_collector_may_record(tape):
    x, results = Value(3.0), []
    for _ in range(50):
        cycle = [Recorder(x, results)]
        cycle.append(cycle)
        del cycle
    y = x
    before = gc.get_threshold()
    gc.set_threshold(1)  # the collector runs inside of recording and sweeping
    try:
        for _ in range(200):
            y = y * 1.0
        y.backward()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert results == [[6.0]] * 50
    assert x.grad == 1.0


def test_a_callback_of_the_collector_may_record_and_sweep(tape):
    x = Value(3.0)
    seen = []

    def callback(phase, info):
        seen.append(gradients(x * x, [x])[0])

    before = gc.get_threshold()
    gc.callbacks.append(callback)
    gc.set_threshold(50)
    try:
        rows = [x * float(i) for i in range(2000)]
        total = sum_of(rows)
        gradient = gradients(total, [x])
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(callback)
    assert set(seen) == {6.0}
    assert gradient == [sum(map(float, range(2000)))]
    assert [id(row) for row in tape] == [id(row) for row in (x, *rows, total)]


def test_a_gate_may_record_and_sweep_on_the_same_tape(tape):
    x = Value(3.0)

    @gate(derivatives=lambda a: gradients(x * x, [x])[0])
    def nested(a):
        return (x * x).data

    y = nested(x) + x
    assert (y.data, gradients(y, [x])) == (12.0, [7.0])
    assert len(tape) == 3


def test_data_set_by_a_destructor_during_a_sweep_belongs_to_the_next(tape):
    x = Value(3.0)
    y = x * x

    class Setter:
        def __del__(self):
            x.data = 5.0

    cycle = [Setter()]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert x.data == 5.0
    with pytest.raises(RuntimeError, match="recorded"):
        y.backward()


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def signals(work):
    """Within it, the work is done again and again by a signal handler, in this thread, wherever it happens to be."""
    done, idle = False, True

    def handle(*_):
        nonlocal idle
        work()
        idle = True  # only now may the next one come

    def send():
        nonlocal idle
        while not done:
            if idle:
                idle = False
                _thread.interrupt_main()
            time.sleep(1e-4)

    before, interval = signal.signal(signal.SIGINT, handle), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=send)
    try:
        thread.start()
        yield
    finally:
        done = True
        thread.join()
        signal.signal(signal.SIGINT, before)
        sys.setswitchinterval(interval)


def test_rows_recorded_by_a_signal_handler_stay_on_the_tape(tape):
    x, kept = Value(1.0), []
    rows = [x * 2.0 for _ in range(20_000)]
    with signals(lambda: kept.append(x + 1.0)):
        while len(kept) < 500:
            x * 1.0
    on_tape = {id(row) for row in tape}
    assert [row.index for row in kept if id(row) not in on_tape] == []
    assert len(rows) == 20_000
    str(tape)


def test_rows_stay_in_order_whatever_a_signal_handler_records(tape):
    x, kept = Value(1.0), []
    with signals(lambda: kept.append(x + 1.0)):
        y = x
        while len(kept) < 200:
            y = y * 1.0
    indices = [row.index for row in tape]
    assert indices == sorted(set(indices))
    assert gradients(y, [x]) == [1.0]


def test_a_sweep_inside_a_sweep_is_its_own(tape):
    xs = [Value(float(i)) for i in range(500)]
    y, seen = sum_of([x * x for x in xs]), []
    with signals(lambda: seen.append(gradients(y, xs[3:4]))):
        while len(seen) < 100:
            assert gradients(y, xs[:3]) == [0.0, 2.0, 4.0]
    assert all(gradient == [6.0] for gradient in seen)


# ── interrupts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def interrupt(call, at):
    """Run the call, and raise KeyboardInterrupt at the so-manyth line it executes. Whether it came that far."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupted_backward_changes_all_grads_or_none(tape):
    xs = [Value(1.0) for _ in range(5)]
    y = sum_of([2.0 * x for x in xs])
    at = 1
    while True:
        for x in xs:
            x.grad = 0.0
        interrupted = interrupt(y.backward, at)
        assert len({x.grad for x in xs}) == 1, f"interrupted at line {at}: {[x.grad for x in xs]}"
        if not interrupted:
            break
        at += 1
    assert [x.grad for x in xs] == [2.0] * 5


def test_an_interrupted_recording_leaves_the_tape_consistent(tape):
    x = Value(2.0)
    at = 1
    while interrupt(lambda: x * x + 1.0, at):
        assert list(tape) == [x]
        assert gradients(x * x, [x]) == [4.0]
        at += 1


@pytest.mark.parametrize("mode", [no_grad, lambda: scope("a")], ids=["no_grad", "scope"])
def test_an_interrupt_on_the_way_into_a_mode_leaves_it(mode, elsewhere):
    arrived = False

    def enter():
        nonlocal arrived
        with mode():
            arrived = True

    def work():
        at = 1
        while interrupt(enter, at) and not arrived:
            y = Value(2.0) * 3.0
            if (len(y.operands), y.scope) != (2, ()):
                return f"still in the mode after an interrupt at line {at}"
            at += 1
        return "left"

    assert elsewhere(work) == "left"


def test_an_error_in_the_middle_of_a_block_leaves_the_outer_tape_usable():
    with Tape() as outer:
        x = Value(2.0)
        with pytest.raises(RecursionError), Tape():
            raise RecursionError
        y = x * Value(3.0)
    assert len(outer) == 3
    assert y.data == 6.0
