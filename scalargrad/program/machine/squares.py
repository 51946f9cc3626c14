"""Squares: numbers of so many lanes that lie apart in points or outputs, a row for each lane, and together in machine code.

Rows are read and written from left to right, all of a group's at once. What comes soon is asked for ahead: the memory of
many rows is far away, and the processor does not see by itself that outputs are about to be written. More outputs than
its cache holds are written past the cache, which then need not read them first; that takes whole lines of the cache.
"""

from collections.abc import Iterator

__all__ = ["DECLARATION", "LINE", "PAST", "gather", "row_length", "scatter"]

#: So many numbers ahead. Measured: half as many come too late, twice as many are in each other's way.
_AHEAD = 80

#: The numbers in a line of the cache.
LINE = 8

#: So many outputs or more get whole lines, for then that is an eighth more memory at most.
_MANY = 57

#: The parameter that says whether outputs go past the cache.
PAST = ", i64 %past"

#: What the functions use.
DECLARATION = "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)\n!0 = !{i32 1}\n"


def row_length(outputs: int, width: int) -> int:
    """How many numbers a row of so many outputs takes, if a row begins with a line wherever that pays."""
    return -(-outputs // LINE) * LINE if outputs >= _MANY and width == LINE else outputs


def gather(name: str, width: int, apart: int, columns: int) -> Iterator[str]:
    """A function that brings some columns of `width` rows, whose beginnings are `apart` numbers apart, into a square."""
    kind = f"<{width} x double>"
    yield from _head(name, "", width, apart, columns)
    yield from _asked(width, apart, "i32 0")
    if columns == width:
        for k in range(width):
            yield f"  %x{width}_{k} = load {kind}, ptr %r{k}, align 8\n"
        yield from _turned(width)
        for k in range(width):
            yield f"  store {kind} %x1_{k}, ptr %b{k}, align {8 * width}\n"
    else:
        for j in range(columns):
            made = "poison"
            for lane in range(width):
                yield f"  %p{j}_{lane} = getelementptr double, ptr %r{lane}, i64 {j}\n"
                yield f"  %y{j}_{lane} = load double, ptr %p{j}_{lane}, align 8\n"
                yield f"  %z{j}_{lane} = insertelement {kind} {made}, double %y{j}_{lane}, i64 {lane}\n"
                made = f"%z{j}_{lane}"
            yield f"  store {kind} {made}, ptr %b{j}, align {8 * width}\n"
    yield "  ret void\n}\n"


def scatter(name: str, width: int, apart: int, columns: int) -> Iterator[str]:
    """A function that takes them from a square to the rows; past the cache, if told so and rows begin with a line."""
    kind, streams = f"<{width} x double>", width == LINE and apart % LINE == 0
    yield from _head(name, PAST, width, apart, columns)
    for k in range(columns):
        yield f"  %x{width}_{k} = load {kind}, ptr %b{k}, align {8 * width}\n"
    if columns < width:
        yield from _asked(width, apart, "i32 1")
        for j in range(columns):
            for lane in range(width):
                yield f"  %p{j}_{lane} = getelementptr double, ptr %r{lane}, i64 {j}\n"
                yield f"  %y{j}_{lane} = extractelement {kind} %x{width}_{j}, i64 {lane}\n"
                yield f"  store double %y{j}_{lane}, ptr %p{j}_{lane}, align 8\n"
        yield "  ret void\n}\n"
        return
    yield from _turned(width)
    if streams:
        yield "  %streams = icmp ne i64 %past, 0\n  br i1 %streams, label %memory, label %cache\nmemory:\n"
        for k in range(width):
            yield f"  store {kind} %x1_{k}, ptr %r{k}, align {8 * LINE}, !nontemporal !0\n"
        yield "  ret void\ncache:\n"
    yield from _asked(width, apart, "i32 1")
    for k in range(width):
        yield f"  store {kind} %x1_{k}, ptr %r{k}, align 8\n"
    yield "  ret void\n}\n"


def _head(name: str, more: str, width: int, apart: int, columns: int) -> Iterator[str]:
    yield f"define internal void @{name}(ptr noalias %rows, ptr noalias %square{more}) noinline #0 {{\n"
    for k in range(width):
        yield f"  %r{k} = getelementptr double, ptr %rows, i64 {k * apart}\n"
    for k in range(columns):
        yield f"  %b{k} = getelementptr double, ptr %square, i64 {k * width}\n"


def _asked(width: int, apart: int, to_write: str) -> Iterator[str]:
    """What asks for the memory ahead."""
    for k in range(width):
        yield f"  %a{k} = getelementptr double, ptr %rows, i64 {k * apart + _AHEAD}\n"
        yield f"  call void @llvm.prefetch.p0(ptr %a{k}, {to_write}, i32 3, i32 1)\n"


def _turned(width: int) -> Iterator[str]:
    """The square %x{width}_0 … on its side, as %x1_0 …: halves of it change places, then halves of those."""
    kind, half = f"<{width} x double>", width // 2
    while half:
        low = ", ".join(f"i32 {j if not j & half else width + j - half}" for j in range(width))
        high = ", ".join(f"i32 {j + half if not j & half else width + j}" for j in range(width))
        for k in range(width):
            if not k & half:
                pair = f"{kind} %x{2 * half}_{k}, {kind} %x{2 * half}_{k + half}"
                yield f"  %x{half}_{k} = shufflevector {pair}, <{width} x i32> <{low}>\n"
                yield f"  %x{half}_{k + half} = shufflevector {pair}, <{width} x i32> <{high}>\n"
        half //= 2
