# The tape: the memory of its rows, who owns it, and which one is current. A part of native.pyx.

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
