# How the operations that are typed out are recorded, wherever it is the plain way. A part of native.pyx.

cdef PyObject *typed(int op, PyObject *operands) except? NULL:
    """Record one of the operations above on a tuple of operands; NULL where it is not one, or not sure."""
    cdef PyObject *x
    cdef double out, slope
    if NEG <= op <= GELU:
        x = PyTuple_GET_ITEM(operands, 0)
        if not is_value(x) or not ready((<Thin *>x).store) or not unary(op, row_of(x).data, &out, &slope):
            return NULL
        return append((<Thin *>x).store, op, 0, x, NULL, out, slope, 0.0)
    if MOD <= op < TYPED:
        return typed_of_many(op, &operands, 1)
    return NULL


cdef PyObject *typed_of_many(int op, PyObject **parts, Py_ssize_t count) except? NULL:
    """The same on all operands in these lists or tuples."""
    cdef Py_ssize_t i, j, n = 0
    cdef PyObject *x
    cdef Store *s = NULL
    cdef Aside *item
    cdef double out
    for j in range(count):
        for i in range(PySequence_Fast_GET_SIZE(parts[j])):
            x = PySequence_Fast_GET_ITEM(parts[j], i)
            if is_value(x):
                s = (<Thin *>x).store
                break
        if s != NULL:
            break
    if s == NULL or not ready(s):
        return NULL
    for j in range(count):
        n += PySequence_Fast_GET_SIZE(parts[j])
    room_aside(s, n)
    if not gathered(s, parts, count) or not of_many(op, s.pool + s.pool_n, n, &out):
        return NULL
    return append_aside(s, op, n, out)


cdef inline bint gathered(Store *s, PyObject **parts, Py_ssize_t count) noexcept:
    """Write the operands in these lists or tuples behind the end of the pool, where there is room for them."""
    cdef Py_ssize_t i, j
    cdef PyObject *x
    cdef Aside *item = s.pool + s.pool_n
    for j in range(count):
        for i in range(PySequence_Fast_GET_SIZE(parts[j])):
            x = PySequence_Fast_GET_ITEM(parts[j], i)
            item.reached = True
            if is_value(x) and (<Thin *>x).store == s:
                item.row, item.constant = (<Thin *>x).row, row_of(x).data
            elif PyFloat_CheckExact(x):
                item.row, item.constant = 0, PyFloat_AS_DOUBLE(x)
            else:
                return False
            item += 1
    return True


cdef Store *store_of_first(PyObject *xs) noexcept:
    """Where the first in a list is recorded; NULL if that is no Value, or this no list."""
    if not PyList_CheckExact(<object>xs) or not PyList_GET_SIZE(xs) or not is_value(PyList_GET_ITEM(xs, 0)):
        return NULL
    return (<Thin *>PyList_GET_ITEM(xs, 0)).store


cdef PyObject *append_neuron(Store *s, int op, PyObject **parts, PyObject *bias, PyObject *scope) except? NULL:
    """Append op(dot(weights, xs) + bias) in a scope; NULL, and no row, where it is not sure or there is no room."""
    cdef Py_ssize_t n = 2 * PyList_GET_SIZE(parts[1])
    cdef double total, sum, constant = 0.0, out, slope
    if 2 * PyList_GET_SIZE(parts[0]) != n or s.n + 3 > s.limit:
        return NULL
    room_aside(s, n)
    if not gathered(s, parts, 2) or not of_many(DOT, s.pool + s.pool_n, n, &total):
        return NULL
    if not is_value(bias) and PyFloat_CheckExact(bias):
        constant = PyFloat_AS_DOUBLE(bias)
        sum = total + constant
    elif is_value(bias) and (<Thin *>bias).store == s:
        sum = total + row_of(bias).data
    else:
        return NULL
    if op and not unary(op, sum, &out, &slope):
        return NULL
    begin_run(s, scope)
    cdef Row *row = s.rows + s.n
    row[0].handle = row[1].handle = row[2].handle = NULL  # those that are needed only want no Value
    write(s, row, DOT, ASIDE, <int32_t>s.pool_n, <int32_t>n, total, 0.0, 0.0)
    s.pool_n += n
    if is_value(bias):
        write(s, row + 1, ADD, 0, s.n, (<Thin *>bias).row, sum, 1.0, 1.0)
    else:
        write(s, row + 1, ADD, B_CONST, s.n, 0, sum, 1.0, constant)
    if op:
        write(s, row + 2, op, 0, s.n + 1, 0, out, slope, 0.0)
    s.n += 3 if op else 2
    return new_value(s, s.n - 1)


def neurons(rule):
    cdef int op = 0 if rule is None else CODES.get(rule, GATE)

    def record(list weights, list biases, list scopes, list xs):
        cdef list outputs = []  # made first: once there is room, no code of others runs, so the thread's scope may stay
        cdef PyObject *parts[2]
        cdef PyObject *value
        cdef Store *s
        cdef Py_ssize_t i
        s = store_of_first(PyList_GET_ITEM(<PyObject *>weights, 0)) if weights else NULL
        if s == NULL:
            return outputs
        tape = <object>s.tape  # kept, whatever dies where room is made
        if not ready(s):
            return outputs
        parts[1] = <PyObject *>xs
        for i in range(min(len(weights), len(biases), len(scopes))):
            parts[0] = PyList_GET_ITEM(<PyObject *>weights, i)
            if store_of_first(parts[0]) != s:
                break
            value = append_neuron(
                s, op, parts, PyList_GET_ITEM(<PyObject *>biases, i), PyList_GET_ITEM(<PyObject *>scopes, i)
            )
            if value == NULL:
                break
            outputs.append(stolen(value))
        return outputs

    return record
