# cython: language_level=3, boundscheck=False, initializedcheck=False, cdivision=True
# cython: c_api_binop_methods=True, auto_pickle=False, embedsignature=False
"""The native engine: what `python.py` does, compiled. Read that one first; the sections here answer it one to one.

A row is a struct of 48 bytes in memory that the tape owns, and a Value is a thin handle on it: the tape and the number
of the row. Whoever drops a Value only clears the row's handle (and ends weak references to it; the row may live on). A
row that no live Value needs is popped when it is on top, and left out when the tape, full, moves its rows together.

The operations that are worth it are typed out in C, in the words of `rules.py` and in the same order of arithmetic, so
that they give the same bits. Everything else goes through the rule itself: the operations not typed, and each typed one
where its result is not finite, so that exceptions, their messages and the edges of the domains are the rules' own.

Tape and Value are here. Their parts, to be read in this order, are included where they stand, so that all is one unit
of C, in which an operation is one function: memory.pxi, room.pxi, recording.pxi, operations.pxi with what is typed out
and typed.pxi that records it, and sweeping.pxi.
"""

import operator
import sysconfig
from itertools import chain

from scalargrad import formulas
from scalargrad.engine import messages, python
from scalargrad.engine.number import Number, real, text
from scalargrad.engine.table import html_table, table
from scalargrad.engine.thread import State, here
from scalargrad.errors import StaleValueError, TapeError
from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat, as_float, namespace_of
from scalargrad.rules import RULES

cimport cython
from cpython.list cimport PyList_CheckExact
from cpython.tuple cimport PyTuple_CheckExact
from cpython.object cimport Py_EQ, Py_GT, Py_LE, Py_LT, Py_NE, PyObject, PyObject_RichCompare, PyTypeObject
from libc.math cimport (acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, copysign, cos, cosh, erf, erfc, exp,
                        exp2, expm1, fabs, floor, fma, fmod, isfinite, log, log1p, log2, log10, pow, sin, sinh, sqrt,
                        tan, tanh)
from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcpy, memset

__all__ = ["Tape", "Value", "adjoints", "current_tape", "function", "inputs", "neurons", "only_floats", "reduction", "sweep"]

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    raise ImportError("the native engine relies on the global interpreter lock, and this Python was built without it")

include "memory.pxi"

# ── tapes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


cdef class Rows:
    """The memory of a tape."""

    cdef Store store
    cdef object state
    cdef dict extras         # by row
    cdef object max_rows
    cdef bint made           # whether __init__ was here
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.state = the_state()
        self.extras = {}
        cdef Store *s = &self.store
        s.tape, s.state, s.owner = <PyObject *>self, <PyObject *>self.state, this_thread
        s.plain = slot_at(s.state, PLAIN)
        resize(s, FLOOR)
        begin_run(s, slot(s.state, SCOPE))
        memset(s.rows, 0, sizeof(Row))
        s.rows[0].handle = <PyObject *>self  # alive; nobody looks at whose it is
        s.n = 1

    def __dealloc__(self):
        cdef Store *s = &self.store
        free(s.rows)
        free(s.grads)
        free(s.runs)
        free(s.pool)
        free(s.adjoints)
        free(s.touched)
        free(s.pending)


class Tape(Rows):
    __slots__ = ()

    def __init__(self, max_rows=None):
        cdef Rows rows = self
        if rows.made:
            raise TypeError(messages.MADE_BEFORE)
        if max_rows is not None and (type(max_rows) is not int or max_rows < 1):
            raise TypeError(messages.not_a_number("max_rows is a whole number from 1 on, or None", max_rows))
        rows.max_rows, rows.made = max_rows, True
        set_limit(&rows.store)

    def _check_thread(self):
        check_thread(&(<Rows>self).store)

    def __enter__(self):
        self._check_thread()
        (<Rows>self).state.tapes.append(self)
        return self

    def __exit__(self, *_):
        tapes = (<Rows>self).state.tapes
        del tapes[len(tapes) - 1 - tapes[::-1].index(self)]  # its innermost entry

    def __len__(self):
        collect(&(<Rows>self).store)
        return (<Rows>self).store.n - 1

    def __iter__(self):
        return iter(values_of(self))

    def __getitem__(self, index):
        return values_of(self)[index]

    def __bool__(self):
        return True  # an empty tape is a tape

    def __str__(self):
        return table(list(self))

    def __repr__(self):
        return f"<Tape of {len(self):,} rows>"

    def _repr_html_(self):
        return html_table(list(self))

    def __reduce__(self):
        raise TypeError("a Tape does not copy or pickle; inputs do")


def current_tape():
    tapes = the_state().tapes
    for tape in reversed(tapes):
        if isinstance(tape, Tape):  # the tests have both engines in one process
            return tape
    tapes.insert(0, Tape())
    return tapes[0]


cdef uint64_t threads = 0  # that have been given a number


cdef object the_state():
    """The state of this thread. The fast paths know the thread by its number, which changes when its state does."""
    global its_id, its_state, this_thread, threads
    state = here.state
    if its_id != current_id() or its_state != <PyObject *>state or this_thread == 0:
        threads += 1
        this_thread, its_state, its_id = threads, <PyObject *>state, current_id()
    return state


cdef int check_thread(Store *s) except -1:
    state = the_state()
    if s.state != <PyObject *>state:
        raise TapeError(messages.OTHER_THREAD)
    s.owner = this_thread
    return 0


cdef list values_of(Rows tape):
    cdef Store *s = &tape.store
    cdef int32_t k
    collect(s)
    values = [None] * (s.n - 1)
    while len(values) != s.n - 1:  # the garbage collector came in between
        collect(s)
        values = [None] * (s.n - 1)
    for k in range(1, s.n):
        values[k - 1] = value_of(s, k)
    return values


include "room.pxi"
include "recording.pxi"
include "operations.pxi"
include "typed.pxi"
include "sweeping.pxi"

# ── Value ───────────────────────────────────────────────────────────────────────────────────────────────────────────


cdef inline PyObject *infix(int op, int with_right, int with_left, PyObject *left, PyObject *right) noexcept:
    """v ∘ w, v ∘ 2.0 or 2.0 ∘ v: the operation, and which it is with a constant on the right or on the left.

    What takes more than reusing a dead Value and appending a row is done elsewhere.
    """
    cdef double x, y, out, dx, dy
    cdef Store *s
    if likely(is_value(left)):
        s = (<Thin *>left).store
        if likely(is_value(right)):
            if likely(s == (<Thin *>right).store and free_top[0] != NULL and ready_at_once(s)):
                x, y = (<Thin *>left).at.data, (<Thin *>right).at.data
                if binary(op, x, y, &out, &dx, &dy):
                    return reuse(s, op, 0, (<Thin *>left).row, (<Thin *>right).row, out, dx, dy)
        elif likely(PyFloat_CheckExact(right) and free_top[0] != NULL and ready_at_once(s)):
            x, y = (<Thin *>left).at.data, PyFloat_AS_DOUBLE(right)
            if binary(with_right, x, y, &out, &dx, &dy):
                return reuse(s, with_right, B_CONST, (<Thin *>left).row, 0, out, dx, dy if with_right == MUL else y)
    elif likely(PyFloat_CheckExact(left)):
        s = (<Thin *>right).store
        if likely(with_left != DIV and free_top[0] != NULL and ready_at_once(s)):
            x, y = PyFloat_AS_DOUBLE(left), (<Thin *>right).at.data
            if binary(with_left, x, y, &out, &dx, &dy):
                return reuse(s, with_left, A_CONST, 0, (<Thin *>right).row, out, dx if with_left == MUL else x, dy)
    return infix_elsewhere(op, with_right, with_left, left, right)


cdef inline PyObject *reuse(
    Store *s, int op, int flags, int32_t a, int32_t b, double data, double da, double db
) noexcept:
    """Append a row of at most two operands; there is room, and a dead Value."""
    cdef int32_t n = s.n
    cdef Row *row = s.rows + n
    cdef PyObject *value = reused_value()
    stand_for(value, s, n, row)
    write(s, row, op, flags, a, b, data, da, db)
    s.n = n + 1
    return value


cdef PyObject *add(PyObject *left, PyObject *right) noexcept:
    return infix(ADD, ADD, ADD, left, right)


cdef PyObject *subtract(PyObject *left, PyObject *right) noexcept:
    return infix(SUB, SUB, SUB, left, right)


cdef PyObject *multiply(PyObject *left, PyObject *right) noexcept:
    return infix(MUL, MUL, MUL, left, right)


cdef PyObject *divide(PyObject *left, PyObject *right) noexcept:
    return infix(DIV, DIV, DIV, left, right)


cdef object infix_of_any "infix_of_any"(int op, int with_right, int with_left, PyObject *left, PyObject *right):
    """The same for any numbers."""
    cdef double x, y, out, dx, dy
    cdef Store *s
    if is_value(left) and is_value(right):
        s = (<Thin *>left).store
        if s == (<Thin *>right).store and ready(s) and binary(op, row_of(left).data, row_of(right).data, &out, &dx, &dy):
            return stolen(append(s, op, 0, left, right, out, dx, dy))
        return _record(RULE_OF[op], (<object>left, <object>right))
    if is_value(left):
        s = (<Thin *>left).store
        if not as_double(right, &y):
            return NotImplemented
        if ready(s) and binary(with_right, row_of(left).data, y, &out, &dx, &dy):
            return stolen(append(s, with_right, B_CONST, left, NULL, out, dx, dy if with_right == MUL else y))
        return _record(RULE_OF[with_right], (<object>left, y))
    s = (<Thin *>right).store
    if not as_double(left, &x):
        return NotImplemented
    if ready(s) and binary(with_left, x, row_of(right).data, &out, &dx, &dy):
        if with_left != DIV:
            return stolen(append(s, with_left, A_CONST, NULL, right, out, dx if with_left == MUL else x, dy))
        return stolen(constant_over(s, x, right, out, dx, dy))
    return _record(RULE_OF[with_left], (x, <object>right))


cdef PyObject *constant_over(Store *s, double x, PyObject *right, double out, double dx, double dy) except NULL:
    """2.0 / v: neither local derivative is the constant, so its operands are put aside."""
    room_aside(s, 2)
    cdef Aside *items = s.pool + s.pool_n
    items[0].row, items[0].constant, items[0].derivative, items[0].reached = 0, x, dx, True
    items[1].row, items[1].constant, items[1].derivative, items[1].reached = (<Thin *>right).row, 0.0, dy, True
    return append_aside(s, DIV, 2, out)


cdef inline object operand(x):
    """x as an operand: a Value as it is, a number as a float, and None for what is neither."""
    return x if is_value(<PyObject *>x) else as_float(x)


cdef inline object prefix(int op, PyObject *value):
    cdef double out, slope
    if ready((<Thin *>value).store) and unary(op, row_of(value).data, &out, &slope):
        return stolen(append((<Thin *>value).store, op, 0, value, NULL, out, slope, 0.0))
    return _record(RULE_OF[op], (<object>value,))


COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]  # by Py_LT, Py_LE ...


cdef inline bint told(Store *s):
    """Whether a Program is being recorded in this thread, and so its recorder is to be asked."""
    if likely(s.owner == this_thread):
        return slot(s.state, RECORDER) != Py_None
    return the_state().recorder is not None


cdef class Handle:
    """The half of Value that is in C."""

    cdef Store *store
    cdef Row *at
    cdef int32_t row
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        raise TypeError("a Value is made by Value(data)")

    # infix and prefix operations

    def __add__(left, right):
        return stolen(add(<PyObject *>left, <PyObject *>right))

    def __sub__(left, right):
        return stolen(subtract(<PyObject *>left, <PyObject *>right))

    def __mul__(left, right):
        return stolen(multiply(<PyObject *>left, <PyObject *>right))

    def __truediv__(left, right):
        return stolen(divide(<PyObject *>left, <PyObject *>right))

    def __pow__(left, right, modulo):
        if modulo is not None:
            return NotImplemented
        return stolen(infix(POW, POW_CONST, CONST_POW, <PyObject *>left, <PyObject *>right))

    def __mod__(left, right):
        operands = operand(left), operand(right)
        if operands[0] is None or operands[1] is None:
            return NotImplemented
        cdef PyObject *out = typed(MOD, <PyObject *>operands)
        return _record(RULES["mod"], operands) if out == NULL else stolen(out)

    def __neg__(self):
        return prefix(NEG, <PyObject *>self)

    def __pos__(self):
        return prefix(POS, <PyObject *>self)

    def __abs__(self):
        return prefix(ABS, <PyObject *>self)

    # comparisons

    def __richcmp__(self, other, int op):
        cdef double x = row_of(<PyObject *>self).data, y
        if told(self.store):
            return the_state().recorder.steered(COMPARISONS[op], self, other)
        if is_value(<PyObject *>other):
            y = row_of(<PyObject *>other).data
        elif PyFloat_CheckExact(<PyObject *>other):
            y = PyFloat_AS_DOUBLE(<PyObject *>other)
        else:
            return PyObject_RichCompare(x, other, op)
        if op == Py_LT:
            return x < y
        if op == Py_LE:
            return x <= y
        if op == Py_EQ:
            return x == y
        if op == Py_NE:
            return x != y
        return x > y if op == Py_GT else x >= y

    def __hash__(self):
        return (<PyTypeObjectInside *>&PyBaseObject_Type).tp_hash(<PyObject *>self)  # makes nothing: sweeps rely on it

    def __bool__(self):
        if told(self.store):
            return the_state().recorder.steered(bool, self)
        return row_of(<PyObject *>self).data != 0.0

    # the row

    @property
    def _data(self):
        return row_of(<PyObject *>self).data

    @property
    def data(self):
        cdef PyObject *state = self.store.state
        cdef PyObject *before = slot(state, DATA_READ)
        if before != Py_True:
            (<object>state).data_read = True  # for whoever wonders where a gradient was lost
        return the_state().recorder.read(self) if told(self.store) else row_of(<PyObject *>self).data

    @data.setter
    def data(self, data):
        if row_of(<PyObject *>self).op or told(self.store):  # as both would find out themselves, in five times the time
            self._check_input("setting data")
            self._check_effect("setting data")
        check_thread(self.store)
        if not PyFloat_CheckExact(<PyObject *>data):
            data = real("the data of a Value is a real number", data)
        set_data(<PyObject *>self, PyFloat_AS_DOUBLE(<PyObject *>data))

    @data.deleter
    def data(self):
        raise AttributeError("property 'data' of 'Value' object has no deleter")

    @property
    def grad(self):
        return self.store.grads[self.row] if row_of(<PyObject *>self).flags & HAS_GRAD else 0.0

    @grad.setter
    def grad(self, grad):
        number = None if grad is None else real("a grad is a real number or None", grad)
        if number is None:
            row_of(<PyObject *>self).flags &= <uint16_t>~HAS_GRAD
        else:
            self.store.grads[self.row] = number
            row_of(<PyObject *>self).flags |= HAS_GRAD

    @grad.deleter
    def grad(self):
        raise AttributeError("property 'grad' of 'Value' object has no deleter")

    @property
    def has_grad(self):
        return row_of(<PyObject *>self).flags & HAS_GRAD != 0

    @property
    def label(self):
        return extra_of(self).label if row_of(<PyObject *>self).flags & EXTRA else ""

    @label.setter
    def label(self, label):
        text(label)
        if label or row_of(<PyObject *>self).flags & EXTRA:
            extra_of(self).label = label

    @label.deleter
    def label(self):
        raise AttributeError("property 'label' of 'Value' object has no deleter")

    @property
    def rule(self):
        cdef int op = row_of(<PyObject *>self).op
        return extra_of(self).rule if op == GATE else RULE_OF[op]

    @property
    def operands(self):
        cdef Row *row = row_of(<PyObject *>self)
        cdef Py_ssize_t i
        if row.flags & ASIDE:
            operands = [None] * row.b  # the garbage collector may come here, and rows move
            for i in range(row_of(<PyObject *>self).b):
                operands[i] = operand_aside(self.store, self.store.pool + row_of(<PyObject *>self).a + i)
            return tuple(operands)
        left = value_of(self.store, row.a) if row.a else constant(row) if row.flags & A_CONST else None
        row = row_of(<PyObject *>self)
        right = value_of(self.store, row.b) if row.b else constant(row) if row.flags & B_CONST else None
        return () if left is None else (left,) if right is None else (left, right)

    @property
    def local_derivatives(self):
        cdef Row *row = row_of(<PyObject *>self)
        cdef Py_ssize_t i
        if row.flags & ASIDE:
            derivatives = [None] * row.b
            for i in range(row_of(<PyObject *>self).b):
                item = self.store.pool + row_of(<PyObject *>self).a + i
                derivatives[i] = item.derivative if item.reached else None
            return tuple(derivatives)
        if row.flags & A_CONST:
            return of_constant(row), row.db
        if row.flags & B_CONST:
            return row.da, of_constant(row)
        return (row.da, row.db) if row.b else (row.da,) if row.a else ()

    @property
    def scope(self):
        cdef int32_t low = 0, high = self.store.runs_n, middle  # the run is from low on, and before high
        while high - low > 1:
            middle = (low + high) // 2
            if self.store.runs[middle].start <= self.row:
                low = middle
            else:
                high = middle
        return <object>self.store.runs[low].scope

    @property
    def line(self):
        return extra_of(self).line if row_of(<PyObject *>self).flags & EXTRA else None

    @property
    def tape(self):
        return <object>self.store.tape

    @property
    def index(self):
        return self.row

    @property
    def _constants(self):
        return extra_of(self).constants if row_of(<PyObject *>self).flags & EXTRA else None

    def _keep_constants(self, dict constants):
        extra_of(self).constants = constants


cdef int set_data(PyObject *value, double data) except -1:
    """What was recorded in this epoch is told apart from what follows, if there is any of it or about to be."""
    cdef Store *s = (<Thin *>value).store
    if s.rows[s.n - 1].epoch == s.epoch or s.recording:
        spare_epochs(s)
        if s.epoch >= MOST_EPOCHS:
            raise OverflowError("data was set more often within one gate than can be counted")
        s.epoch += 1
    row_of(value).epoch = s.epoch
    row_of(value).data = data
    return 0


cdef inline int spare_epochs(Store *s) except -1:
    """Number them anew before they run out; not while a rule is being applied, for that knows in which it began."""
    return renumber(s) if s.epoch >= MOST_EPOCHS - MOST_EPOCHS // 16 and not s.recording else 0


cdef int renumber(Store *s) except -1:
    """Give the epochs of the rows the lowest numbers that keep their order."""
    cdef int32_t i, n = 0, low, high, middle
    cdef uint32_t *epochs
    scratch(s)
    epochs = <uint32_t *>s.touched  # in order, each once; no Python objects, for these might run code of others
    for i in range(1, s.n):
        epochs[i - 1] = s.rows[i].epoch
    qsort(epochs, s.n - 1, sizeof(uint32_t), by_size)
    for i in range(s.n - 1):
        if n == 0 or epochs[n - 1] != epochs[i]:
            epochs[n] = epochs[i]
            n += 1
    for i in range(1, s.n):
        low, high = 0, n - 1
        while low < high:
            middle = low + (high - low) // 2
            if epochs[middle] < s.rows[i].epoch:
                low = middle + 1
            else:
                high = middle
        s.rows[i].epoch = low
    s.epoch = n
    return 0


cdef int by_size(const void *a, const void *b) noexcept nogil:
    cdef uint32_t x = (<uint32_t *>a)[0], y = (<uint32_t *>b)[0]
    return (x > y) - (x < y)


def _bounds(Py_ssize_t rows, uint32_t epochs):
    """For the tests: bring the bounds of what can be numbered near, and back. Gives what they were."""
    global MOST, MOST_EPOCHS
    before = MOST, MOST_EPOCHS
    MOST, MOST_EPOCHS = rows, epochs
    return before


cdef object operand_aside(Store *s, Aside *item):
    return value_of(s, item.row) if item.row else item.constant


cdef double constant(Row *row) noexcept:
    """The constant of a row with one, which is in the place of a local derivative that nobody needs."""
    return row.db if bool(row.flags & A_CONST) == (row.op == MUL) else row.da


cdef object of_constant(Row *row):
    """The local derivative with respect to it."""
    if row.op == MUL:
        return row.da if row.flags & A_CONST else row.db
    if row.op == DIV:
        return -row.data / row.db
    if row.op == SUB and row.flags & B_CONST:
        return -1.0
    return 1.0 if row.op == ADD or row.op == SUB else None


cdef int own(self) except -1:
    if not is_value(<PyObject *>self):  # Python does not look at what Value.exp is called with
        raise TypeError(messages.not_a_number("a method of Value takes a Value", self))
    return 0


def _method(name):
    """The method for an operation on one operand."""
    rule = RULES[name]
    cdef int op = CODES[rule]

    def method(self):
        own(self)
        return prefix(op, <PyObject *>self)

    method.__name__, method.__doc__ = name, f"{rule.text('self')}, recorded as one row."
    return method


class Value(Handle, Number):
    __slots__ = ()

    def __new__(cls, data, label=""):
        number = real("the data of a Value is a real number", data)
        text(label)
        value = new_input(number)
        if label:
            value.label = label
        return value

    def __init_subclass__(cls):
        raise TypeError(messages.NO_SUBCLASS)

    def backward(self, seed=1.0):
        own(self)
        self._check_effect("backward()")
        backward(<PyObject *>self, real("a seed is a real number", seed))

    def detach(self):
        recorder = here.state.recorder
        return Value(self._data) if recorder is None else recorder.detached(self)

    @property
    def _prev(self):
        operands = self.operands
        if self._constants is None:
            with Tape():
                constants = () if self.rule is RULES["pow_const"] else operands  # its exponent is in `_op`
                self._keep_constants({i: Value(x) for i, x in enumerate(constants) if type(x) is float})
        for i, constant in self._constants.items():  # micrograd has gradients for them too
            slope = self.local_derivatives[i]
            constant.grad = None if not self.has_grad or slope is None else self.grad * slope
        return {x for x in operands if type(x) is Value}.union(self._constants.values())

    sqrt, cbrt, relu, sigmoid, softplus, gelu = map(_method, ("sqrt", "cbrt", "relu", "sigmoid", "softplus", "gelu"))
    exp, exp2, expm1, log, log1p = map(_method, ("exp", "exp2", "expm1", "log", "log1p"))
    log2, log10, erf, erfc, lgamma = map(_method, ("log2", "log10", "erf", "erfc", "lgamma"))
    sin, cos, tan, sinh, cosh, tanh = map(_method, ("sin", "cos", "tan", "sinh", "cosh", "tanh"))
    asin, acos, atan = map(_method, ("asin", "acos", "atan"))
    asinh, acosh, atanh = map(_method, ("asinh", "acosh", "atanh"))
    arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh  # as NumPy calls them
    arctan2, hypot = function(RULES["atan2"]), function(RULES["hypot"])

    def leaky_relu(self, slope=0.01):
        return function(RULES["leaky_relu"])(self, slope)


cdef inline Store *current_at_once() noexcept:
    """Of the current tape, if this is the thread whose state is at hand, and the tape one of ours; else NULL."""
    cdef PyObject *tapes
    cdef PyObject *tape
    if its_id == current_id():
        tapes = slot(its_state, TAPES)
        if PyList_GET_SIZE(tapes):
            tape = PyList_GET_ITEM(tapes, PyList_GET_SIZE(tapes) - 1)
            if Py_TYPE(tape) == tape_type:
                return &(<Rows>tape).store
    return NULL


cdef inline object new_input(double data):
    """An input on the current tape."""
    cdef Store *s = current_at_once()
    if s == NULL:
        s = &(<Rows>current_tape()).store  # the thread keeps it
    if ready(s):
        return stolen(append(s, 0, 0, NULL, NULL, data, 0.0, 0.0))
    check_thread(s)
    return _append(s, None, data, (), ())


cdef PyObject *call_value(PyObject *cls, PyObject *const *args, size_t nargs, PyObject *names) noexcept:
    """Value(2.0) without a tuple of arguments."""
    cdef Store *s
    if likely(names == NULL and PyVectorcall_NARGS(nargs) == 1 and PyFloat_CheckExact(args[0]) and free_top[0] != NULL):
        s = current_at_once()
        if likely(s != NULL and ready_at_once(s)):
            return reuse(s, 0, 0, 0, 0, PyFloat_AS_DOUBLE(args[0]), 0.0, 0.0)
    return call_elsewhere(cls, args, nargs, names)


cdef object call_as_any "call_as_any"(PyObject *cls, PyObject *const *args, size_t nargs, PyObject *names):
    """Value(2.0) all the same, or as any class is called."""
    cdef Py_ssize_t i, n = PyVectorcall_NARGS(nargs)
    if names == NULL and n == 1 and PyFloat_CheckExact(args[0]):
        return new_input(PyFloat_AS_DOUBLE(args[0]))
    positional, keywords = [None] * n, {}
    for i in range(n):
        positional[i] = <object>args[i]
    for i in range(0 if names == NULL else PyTuple_GET_SIZE(names)):
        keywords[<object>PyTuple_GET_ITEM(names, i)] = <object>args[n + i]
    arguments, call = tuple(positional), (<PyTypeObjectInside *>&PyType_Type).tp_call
    return stolen(call(cls, <PyObject *>arguments, <PyObject *>keywords))


(<PyTypeObjectInside *>Handle).tp_name = (<PyTypeObjectInside *>Value).tp_name  # for the messages of its descriptors
value_type = <PyTypeObject *>Value
(<PyTypeObjectInside *>value_type).tp_flags &= ~Py_TPFLAGS_HAVE_GC  # it refers to nothing but its tape
tape_type = <PyTypeObject *>Tape
assert Value.__weakrefoffset__ == <Py_ssize_t>&(<Thin *>NULL).weak


cdef void set_slots(PyNumberMethods *of_value, PyNumberMethods *of_handle) noexcept:
    """Straight into C, where the class made by Python would look `__add__` up and call that."""
    of_value.nb_add, of_value.nb_subtract = <void *>add, <void *>subtract
    of_value.nb_multiply, of_value.nb_true_divide = <void *>multiply, <void *>divide
    of_value.nb_remainder = of_handle.nb_remainder


set_slots((<PyTypeObjectInside *>value_type).tp_as_number, (<PyTypeObjectInside *>Handle).tp_as_number)
(<PyTypeObjectInside *>value_type).tp_dealloc = <destructor>free_value
(<PyTypeObjectInside *>value_type).tp_vectorcall = <vectorcallfunc>call_value
assert Value.__basicsize__ >= sizeof(Thin)

for name, attribute in [*vars(Handle).items()]:
    if isinstance(attribute, type(Handle.data)):  # an attribute of the very class is read without a look at its bases
        setattr(Value, name, PyDescr_NewGetSet(value_type, (<PyGetSetDescrObject *><PyObject *>attribute).d_getset))


# ── what it says of itself: the docstrings of the readable engine ───────────────────────────────────────────────────


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8(object) except NULL


cdef int refuse(PyObject *self, PyObject *value, void *name) except -1:
    """What Python's own property says that has no setter."""
    kind = "deleter" if value == NULL else "setter"
    raise AttributeError(f"property '{(<const char *>name).decode()}' of 'Value' object has no {kind}")


def _take_docstrings(ours, theirs):
    cdef PyGetSetDef *attribute
    if isinstance(ours, type(Handle.data)):
        attribute = (<PyGetSetDescrObject *><PyObject *>ours).d_getset
        attribute.doc = PyUnicode_AsUTF8(theirs.__doc__)  # which outlives it
        if attribute.set == NULL:
            attribute.set, attribute.closure = <setter>refuse, <void *>attribute.name
    elif theirs.__doc__ and not ours.__doc__:
        ours.__doc__ = theirs.__doc__
    for name, member in vars(theirs).items() if isinstance(theirs, type) else ():
        if not name.startswith("_") and hasattr(ours, name):
            _take_docstrings(getattr(ours, name), member)


for name in __all__:
    _take_docstrings(globals()[name], getattr(python, name))

(<PyTypeObjectInside *>value_type).tp_flags |= Py_TPFLAGS_IMMUTABLETYPE  # see Immutable; Python calls such classes straight
