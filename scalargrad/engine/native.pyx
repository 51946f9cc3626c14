# cython: language_level=3, boundscheck=False, initializedcheck=False, cdivision=True
# cython: c_api_binop_methods=True, auto_pickle=False, embedsignature=False
"""The native engine: what `python.py` does, compiled. Read that one first; the sections here answer it one to one.

A row is a struct of 48 bytes in memory that the tape owns, and a Value is a thin handle on it: the tape and the number
of the row. Whoever drops a Value only clears the row's handle (and ends weak references to it; the row may live on). A
row that no live Value needs is popped when it is on top, and left out when the tape, full, moves its rows together.

The operations that are worth it are typed out in C, in operations.pxi, in the words of `rules.py` and in the same order
of arithmetic, so that they give the same bits. Everything else goes through the rule itself: the operations not typed,
and each typed one where its result is not finite, so that exceptions, their messages and the edges of the domains are
the rules' own.

In this order: memory, tapes, recording, the operations typed out, sweeping, Value.
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

# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #define OF_THIS_THREAD static __declspec(thread)
    #elif defined(__GLIBC__)
      /* without the call into the dynamic linker that position independent code makes for each look otherwise */
      #define OF_THIS_THREAD static __thread __attribute__((tls_model("initial-exec")))
    #else
      #define OF_THIS_THREAD static __thread
    #endif
    OF_THIS_THREAD uint64_t this_thread = 0;      /* the number by which tapes know their owner */
    OF_THIS_THREAD uint64_t its_id = 0;           /* of the Python thread state that the next one belongs to */
    OF_THIS_THREAD PyObject *its_state = NULL;    /* borrowed from thread.here, which lives as long as its thread */
    #define current_id() (PyThreadState_Get()->id)

    /* the slots of a thread's State: read where they are, for an attribute would cost more than an operation does */
    #define slot(object, offset) (*(PyObject **)((char *)(object) + (offset)))
    #define slot_at(object, offset) ((PyObject **)((char *)(object) + (offset)))
    #define offset_of(descriptor) (((PyMemberDescrObject *)(descriptor))->d_member->offset)

    /* a page of 4 KB holds 85 rows, and the first touch of a page costs as much as ten operations */
    #if defined(__linux__)
      #include <stdint.h>
      #include <sys/mman.h>
      static void in_large_pages(void *memory, size_t size) {
          uintptr_t from = ((uintptr_t)memory + 4095) & ~(uintptr_t)4095;
          uintptr_t to = ((uintptr_t)memory + size) & ~(uintptr_t)4095;
          if (size >= ((size_t)8 << 20) && to > from) madvise((void *)from, to - from, MADV_HUGEPAGE);
      }
    #else
      static void in_large_pages(void *memory, size_t size) { (void)memory; (void)size; }
    #endif

    /* a sweep goes down the rows, where processors do not foresee what will be needed as well as going up */
    #if defined(__GNUC__)
      #define fetch_ahead(row) __builtin_prefetch(row, 1)
    #else
      #define fetch_ahead(row) ((void)(row))
    #endif

    #define is_value(object) (Py_TYPE(object) == value_type)
    static PyTypeObject *value_type = NULL;
    static PyTypeObject *tape_type = NULL;
    #define revive(object) Py_SET_REFCNT(object, 1)

    /* dead Values kept for reuse; none where the life of each is watched: by a sanitizer, or a debug build of Python */
    #if !defined(MOST_FREE) && (defined(Py_DEBUG) || defined(Py_TRACE_REFS))
      #define MOST_FREE 0
    #elif !defined(MOST_FREE)
      #define MOST_FREE 4096
    #endif
    static PyObject *free_values[MOST_FREE + 1];

    /* what is seldom done stays out of what is done for each operation, which then needs no stack frame */
    #if defined(__GNUC__)
      #define SELDOM static __attribute__((noinline))
    #else
      #define SELDOM static
    #endif
    SELDOM void free_thoroughly(PyObject *);
    SELDOM PyObject *infix_of_any(int, int, int, PyObject *, PyObject *);
    SELDOM PyObject *call_as_any(PyObject *, PyObject *const *, size_t, PyObject *);
    """
    PyObject *call_elsewhere "call_as_any"(PyObject *, PyObject *const *, size_t, PyObject *)
    PyObject *infix_elsewhere "infix_of_any"(int, int, int, PyObject *, PyObject *)
    int MOST_FREE
    uint64_t this_thread, its_id
    PyObject *its_state
    uint64_t current_id()
    PyObject *slot(void *, Py_ssize_t)
    PyObject **slot_at(void *, Py_ssize_t)
    Py_ssize_t offset_of(PyObject *)
    bint is_value(PyObject *)
    void in_large_pages(void *, size_t)
    PyObject *free_values[]
    PyTypeObject *value_type
    PyTypeObject *tape_type
    bint likely(bint)
    void fetch_ahead(void *)
    void revive(PyObject *)
    object stolen "(PyObject *)"(PyObject *)
    PyObject *Py_True
    PyObject *Py_False
    PyObject *Py_None

cdef extern from "Python.h":
    ctypedef void (*destructor)(PyObject *)
    ctypedef PyObject *(*vectorcallfunc)(PyObject *, PyObject *const *, size_t, PyObject *)
    ctypedef struct PyNumberMethods
    ctypedef struct PyTypeObjectInside "PyTypeObject":
        const char *tp_name
        destructor tp_dealloc
        vectorcallfunc tp_vectorcall
        PyObject *(*tp_call)(PyObject *, PyObject *, PyObject *)
        Py_hash_t (*tp_hash)(PyObject *)
        unsigned long tp_flags
        PyNumberMethods *tp_as_number
    ctypedef struct PyNumberMethods:
        void *nb_add
        void *nb_subtract
        void *nb_multiply
        void *nb_true_divide
        void *nb_remainder
    unsigned long Py_TPFLAGS_HAVE_GC, Py_TPFLAGS_IMMUTABLETYPE
    PyTypeObject PyType_Type
    PyTypeObject PyBaseObject_Type
    PyObject *PyType_GenericAlloc(PyTypeObject *, Py_ssize_t) except NULL
    void PyObject_Free(void *)
    void PyObject_ClearWeakRefs(PyObject *)
    ctypedef int (*setter)(PyObject *, PyObject *, void *)
    ctypedef struct PyGetSetDef:
        const char *name
        setter set
        const char *doc
        void *closure
    ctypedef struct PyGetSetDescrObject:
        PyGetSetDef *d_getset
    object PyDescr_NewGetSet(PyTypeObject *, PyGetSetDef *)
    bint PyFloat_CheckExact(PyObject *)
    double PyFloat_AS_DOUBLE(PyObject *)
    bint PyLong_CheckExact(PyObject *)
    double PyLong_AsDouble(PyObject *) except? -1.0
    Py_ssize_t PyVectorcall_NARGS(size_t)
    Py_ssize_t PyList_GET_SIZE(PyObject *)
    PyObject *PyList_GET_ITEM(PyObject *, Py_ssize_t)
    Py_ssize_t PySequence_Fast_GET_SIZE(PyObject *)
    PyObject *PySequence_Fast_GET_ITEM(PyObject *, Py_ssize_t)
    Py_ssize_t PyTuple_GET_SIZE(PyObject *)
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t)
    void incref "Py_INCREF"(PyObject *)
    void decref "Py_DECREF"(PyObject *)
    PyTypeObject *Py_TYPE(PyObject *)

cdef Py_ssize_t RECORDING = offset_of(<PyObject *>State.recording)
cdef Py_ssize_t DEBUG = offset_of(<PyObject *>State.debug)
cdef Py_ssize_t PLAIN = offset_of(<PyObject *>State.plain)
cdef Py_ssize_t SCOPE = offset_of(<PyObject *>State.scope)
cdef Py_ssize_t RECORDER = offset_of(<PyObject *>State.recorder)
cdef Py_ssize_t QUIET = offset_of(<PyObject *>State.quiet)
cdef Py_ssize_t DATA_READ = offset_of(<PyObject *>State.data_read)
cdef Py_ssize_t TAPES = offset_of(<PyObject *>State.tapes)

cdef enum:
    FLOOR = 1024             # rows that a tape has room for at least
    BLOCK = 5                # rows per block of the pending marks, as a power of two: with more, small sweeps are slow
    AHEAD = 64               # rows by which a sweep fetches them before it comes to them

cdef Py_ssize_t MOST = 0x7FFFFFF0         # rows and operands that an int32_t can number
cdef uint32_t MOST_EPOCHS = 0xFFFFFFFF    # that a uint32_t can

cdef enum:                   # flags of a row
    HAS_GRAD = 1
    A_CONST = 2              # the first operand is a constant: see `constant`
    B_CONST = 4              # the second one
    ASIDE = 8                # the operands are in the pool: b of them, from a on
    EXTRA = 16               # there is more to tell of the row: see Extra
    TOUCHED = 32             # in a sweep: on the way, or an end of it; in the collection of rows: needed
    REACHED = 64             # in a sweep: by a number

cdef struct Row:
    int32_t a, b             # the rows of the operands; 0, the row below all others, for a constant or none
    double data
    double da, db            # local derivatives; with a constant operand, one of them is the constant
    PyObject *handle         # the live Value that stands for the row, or NULL
    uint16_t op              # 0 for an input
    uint16_t flags
    uint32_t epoch           # how often data had been set on this tape when it was recorded, or set itself

cdef struct Aside:           # one operand of a row that has many
    double derivative
    double constant
    int32_t row              # 0 for a constant
    int32_t reached          # whether there is a derivative

cdef struct Run:             # rows recorded in one scope
    int32_t start
    PyObject *scope          # borrowed: the paths of scopes are kept for good, see thread.py

cdef struct Store
cdef struct Thin:            # a Value, without the counting of references: what a Handle looks like
    PyObject head
    Store *store
    Row *at                  # its row, where the tape has it for now
    int32_t row              # and the number of that, which to derive would take a division
    PyObject *weak           # its weak references

cdef struct Store:
    PyObject *tape           # whose memory it is; borrowed
    PyObject *state          # of the thread that owns it; borrowed from the tape
    PyObject **plain         # in that state: the scope to record in, or None where that is not done in the plain way
    uint64_t owner           # the number of that thread
    PyObject *scope          # the scope of the latest rows
    Run *runs                # the latest last; where rows were popped, it may begin where no row is yet
    int32_t runs_n, runs_capacity
    Row *rows
    double *grads            # one for each row
    int32_t live             # Values; as long as there are any, they hold one reference to the tape
    int32_t n                # rows; the row 0 is none: it stands below all others and is never dead
    int32_t limit            # when there are as many, room has to be made
    int32_t capacity
    uint32_t epoch
    int32_t recording        # how many rules are being applied just now
    Aside *pool
    Py_ssize_t pool_n, pool_capacity
    int32_t scratch_capacity
    double *adjoints         # of the sweep that is under way
    int32_t *touched         # the rows that it touched, in this order
    unsigned char *pending   # for each block of rows, whether the sweep has any to visit in it

assert sizeof(Row) == 48


cdef class Extra:
    """What few rows have: a label, a source line, a rule that is not in the table, the constants' Values of _prev.

    The garbage collector does not see into Values, which would cost more than an operation does. So a gate that closes
    over a Value of the very tape that it was recorded on keeps the tape until its row is forgotten, which may be never.
    """

    cdef str label
    cdef object line, rule
    cdef dict constants

    def __cinit__(self):
        self.label = ""


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


# ── the room for rows: popped from the top, moved together when the tape is full ────────────────────────────────────


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


# ── recording ───────────────────────────────────────────────────────────────────────────────────────────────────────

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


# ── the operations typed out, and how they are recorded ─────────────────────────────────────────────────────────────

include "operations.pxi"


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


# ── sweeping ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
