# The operations of `rules.py` that are worth it, typed out in C. A part of native.pyx, which includes it: so each of them
# is inlined where it is recorded.
#
# They are in the words of the table, and in the same order of arithmetic. Each gives False where it is not sure of
# Python's very bits, or where Python might raise: there the rule itself decides.

cdef enum:
    ADD = 1
    SUB, MUL, DIV, POW, POW_CONST, CONST_POW
    NEG, POS, ABS, SQRT, CBRT, EXP, EXP2, EXPM1, LOG, LOG1P, LOG2, LOG10
    SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH, ASINH, ACOSH, ATANH, ERF, ERFC
    RELU, SIGMOID, SOFTPLUS, GELU
    MOD, FMA, HYPOT, ATAN2, LEAKY_RELU, MAXIMUM, MINIMUM, WHERE, SUM, PROD, DOT, LOGSUMEXP
    TYPED                    # how many; the other rules of the table have numbers from here on
    GATE = 0xFFFF            # a rule that is not in the table

_TYPED = (
    *("", "add", "sub", "mul", "div", "pow", "pow_const", "const_pow"),
    *("neg", "pos", "abs", "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("erf", "erfc"),
    *("relu", "sigmoid", "softplus", "gelu"),
    *("mod", "fma", "hypot", "atan2"),
    *("leaky_relu", "maximum", "minimum", "where", "sum", "prod", "dot", "logsumexp"),
)
assert len(_TYPED) == TYPED

cdef list RULE_OF = [RULES.get(name) for name in (*_TYPED, *(name for name in RULES if name not in _TYPED))]
cdef dict CODES = {rule: code for code, rule in enumerate(RULE_OF) if code}

cdef double LN2 = formulas.LN2, LN10 = formulas.LN10, SQRT_HALF = formulas.SQRT_HALF
cdef double TWO_OVER_SQRT_PI = formulas.TWO_OVER_SQRT_PI, ONE_OVER_SQRT_TWO_PI = formulas.ONE_OVER_SQRT_TWO_PI


cdef object _hypot = FLOATS.hypot


cdef inline double hypot(double x, double y) except? -1.0:
    """Python's own, which C's does not agree with; it runs no code of others."""
    return _hypot(x, y)


cdef inline bint power(double x, double y, double *out) noexcept:
    if y == 1.0:
        out[0] = x  # as pow has it too, only slower
    elif x == 0.0:
        out[0] = 0.0
        return y == 2.0
    elif x > 0.0 or y == floor(y):
        out[0] = pow(x, y)
        return isfinite(out[0]) and out[0] != 0.0
    else:
        return False
    return True


cdef inline bint binary(int op, double x, double y, double *out, double *dx, double *dy) noexcept:
    if op == ADD:
        out[0], dx[0], dy[0] = x + y, 1.0, 1.0
    elif op == SUB:
        out[0], dx[0], dy[0] = x - y, 1.0, -1.0
    elif op == MUL:
        out[0], dx[0], dy[0] = x * y, y, x
    elif op == DIV:
        if y == 0.0:
            return False
        out[0] = x / y
        dx[0], dy[0] = 1 / y, -out[0] / y
    elif op == POW:
        if not (x > 0.0 and isfinite(x) and isfinite(y) and power(x, y, out) and power(x, y - 1, dx)):
            return False
        dx[0], dy[0] = y * dx[0], out[0] * log(x)
    elif op == POW_CONST:
        if not (isfinite(x) and isfinite(y) and y != 0.0 and power(x, y, out) and power(x, y - 1, dx)):
            return False
        dx[0] = y * dx[0]
    else:  # CONST_POW
        if not (x > 0.0 and isfinite(x) and isfinite(y) and power(x, y, out)):
            return False
        dy[0] = out[0] * log(x)
    return True


cdef inline double sigmoid(double x) noexcept:
    cdef double small = exp(-fabs(x))
    return (1.0 if x >= 0 else small) / (1 + small)


cdef int unary(int op, double x, double *value, double *slope) except -1:
    cdef double out, d
    if op == NEG:
        out = -x
        d = -1.0
    elif op == POS:
        out = x
        d = 1.0
    elif op == ABS:
        out = fabs(x)
        d = -1.0 if x < 0 else 1.0 if x > 0 else 0.0
    elif op == SQRT:
        out = sqrt(x)
        d = 0.5 / out
    elif op == CBRT:
        out = cbrt(x)
        d = 1 / (3 * out * out)
    elif op == EXP:
        out = d = exp(x)
    elif op == EXP2:
        out = exp2(x)
        d = out * LN2
    elif op == EXPM1:
        out = expm1(x)
        d = exp(x)
    elif op == LOG:
        out = log(x)
        d = 1 / x
    elif op == LOG1P:
        out = log1p(x)
        d = 1 / (1 + x)
    elif op == LOG2:
        out = log2(x)
        d = 1 / (x * LN2)
    elif op == LOG10:
        out = log10(x)
        d = 1 / (x * LN10)
    elif op == SIN:
        out = sin(x)
        d = cos(x)
    elif op == COS:
        out = cos(x)
        d = -sin(x)
    elif op == TAN:
        out = tan(x)
        d = 1 + out * out
    elif op == ASIN:
        out = asin(x)
        d = 1 / sqrt((1 - x) * (1 + x))
    elif op == ACOS:
        out = acos(x)
        d = -1 / sqrt((1 - x) * (1 + x))
    elif op == ATAN:
        out = atan(x)
        d = 1 / (1 + x * x)
    elif op == SINH:
        out = sinh(x)
        d = cosh(x)
    elif op == COSH:
        out = cosh(x)
        d = sinh(x)
    elif op == TANH:
        out = tanh(x)
        d = 1 - out * out
    elif op == ASINH:
        out = asinh(x)
        d = 1 / hypot(1.0, x)
    elif op == ACOSH:
        out = acosh(x)
        d = 1 / (sqrt(x - 1) * sqrt(x + 1))
    elif op == ATANH:
        out = atanh(x)
        d = 1 / ((1 - x) * (1 + x))
    elif op == ERF:
        out = erf(x)
        d = TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == ERFC:
        out = erfc(x)
        d = -TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == RELU:
        out = 0.0 if x <= 0 else x
        d = 0.0 if x <= 0 else 1.0
    elif op == SIGMOID:
        out = sigmoid(x)
        d = out * sigmoid(-x)
    elif op == SOFTPLUS:
        out = (0.0 if x <= 0 else x) + log1p(exp(-fabs(x)))
        d = sigmoid(x)
    elif op == GELU:
        out = 0.5 * x * erfc(-SQRT_HALF * x)
        d = 0.5 * erfc(-SQRT_HALF * x) + ONE_OVER_SQRT_TWO_PI * x * exp(-0.5 * x * x)
    else:
        return False
    value[0], slope[0] = out, d
    return isfinite(x) and isfinite(out) and isfinite(d)


cdef void choose(Aside *items, bint first, double *out) noexcept:
    """Hand on one of two operands; the other is not reached."""
    items[0].derivative, items[0].reached = 1.0 if first else 0.0, first
    items[1].derivative, items[1].reached = 0.0 if first else 1.0, not first
    out[0] = items[0].constant if first else items[1].constant


cdef bint modulo(double x, double y, double *rest, double *whole) noexcept:
    """x % y and x // y in the steps that Python takes."""
    if y == 0.0:
        return False
    cdef double r = fmod(x, y), q = (x - r) / y
    if r == 0.0:
        r = copysign(0.0, y)
    elif (y < 0.0) != (r < 0.0):
        r += y
        q -= 1.0
    rest[0], whole[0] = r, floor(q) if q != 0.0 else copysign(0.0, x / y)
    if q - whole[0] > 0.5:
        whole[0] += 1.0
    return isfinite(x) and isfinite(y) and isfinite(whole[0])


cdef int of_many(int op, Aside *items, Py_ssize_t n, double *value) except -1:
    """The rules of more operands; the numbers of all of them are where the constants will be."""
    cdef Py_ssize_t i, half = n // 2
    cdef double out, x, y, top
    if op == MOD:
        if not modulo(items[0].constant, items[1].constant, &out, &x):
            return False
        items[0].derivative, items[1].derivative = 1.0, -x
    elif op == FMA:
        x, y = items[0].constant, items[1].constant
        out = fma(x, y, items[2].constant)
        if not isfinite(out):
            return False
        items[0].derivative, items[1].derivative, items[2].derivative = y, x, 1.0
    elif op == HYPOT:
        x, y = items[0].constant, items[1].constant
        out = hypot(x, y)
        if not isfinite(out) or out == 0.0:
            return False
        items[0].derivative, items[1].derivative = x / out, y / out
    elif op == ATAN2:
        y, x = items[0].constant, items[1].constant
        out, top = atan2(y, x), hypot(x, y)
        if not isfinite(top) or top == 0.0:
            return False
        items[0].derivative, items[1].derivative = x / top / top, -y / top / top
    elif op == SUM:
        out = 0.0
        for i in range(n):
            out += items[i].constant
            items[i].derivative = 1.0
    elif op == DOT:
        if n % 2:
            return False
        out = 0.0
        for i in range(half):
            out += items[i].constant * items[half + i].constant
            items[i].derivative, items[half + i].derivative = items[half + i].constant, items[i].constant
    elif op == PROD:
        out = 1.0
        for i in range(n):
            items[i].derivative = out
            out = out * items[i].constant
        x = 1.0
        for i in range(n - 1, -1, -1):
            items[i].derivative = items[i].derivative * x
            x = x * items[i].constant
    elif op == LOGSUMEXP:
        top = items[0].constant
        for i in range(1, n):
            x = items[i].constant
            top = top if top >= x or top != top else x
        if not isfinite(top):
            return False
        out = 0.0
        for i in range(n):
            out += exp(items[i].constant - top)
        value[0] = top + log(out)
        for i in range(n):
            items[i].derivative = exp(items[i].constant - top) / out
        return isfinite(value[0])
    elif op == MAXIMUM:
        x = items[0].constant
        choose(items, x >= items[1].constant or x != x, &out)
    elif op == MINIMUM:
        x = items[0].constant
        choose(items, x <= items[1].constant or x != x, &out)
    elif op == WHERE:
        items[0].derivative, items[0].reached = 0.0, False
        choose(items + 1, items[0].constant != 0.0, &out)
    elif op == LEAKY_RELU:
        x = items[0].constant
        out = x if x > 0 else items[1].constant * x
        items[0].derivative = 1.0 if x > 0 else items[1].constant
        items[1].derivative = 0.0 if x > 0 else x
    else:
        return False
    value[0] = out
    return True
