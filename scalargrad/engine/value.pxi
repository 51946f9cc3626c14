# Value: a handle on a row, its properties and its methods, and how data is set. A part of native.pyx.

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
