# The room for rows: popped from the top, moved together when the tape is full. A part of native.pyx.

cdef int resize(Store *s, Py_ssize_t capacity) except -1:
    if capacity > MOST:
        capacity = MOST
    cdef Row *rows = <Row *>realloc(s.rows, capacity * sizeof(Row))
    if rows == NULL:
        raise MemoryError(f"no memory for a tape of {capacity:,} rows")
    cdef int32_t i
    if rows != s.rows:
        s.rows = rows
        for i in range(1, s.n):
            if rows[i].handle != NULL:
                (<Thin *>rows[i].handle).at = rows + i
    cdef double *grads = <double *>realloc(s.grads, capacity * sizeof(double))
    if grads == NULL:
        raise MemoryError(f"no memory for a tape of {capacity:,} rows")
    s.grads = grads
    in_large_pages(rows, capacity * sizeof(Row))
    in_large_pages(grads, capacity * sizeof(double))
    s.capacity = <int32_t>capacity
    set_limit(s)
    return 0


cdef int set_limit(Store *s) except -1:
    max_rows = (<Rows>s.tape).max_rows
    s.limit = s.capacity if max_rows is None else min(s.capacity, max_rows + 1)
    return 0


cdef int scratch(Store *s) except -1:
    """Memory for a sweep, as much as there are rows."""
    if s.scratch_capacity == s.capacity:
        return 0
    s.scratch_capacity = 0
    free(s.adjoints)
    free(s.touched)
    free(s.pending)
    s.adjoints = <double *>malloc((s.capacity + (1 << BLOCK)) * sizeof(double))  # whole blocks
    s.touched = <int32_t *>malloc(s.capacity * sizeof(int32_t))
    s.pending = <unsigned char *>calloc((s.capacity >> BLOCK) + 16, 1)
    if s.adjoints == NULL or s.touched == NULL or s.pending == NULL:
        raise MemoryError(f"no memory for a sweep over {s.capacity:,} rows")
    in_large_pages(s.adjoints, s.capacity * sizeof(double))
    in_large_pages(s.touched, s.capacity * sizeof(int32_t))
    s.scratch_capacity = s.capacity
    return 0


cdef int room(Store *s) except -1:
    """Make room for one row."""
    while not (s.rows[s.n - 1].handle != NULL and s.n < s.limit and s.scope == slot(s.state, SCOPE)):
        make_room(s)  # what dies there may run code, and that may record
    return 0


cdef int make_room(Store *s) except -1:
    cdef Rows tape = <Rows>s.tape
    pop(s)
    if s.n >= s.limit:
        collect(s)
        live = s.n - 1
        if tape.max_rows is not None and live >= tape.max_rows:
            raise TapeError(messages.too_many_rows(tape.max_rows))
        if s.n >= MOST:
            raise MemoryError(f"a tape holds at most {MOST - 1:,} rows")
        if 2 * <Py_ssize_t>s.n > s.capacity:
            resize(s, 2 * <Py_ssize_t>s.n)
    if s.scope != slot(s.state, SCOPE):
        begin_run(s, slot(s.state, SCOPE))
    return 0


cdef int begin_run(Store *s, PyObject *scope) except -1:
    """The next rows are in this scope."""
    cdef Run *runs = s.runs
    if s.runs_n == s.runs_capacity:
        runs = <Run *>realloc(runs, (2 * s.runs_capacity + 16) * sizeof(Run))
        if runs == NULL:
            raise MemoryError(f"no memory for {2 * s.runs_capacity:,} changes of scope")
        s.runs, s.runs_capacity = runs, 2 * s.runs_capacity + 16
    if s.runs_n == 0 or runs[s.runs_n - 1].start < s.n:
        runs[s.runs_n].start = s.n
        s.runs_n += 1
    runs[s.runs_n - 1].scope = s.scope = scope
    return 0


cdef int pop(Store *s) except -1:
    """Forget the dead rows on top. All is consistent when an Extra dies, for with it may die what runs code."""
    if s.live == 0 and not (<Rows>s.tape).extras:
        s.n, s.pool_n = 1, 0  # without a look at them, which takes as long as memory is slow
    cdef int32_t n = s.n
    cdef Row *row = s.rows + n - 1
    while row.handle == NULL:
        n -= 1
        if row.flags & (ASIDE | EXTRA):
            s.n = n
            if row.flags & ASIDE:
                s.pool_n = row.a
            if row.flags & EXTRA:
                (<Rows>s.tape).extras.pop(n)
            n = s.n
            row = s.rows + n
        row -= 1
    s.n = n
    if s.runs[s.runs_n - 1].start > s.n:
        while s.runs_n > 1 and s.runs[s.runs_n - 2].start >= s.n:
            s.runs_n -= 1
        s.runs[s.runs_n - 1].start, s.runs[s.runs_n - 1].scope = s.n, s.scope
    return 0


cdef int collect(Store *s) except -1:
    """Forget all rows that no live Value needs: mark from the last to the first, then move those that stay together."""
    cdef Rows tape = <Rows>s.tape
    cdef dict extras = {}                                # made first: from here on no code of others runs,
    cdef dict doomed = tape.extras                       # for nothing is made that the garbage collector counts
    cdef int32_t i, m, k
    cdef Row *rows
    cdef Row *row
    cdef Aside *item
    cdef Py_ssize_t j, pool_n
    cdef int32_t *places
    pop(s)
    scratch(s)
    rows = s.rows
    places = <int32_t *>s.adjoints
    rows[0].flags = TOUCHED
    for i in range(s.n - 1, 0, -1):
        row = rows + i
        if row.handle == NULL and not row.flags & TOUCHED:
            continue
        row.flags |= TOUCHED
        if row.flags & ASIDE:
            for j in range(row.a, row.a + row.b):
                rows[s.pool[j].row].flags |= TOUCHED
        else:
            rows[row.a].flags |= TOUCHED
            rows[row.b].flags |= TOUCHED
    m = 0
    for i in range(s.n):
        places[i] = m
        m += (rows[i].flags & TOUCHED) != 0
    if m == s.n:
        for i in range(s.n):
            rows[i].flags &= ~TOUCHED
        return 0
    try:
        for k, extra in tape.extras.items():
            if rows[k].flags & TOUCHED:
                extras[places[k]] = extra
    except MemoryError:
        for i in range(s.n):
            rows[i].flags &= ~TOUCHED
        raise
    k = 0
    for i in range(s.runs_n):
        s.runs[i].start = places[s.runs[i].start] if s.runs[i].start < s.n else m
        k -= k > 0 and s.runs[k - 1].start == s.runs[i].start  # no row of that run is left
        s.runs[k] = s.runs[i]
        k += 1
    s.runs_n = k
    pool_n = 0
    for i in range(s.n):
        if not rows[i].flags & TOUCHED:
            continue
        m = places[i]
        row = rows + m
        if m != i:
            row[0] = rows[i]
            s.grads[m] = s.grads[i]
            if row.handle != NULL:
                (<Thin *>row.handle).row, (<Thin *>row.handle).at = m, row
        row.flags &= ~TOUCHED
        if row.flags & ASIDE:
            for j in range(row.b):
                item = s.pool + pool_n + j
                item[0] = s.pool[row.a + j]
                item.row = places[item.row]
            row.a = <int32_t>pool_n
            pool_n += row.b
        else:
            row.a = places[row.a]
            row.b = places[row.b]
    s.n = places[s.n - 1] + 1
    s.pool_n = pool_n
    tape.extras = extras
    return 0  # here the old extras die
