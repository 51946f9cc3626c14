# Sweeping: from the root down the rows, in two ways. A part of native.pyx.

cdef struct Sweep:           # one that is under way; walked with a copy that the C compiler can keep in registers
    Row *rows
    double *adjoints
    double *grads
    int32_t *touched         # in the order in which they were touched
    int32_t count            # of these
    unsigned char *pending
    int32_t low              # the lowest that waits
    int32_t first            # the first to sweep


cdef Sweep begun(Store *s, int32_t first) noexcept:
    cdef Sweep w
    w.rows, w.adjoints, w.grads, w.touched, w.pending = s.rows, s.adjoints, s.grads, s.touched, s.pending
    w.count, w.low, w.first = 0, s.n, first
    return w


cdef inline Py_ssize_t block_from(unsigned char *pending, Py_ssize_t k) noexcept:
    """The highest block in which rows wait, from the block k down; there is one."""
    cdef uint64_t eight
    if not pending[k]:
        while k >= 8:  # eight blocks at a time
            memcpy(&eight, pending + k - 7, 8)
            if eight:
                break
            k -= 8
        while not pending[k]:
            k -= 1
    return k


# The quick way sees only what is reached. That is enough where nothing can be stale: all on the way was recorded since data
# was last set. -0.0 is the adjoint of what is not reached: no sum of shares is that, for the first comes on top of 0.0.


cdef void begin_block(double *adjoints) noexcept:
    """Of which nothing is reached yet."""
    cdef int i
    for i in range(1 << BLOCK):
        adjoints[i] = -0.0


cdef inline bint is_reached(double *adjoint) noexcept:
    return (<uint64_t *>adjoint)[0] != <uint64_t>1 << 63


cdef inline void hand(Sweep *w, Py_ssize_t k, double share) noexcept:
    """Hand a row a share of an adjoint."""
    cdef Py_ssize_t block = k >> BLOCK
    if not likely(w.pending[block]):
        w.pending[block] = 1
        w.low = min(w.low, <int32_t>(block << BLOCK))
        begin_block(w.adjoints + (block << BLOCK))
    w.adjoints[k] += share


cdef inline void write_down(Row *row, double *grad, double adjoint) noexcept:
    """The adjoint of a row in its grad: in place of what is there, or if it is an input on top of it."""
    grad[0] = adjoint if row.op else (grad[0] if row.flags & HAS_GRAD else 0.0) + adjoint
    row.flags |= HAS_GRAD


cdef inline bint quick_walk(Store *s, int32_t top, Sweep *sweep, bint write) noexcept:
    """From the row `top` down: each row that was reached hands its adjoint on. False where more has to be seen.

    Where data was never set, nothing is stale, and adjoints can be written down on the way. Else they are to be read from
    the blocks that are pending.
    """
    cdef Sweep w = sweep[0]
    cdef Py_ssize_t i = top, start, end, j
    cdef Row *row
    cdef Aside *item
    cdef double adjoint
    cdef uint32_t epoch = s.epoch
    cdef bint enough = True
    while i >= w.low and enough:
        start = block_from(w.pending, i >> BLOCK) << BLOCK
        end = max(start, <Py_ssize_t>w.first)
        i = min(i, start + (1 << BLOCK) - 1)
        row = w.rows + i + 1
        while i >= end:
            row -= 1
            i -= 1
            if not is_reached(w.adjoints + i + 1):
                continue
            fetch_ahead(row - AHEAD)
            adjoint = w.adjoints[i + 1]
            if not row.op:  # an input hands on to nobody
                if write:
                    write_down(row, w.grads + i + 1, adjoint)
                continue
            if write:
                write_down(row, w.grads + i + 1, adjoint)
            elif row.epoch != epoch:
                enough = False
                break
            if row.flags & ASIDE:
                for j in range(row.b):
                    item = s.pool + row.a + j
                    if item.row and item.reached:
                        hand(&w, item.row, 0.0 + adjoint * item.derivative)
                    elif item.row and (w.first or epoch):  # what is behind it, if it is not an input
                        enough = enough and item.row >= w.first and not w.rows[item.row].op
                continue
            if row.a:
                hand(&w, row.a, 0.0 + adjoint * row.da)
            if row.b:
                hand(&w, row.b, 0.0 + adjoint * row.db)
        while i >= start and enough:  # what was recorded before the first
            enough = not is_reached(w.adjoints + i)
            i -= 1
    sweep.low = w.low
    return enough


cdef void forget_blocks(Sweep *w, int32_t top) noexcept:
    """Take the marks of a quick sweep away."""
    if w.low <= top:
        memset(w.pending + (w.low >> BLOCK), 0, (top >> BLOCK) - (w.low >> BLOCK) + 1)


# The other way sees all that a root depends on: also what only leads to an operand that was not chosen. It keeps a list.


cdef inline void touch(Sweep *w, int32_t k, bint reached, double share) noexcept:
    """Visit a row, and hand it a share of an adjoint if it is reached."""
    cdef Row *row = w.rows + k
    if not row.flags & TOUCHED:
        w.adjoints[k] = share if reached else 0.0
        w.touched[w.count] = k
        w.count += 1
        if row.op and k >= w.first:
            w.pending[k >> BLOCK] = 1
            w.low = min(w.low, k)
    elif reached:
        w.adjoints[k] += share
    row.flags |= TOUCHED | REACHED if reached else TOUCHED


cdef int32_t walk(Store *s, int32_t top, Sweep *sweep) noexcept:
    """From the row `top` down: each row that was touched hands its adjoint on. Gives an operand that is stale, or 0.

    What nothing touched is passed over by the block, and the walk ends at the lowest row that waits.
    """
    cdef Sweep w = sweep[0]
    cdef int32_t i = top, start, k, j, stale = 0
    cdef Row *row
    cdef Aside *item
    cdef double adjoint
    cdef bint reached
    while i >= w.low and not stale:
        start = <int32_t>(block_from(w.pending, i >> BLOCK) << BLOCK)
        i = min(i, start + (1 << BLOCK) - 1)
        row = w.rows + i + 1
        while i >= start and i >= w.low and not stale:
            row -= 1
            i -= 1
            if not row.flags & TOUCHED or not row.op:
                continue
            adjoint, reached = w.adjoints[i + 1], row.flags & REACHED != 0
            if row.flags & ASIDE:
                for j in range(row.b):
                    item = s.pool + row.a + j
                    k = item.row
                    if k:
                        stale = k if not stale and w.rows[k].epoch > row.epoch else stale
                        touch(&w, k, reached and item.reached, 0.0 + adjoint * item.derivative)
                continue
            k = row.a
            if k:
                stale = k if w.rows[k].epoch > row.epoch else stale
                touch(&w, k, reached, 0.0 + adjoint * row.da)
            k = row.b
            if k:
                stale = k if not stale and w.rows[k].epoch > row.epoch else stale
                touch(&w, k, reached, 0.0 + adjoint * row.db)
        w.pending[start >> BLOCK] = 0
    sweep[0] = w
    return stale


cdef void forget(Store *s, Py_ssize_t count) noexcept:
    """Take the marks of a sweep away."""
    cdef Py_ssize_t i
    for i in range(count):
        s.rows[s.touched[i]].flags &= <uint16_t>~(TOUCHED | REACHED)


cdef object stale_error(Store *s, int32_t k):
    value = value_of(s, k)
    return StaleValueError(messages.stale(value.label, value._data))


cdef int32_t swept(Store *s, list roots, list numbers, int32_t first) except -1:
    """Sweep, and leave the marks, so many, to be read and then forgotten."""
    cdef int32_t top = 0, stale, k
    cdef Py_ssize_t i
    cdef double seed
    scratch(s)
    cdef Sweep w = begun(s, first)
    for i in range(len(roots)):
        k = (<Thin *><PyObject *>roots[i]).row
        seed = numbers[i]
        top = max(top, k)
        touch(&w, k, True, seed)
    stale = walk(s, top, &w)
    if stale:
        memset(w.pending, 0, (top >> BLOCK) + 1)
        forget(s, w.count)
        raise stale_error(s, stale)
    return w.count


cdef Store *store_of(dict seeds, list numbers, first) except? NULL:
    """Where all the roots are, and the first row to sweep, if any; NULL without either. The seeds become floats."""
    cdef Store *s = NULL
    cdef PyObject *x
    for root, number in seeds.items():
        x = <PyObject *>root
        if not is_value(x):
            raise TypeError(messages.not_a_number("the roots of a sweep are Values", root))
        if s != NULL and s != (<Thin *>x).store:
            raise TapeError(messages.MIXED_TAPES)
        s = (<Thin *>x).store
        numbers.append(float(number))
    if first is not None:
        x = <PyObject *>first
        if not is_value(x):
            raise TypeError(messages.not_a_number("a sweep begins at a Value", first))
        if s != NULL and s != (<Thin *>x).store:
            raise TapeError(messages.MIXED_TAPES)
        s = (<Thin *>x).store
    if s != NULL:
        check_thread(s)
    return s


def sweep(dict seeds, first=None):
    cdef list numbers = []
    cdef Store *s = store_of(seeds, numbers, first)
    cdef Py_ssize_t i, count
    cdef int32_t k
    cdef list roots = list(seeds)
    adjoints = dict(seeds)
    if s == NULL:
        return adjoints
    count = swept(s, roots, numbers, 0 if first is None else (<Thin *><PyObject *>first).row)
    try:
        for i in range(len(seeds), count):
            adjoints[value_of(s, s.touched[i])] = None
        for i in range(count):
            k = s.touched[i]
            if s.rows[k].flags & REACHED:
                adjoints[value_of(s, k)] = s.adjoints[k]
    finally:
        forget(s, count)
    return adjoints


def adjoints(dict seeds, xs, first=None):
    cdef list numbers = []
    cdef Store *s = store_of(seeds, numbers, first)
    cdef list roots = list(seeds), inputs = xs if type(xs) is list else list(xs), found = [0.0] * len(inputs)
    cdef Py_ssize_t i, count
    cdef int32_t start, k, top = 0
    cdef double seed
    cdef bint quick = len(roots) > 0
    cdef PyObject *x
    if s == NULL:
        return found
    start = 0 if first is None else (<Thin *><PyObject *>first).row
    scratch(s)
    cdef Sweep w = begun(s, start)
    for i in range(len(roots)):
        k, seed = (<Thin *><PyObject *>roots[i]).row, numbers[i]
        hand(&w, k, seed)
        top, quick = max(top, k), quick and k >= start and is_reached(&seed)
    quick = quick and quick_walk(s, top, &w, False)
    for i in range(len(inputs) if quick else 0):  # floats are nothing that the garbage collector counts: no code of others
        x = PyList_GET_ITEM(<PyObject *>inputs, i)
        k = (<Thin *>x).row if is_value(x) and (<Thin *>x).store == s else 0
        if w.pending[k >> BLOCK] and is_reached(w.adjoints + k):
            found[i] = w.adjoints[k]
    forget_blocks(&w, top)
    if quick:
        return found
    count = swept(s, roots, numbers, start)
    try:
        for i in range(count):
            if s.touched[i] < start:
                return None
        for i in range(len(inputs)):
            x = PyList_GET_ITEM(<PyObject *>inputs, i)
            if is_value(x) and (<Thin *>x).store == s and row_of(x).flags & REACHED:
                found[i] = s.adjoints[(<Thin *>x).row] or 0.0
    finally:
        forget(s, count)
    return found


cdef int backward(PyObject *root, double seed) except -1:
    """Sweep, and write the adjoints down once all has gone well."""
    cdef Store *s = (<Thin *>root).store
    cdef int32_t i, k, count, top = (<Thin *>root).row
    cdef bint written = False, read = False
    check_thread(s)
    scratch(s)
    cdef Sweep w = begun(s, 0)
    hand(&w, top, seed)
    if is_reached(&seed):
        if s.epoch == 0:
            written = quick_walk(s, top, &w, True)
        else:
            read = quick_walk(s, top, &w, False)
    for k in range(w.low >> BLOCK, (top >> BLOCK) + 1 if read else 0):
        for i in range(k << BLOCK, min((k + 1) << BLOCK, s.n) if w.pending[k] else 0):
            if is_reached(w.adjoints + i):
                write_down(w.rows + i, w.grads + i, w.adjoints[i])
    forget_blocks(&w, top)
    if read or written:
        return 0
    count = swept(s, [<object>root], [seed], 0)
    for i in range(count):
        k = s.touched[i]
        if s.rows[k].flags & REACHED:
            write_down(s.rows + k, s.grads + k, s.adjoints[k])
    forget(s, count)
    return 0
