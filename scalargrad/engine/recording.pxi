# Recording: a Value and its row are made, by any rule and in any mode. A part of native.pyx.

cdef PyObject **free_top = free_values  # the last of the dead Values; below them all is NULL


cdef inline PyObject *new_value(Store *s, int32_t row) except NULL:
    cdef PyObject *value
    if likely(free_top[0] != NULL):
        value = reused_value()
    else:
        value = PyType_GenericAlloc(value_type, 0)  # counts no garbage, so it runs no code of others
    stand_for(value, s, row, s.rows + row)
    return value


cdef inline PyObject *reused_value() noexcept:
    """One of the dead Values; there is one."""
    global free_top
    cdef PyObject *value = free_top[0]
    free_top -= 1
    revive(value)
    return value


cdef inline void stand_for(PyObject *value, Store *s, int32_t k, Row *row) noexcept:
    (<Thin *>value).store, (<Thin *>value).at, (<Thin *>value).row, row.handle = s, row, k, value
    if s.live == 0:
        incref(s.tape)
    s.live += 1


cdef inline void let_go(Store *s) noexcept:
    s.live -= 1
    if s.live == 0:
        decref(s.tape)


cdef void free_value(PyObject *value) noexcept:
    """What a dying Value does, in place of Cython's own: 6 of the 27 ns that an operation took."""
    global free_top
    cdef Store *s = (<Thin *>value).store
    if likely(s != NULL and (<Thin *>value).weak == NULL and free_top != free_values + MOST_FREE):
        (<Thin *>value).at.handle = NULL
        free_top += 1
        free_top[0] = value
        let_go(s)
    else:
        free_thoroughly(value)


cdef void free_thoroughly "free_thoroughly"(PyObject *value) noexcept:
    cdef Store *s = (<Thin *>value).store
    if s != NULL:  # else it never was a Value: see Handle.__cinit__
        (<Thin *>value).at.handle = NULL
        if (<Thin *>value).weak != NULL:
            PyObject_ClearWeakRefs(value)
    PyObject_Free(value)
    decref(<PyObject *>value_type)
    if s != NULL:
        let_go(s)


cdef object value_of(Store *s, int32_t row):
    """The live Value of a row, made if there is none."""
    if s.rows[row].handle != NULL:
        return <object>s.rows[row].handle
    return stolen(new_value(s, row))


cdef inline bint ready_at_once(Store *s) noexcept:
    """Whether this thread owns the tape and records in the plain way, and there is room for a row."""
    return s.owner == this_thread and s.plain[0] == s.scope and (s.rows + s.n)[-1].handle != NULL and s.n < s.limit


cdef inline bint ready(Store *s) except -1:
    """The same, once there was made room if need be."""
    return True if likely(ready_at_once(s)) else s.owner == this_thread and s.plain[0] != Py_None and made_ready(s)


cdef bint made_ready(Store *s) except -1:
    """Make room. Where there is none to be had, it is for `_record` to say so, once the operation has gone well."""
    try:
        room(s)
    except (TapeError, MemoryError):
        return False
    return s.owner == this_thread and s.plain[0] == s.scope


cdef inline Row *row_of(PyObject *value) noexcept:
    return (<Thin *>value).at


cdef inline PyObject *append(
    Store *s, int op, int flags, PyObject *left, PyObject *right, double data, double da, double db
) except NULL:
    """Append a row of at most two operands; one that is not a Value is NULL. There is room."""
    cdef int32_t a = (<Thin *>left).row if left != NULL else 0, b = (<Thin *>right).row if right != NULL else 0
    cdef PyObject *value = new_value(s, s.n)
    write(s, s.rows + s.n, op, flags, a, b, data, da, db)
    s.n += 1
    return value


cdef inline void write(
    Store *s, Row *row, int op, int flags, int32_t a, int32_t b, double data, double da, double db
) noexcept:
    """Write a row down, all but its handle."""
    row.a, row.b = a, b
    row.data, row.da, row.db = data, da, db
    row.op, row.flags, row.epoch = op, flags, s.epoch


cdef PyObject *make_room_and_append(
    Store *s, int op, int flags, PyObject *left, PyObject *right, double data, double da, double db
) except NULL:
    room(s)
    return append(s, op, flags, left, right, data, da, db)


cdef int room_aside(Store *s, Py_ssize_t count) except -1:
    cdef Py_ssize_t capacity = s.pool_n + count
    if capacity > MOST:
        raise MemoryError(f"a tape holds at most {MOST:,} operands")
    if capacity <= s.pool_capacity:
        return 0
    capacity = 2 * capacity + FLOOR
    cdef Aside *pool = <Aside *>realloc(s.pool, capacity * sizeof(Aside))
    if pool == NULL:
        raise MemoryError(f"no memory for {capacity:,} operands")
    s.pool, s.pool_capacity = pool, capacity
    return 0


cdef inline PyObject *append_aside(Store *s, int op, Py_ssize_t count, double data) except NULL:
    """Append a row of the many operands that are written behind the end of the pool; there is room."""
    cdef PyObject *value = append(s, op, ASIDE, NULL, NULL, data, 0.0, 0.0)
    cdef Row *row = row_of(value)
    row.a, row.b = <int32_t>s.pool_n, <int32_t>count
    s.pool_n += count
    return value


# No comprehensions in what records: those of Cython 3.3.1 take a reference too many away where memory runs out.


def _number_or_none(derivative):
    return None if derivative is None else float(derivative)


def _none_for_zero(derivative):
    return derivative or None


cdef list taken(demand, operands):
    """The operands that a rule is applied to: Values, and all else as floats."""
    cdef list xs = list(operands)
    cdef Py_ssize_t i
    for i in range(len(xs)):
        if not is_value(PyList_GET_ITEM(<PyObject *>xs, i)):
            xs[i] = real(demand, xs[i])
    return xs


def _record(rule, tuple operands):
    """Apply a rule to operands, at least one of them a Value, and append the row to their tape: any rule, any mode."""
    cdef Store *s = NULL
    cdef PyObject *x
    numbers = []
    for operand in operands:
        x = <PyObject *>operand
        if is_value(x):
            if (<Thin *>x).store != s:
                if s != NULL:
                    raise TapeError(messages.MIXED_TAPES)
                s = (<Thin *>x).store
            numbers.append(row_of(x).data)
        else:
            numbers.append(operand)
    check_thread(s)
    spare_epochs(s)
    s.recording += 1
    try:
        return _recorded(s, rule, operands, numbers)
    finally:
        s.recording -= 1


cdef object _recorded(Store *s, rule, tuple operands, list numbers):
    cdef uint32_t began = s.epoch
    cdef PyObject *x
    try:
        data = rule.value(FLOATS, *numbers)
    except Exception as error:
        if slot(s.state, QUIET) == Py_False:
            if slot(s.state, RECORDER) != Py_None:
                (<object>s.state).recorder.refused(rule, operands, error)
            raise messages.failed(error, rule, operands, numbers) from None
        data = float(rule.value(IEEE, *map(IeeeFloat, numbers)))
    if slot(s.state, RECORDING) == Py_False:
        if slot(s.state, RECORDER) == Py_None:
            return _append(s, None, data, (), ())
        return _append(s, rule, data, operands, (None,) * len(operands))  # a Program has to know where it came from
    try:
        derivatives = rule.derivatives(FLOATS, *numbers, out=data)
    except Exception:  # at an edge of the domain: what IEEE 754 says, an infinity or nan
        try:
            derivatives = rule.derivatives(IEEE, *map(IeeeFloat, numbers), out=IeeeFloat(data))
        except Exception as error:  # a gate's, that uses math itself
            raise messages.failed(error, rule, operands, numbers) from None
        derivatives = tuple(map(_number_or_none, derivatives))
    if rule.routes and slot(s.state, RECORDER) == Py_None:
        derivatives = tuple(map(_none_for_zero, derivatives))  # not reached, which is other than reached by 0
    if s.epoch != began:  # a gate has done more than calculate
        for operand in operands:
            x = <PyObject *>operand
            if is_value(x) and row_of(x).epoch > began:
                raise StaleValueError(messages.stale(operand.label, operand._data))
    return _append(s, rule, data, operands, derivatives)


cdef object _append(Store *s, rule, double data, tuple operands, tuple derivatives):
    cdef int op = 0 if rule is None else CODES.get(rule, GATE)
    cdef Py_ssize_t i, count = len(operands)
    cdef PyObject *x
    cdef Aside *item
    cdef double constant
    line = messages.caller() if slot(s.state, DEBUG) == Py_True else None
    first, last = (operands[0], operands[-1]) if operands else (None, None)
    if count == 0:
        value = stolen(make_room_and_append(s, op, 0, NULL, NULL, data, 0.0, 0.0))
    elif count == 1 and derivatives[0] is not None:
        value = stolen(make_room_and_append(s, op, 0, <PyObject *>first, NULL, data, derivatives[0], 0.0))
    elif count == 2 and type(first) is type(last) and None not in derivatives:
        value = stolen(
            make_room_and_append(s, op, 0, <PyObject *>first, <PyObject *>last, data, derivatives[0], derivatives[1])
        )
    elif op in (ADD, SUB, MUL, DIV, POW_CONST) and type(last) is float and derivatives[0] is not None:
        constant = derivatives[1] if op == MUL else last
        value = stolen(make_room_and_append(s, op, B_CONST, <PyObject *>first, NULL, data, derivatives[0], constant))
    elif op in (ADD, SUB, MUL, CONST_POW) and type(first) is float and derivatives[1] is not None:
        constant = derivatives[0] if op == MUL else first
        value = stolen(make_room_and_append(s, op, A_CONST, NULL, <PyObject *>last, data, constant, derivatives[1]))
    else:
        slopes = [0.0] * count  # made first, for these might run code of others
        for i in range(count):
            if derivatives[i] is not None:
                slopes[i] = float(derivatives[i])
        room(s)
        room_aside(s, count)
        for i in range(count):
            x = PyTuple_GET_ITEM(<PyObject *>operands, i)
            item = s.pool + s.pool_n + i
            item.row = (<Thin *>x).row if is_value(x) else 0
            item.constant = 0.0 if is_value(x) else <object>x  # a float
            item.derivative, item.reached = slopes[i], derivatives[i] is not None
        value = stolen(append_aside(s, op, count, data))
    if op == GATE:
        extra_of(value).rule = rule
    if line is not None:
        extra_of(value).line = line
    if slot(s.state, RECORDER) != Py_None:
        (<object>s.state).recorder.took(value)
    return value


cdef Extra extra_of(value):
    """What else there is to tell of the row, to be written to."""
    cdef Store *s = (<Thin *><PyObject *>value).store
    cdef dict extras = (<Rows>s.tape).extras
    if not row_of(<PyObject *>value).flags & EXTRA:
        extra = Extra()
        extras[(<Thin *><PyObject *>value).row] = extra
        row_of(<PyObject *>value).flags |= EXTRA
    return extras[(<Thin *><PyObject *>value).row]


cdef inline int as_double(PyObject *x, double *number) except -1:
    """1, and the number, if x is a real number of a kind we take; else 0."""
    if PyFloat_CheckExact(x):
        number[0] = PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        number[0] = PyLong_AsDouble(x)
    else:
        other = as_float(<object>x)
        if other is None:
            return 0
        number[0] = other
    return 1


def inputs(numbers):
    cdef list xs = list(numbers)
    cdef Store *s = current_at_once()
    cdef Py_ssize_t i
    cdef PyObject *x
    for i in range(len(xs)):
        x = PyList_GET_ITEM(<PyObject *>xs, i)
        if likely(s != NULL and PyFloat_CheckExact(x) and free_top[0] != NULL and ready_at_once(s)):
            xs[i] = stolen(reuse(s, 0, 0, 0, 0, PyFloat_AS_DOUBLE(x), 0.0, 0.0))
            continue
        xs[i] = new_input(PyFloat_AS_DOUBLE(x)) if PyFloat_CheckExact(x) else Value(<object>x)
        s = current_at_once()
    return xs


def only_floats(list numbers):
    cdef Py_ssize_t i
    for i in range(len(numbers)):
        if not PyFloat_CheckExact(PyList_GET_ITEM(<PyObject *>numbers, i)):
            return False
    return True


def function(rule):
    cdef object arity = rule.arity
    cdef int op = CODES.get(rule, GATE)
    cdef Py_ssize_t most = 0x7FFFFFFF if arity is None else arity, least = 0 if arity is None else arity
    demand = f"{rule.name} takes Values and real numbers"

    def apply(*operands):
        cdef PyObject *out
        if least <= len(operands) <= most:
            out = typed(op, <PyObject *>operands)
            if out != NULL:
                return stolen(out)
        else:
            raise TypeError(f"{rule.name} takes {arity} operand(s), not {len(operands)}")
        if Value in map(type, operands):
            return _record(rule, tuple(taken(demand, operands)))
        if (m := namespace_of(*operands)) is not None:
            return rule.value(m, *operands)
        numbers = taken(demand, operands)
        try:
            return rule.value(FLOATS, *numbers)
        except Exception as error:
            raise messages.failed(error, rule, operands, numbers) from None

    apply.__name__, apply.__doc__ = rule.name, f"{rule.name} of Values or real numbers, recorded as one row."
    return apply


def reduction(rule):
    apply = function(rule)
    cdef int op = CODES.get(rule, GATE)

    def apply_to_lists(*lists):
        cdef PyObject *parts[2]
        cdef PyObject *out
        cdef Py_ssize_t i, count = len(lists)
        if count <= 2 and MOD <= op < TYPED:
            for i in range(count):
                parts[i] = PyTuple_GET_ITEM(<PyObject *>lists, i)
                if not PyList_CheckExact(<object>parts[i]) and not PyTuple_CheckExact(<object>parts[i]):
                    break
            else:
                out = typed_of_many(op, parts, count)
                if out != NULL:
                    return stolen(out)
        return apply(*chain.from_iterable(lists))

    return apply_to_lists
