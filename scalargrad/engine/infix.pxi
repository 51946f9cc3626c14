# Operators: of two Values, or a Value and a number, and of one. A part of native.pyx.

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
