# The memory of a tape: what a row is, and what of Python is read where it lies. A part of native.pyx.

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
