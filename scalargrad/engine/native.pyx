# cython: language_level=3, boundscheck=False, initializedcheck=False, cdivision=True
# cython: c_api_binop_methods=True, auto_pickle=False, embedsignature=False
"""The native engine: what `python.py` does, compiled. Read that one first; the sections here answer it one to one.

A row is a struct of 48 bytes in memory that the tape owns, and a Value is a thin handle on it: the tape and the number
of the row. Whoever drops a Value only clears the row's handle (and ends weak references to it; the row may live on). A
row that no live Value needs is popped when it is on top, and left out when the tape, full, moves its rows together.

The operations that are worth it are typed out in C, in the words of `rules.py` and in the same order of arithmetic, so
that they give the same bits. Everything else goes through the rule itself: the operations not typed, and each typed one
where its result is not finite, so that exceptions, their messages and the edges of the domains are the rules' own.

Its parts, to be read in this order, are included below, so that all is one unit of C, in which an operation is one
function: memory, tape, room, recording; operations, which are typed out, and typed, which records them; sweeping; infix,
value. What is left here is how Python calls and names what they define.
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
include "tape.pxi"
include "room.pxi"
include "recording.pxi"
include "operations.pxi"
include "typed.pxi"
include "sweeping.pxi"
include "infix.pxi"
include "value.pxi"

# ── how Values are made ───────────────────────────────────────────────────────────────────────────────────────────────


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
