"""Threads: each has its own tapes and modes, and only the owner of a tape records and sweeps on it."""

import copy
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scalargrad import Tape, TapeError, Value, current_tape, debug, gradients, no_grad, scope


def test_each_thread_has_its_own_default_tape(elsewhere):
    assert elsewhere(current_tape) is not current_tape()


def test_a_tape_entered_here_is_not_current_there(tape, elsewhere):
    assert elsewhere(current_tape) is not tape
    assert current_tape() is tape


def test_recording_on_the_tape_of_another_thread_is_refused(elsewhere):
    x = Value(2.0)
    with pytest.raises(TapeError, match=r"another thread.*copy\.deepcopy"):
        elsewhere(lambda: x * 2.0)


def test_sweeping_in_another_thread_is_refused(elsewhere):
    x = Value(2.0)
    y = x * x
    with pytest.raises(TapeError, match=r"another thread.*copy\.deepcopy"):
        elsewhere(y.backward)
    with pytest.raises(TapeError, match="another thread"):
        elsewhere(lambda: gradients(y, [x]))
    assert not x.has_grad


def test_setting_data_from_another_thread_is_refused(elsewhere):
    x = Value(2.0)
    with pytest.raises(TapeError, match="another thread"):
        elsewhere(lambda: setattr(x, "data", 3.0))
    assert x.data == 2.0


def test_entering_a_tape_in_another_thread_is_refused(elsewhere):
    with pytest.raises(TapeError, match="another thread"):
        elsewhere(Tape().__enter__)


def test_recording_there_is_refused_under_no_grad_too(elsewhere):
    x = Value(2.0)

    def work():
        with no_grad():
            return x * 2.0

    with pytest.raises(TapeError, match="another thread"):
        elsewhere(work)


def test_a_refusal_leaves_the_tape_as_it_was(tape, elsewhere):
    x = Value(2.0)
    with pytest.raises(TapeError):
        elsewhere(lambda: x * 2.0)
    assert list(tape) == [x]


def test_reading_in_another_thread_is_fine(elsewhere):
    x = Value(2.0, label="x")
    y = x * x
    y.backward()
    assert elsewhere(lambda: (y.data, x.grad, x.label, f"{y:.1f}", y > 3.0)) == (4.0, 4.0, "x", "4.0", True)


def test_a_deep_copy_works_in_the_other_thread(elsewhere):
    model = [Value(2.0), Value(3.0)]

    def work():
        x, y = copy.deepcopy(model)
        return gradients(x * y, [x, y])

    assert elsewhere(work) == [3.0, 2.0]


def test_detach_works_in_the_other_thread(elsewhere):
    y = Value(2.0) * 3.0

    def work():
        z = y.detach()
        return gradients(z * z, [z])

    assert elsewhere(work) == [12.0]


def test_values_of_a_finished_thread_can_be_read_but_not_used(elsewhere):
    x = elsewhere(lambda: Value(2.0))
    assert x.data == 2.0
    with pytest.raises(TapeError, match="another thread"):
        x * 2.0
    assert (x.detach() * 2.0).data == 4.0


def test_values_of_another_thread_may_be_dropped_here(tape, elsewhere):
    def work():
        x = Value(1.0)
        return [x + i for i in range(1000)]

    rows = elsewhere(work)
    del rows
    x = Value(1.0)
    assert list(tape) == [x]


def test_modes_belong_to_their_thread(elsewhere):
    def work():
        x = Value(1.0)
        y = x * 2.0
        return y.operands, y.scope, y.line

    with no_grad(), scope("here"), debug():
        operands, names, line = elsewhere(work)
    assert (len(operands), names, line) == (2, (), None)


def test_modes_of_another_thread_do_not_leak_here():
    entered, leave = threading.Event(), threading.Event()

    def work():
        with no_grad(), scope("there"):
            entered.set()
            leave.wait()

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    x = Value(1.0)
    y = x * 2.0
    leave.set()
    thread.join()
    assert (len(y.operands), y.scope) == (2, ())


def test_many_threads_at_once_each_get_their_own_gradients():
    def work(k):
        totals = []
        for _ in range(30):
            x, y = Value(float(k)), Value(1.0)
            z = y
            for _ in range(20):
                z = z * y + x
            totals.append(gradients(z, [x, y]))
        return totals

    expected = [work(k) for k in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == expected
    finally:
        sys.setswitchinterval(before)


def test_rows_dropped_by_another_thread_while_this_one_records(tape):
    x = Value(1.0)
    rows, done = [], threading.Event()

    def drop():
        while not done.is_set() or rows:
            if rows:
                rows.pop()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=drop)
    thread.start()
    try:
        for i in range(20_000):
            rows.append(x * float(i))
            if i % 5000 == 0:
                assert gradients(x * 3.0, [x]) == [3.0]
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)
    assert [row.data for row in tape] == [1.0]


def test_a_label_and_a_grad_may_be_set_from_another_thread(elsewhere):
    x = Value(1.0)
    elsewhere(lambda: (setattr(x, "grad", 2.0), setattr(x, "label", "x")))
    assert (x.grad, x.label) == (2.0, "x")
