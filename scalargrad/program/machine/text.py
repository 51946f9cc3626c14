"""Instructions as the text of an LLVM module: functions of a thousand instructions each, and a loop that calls them.

One single function would take quadratic time to compile. What one function computes and a later one uses goes through
a workspace, whose places are used again when what they hold is dead. There everything comes `width` lanes together: of
points and outputs, squares of so many numbers and lanes are transposed by the functions that need them.

A function is told from where on it reads points and writes outputs. So where instructions come again and again, as those
of a loop in Python do, parts that are a whole number of turns long are the same, and are one function: that is compiled
once, and stays in the processor's cache.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from scalargrad.program.machine.order import needed, period, with_late_sums
from scalargrad.program.machine.squares import DECLARATION, LINE, PAST, gather, row_length, scatter
from scalargrad.program.machine.symbols import LEAVES, TRUTHS, Instructions
from scalargrad.program.machine.words import Words

__all__ = ["Assembly", "assemble"]

#: How many instructions make a function, at most.
_LENGTH = 1000

#: What each function gets: of one group of lanes the points and outputs, row by row, and where it failed and strayed.
_POINTERS = ("points", "shared", "outputs", "failed", "strayed", "workspace", "functions")
_NOALIAS = {p: "noalias readonly" if p in ("points", "shared", "functions") else "noalias" for p in _POINTERS}
_PARAMETERS = ", ".join(f"ptr {_NOALIAS[p]} %{p}" for p in _POINTERS) + PAST
_PLAIN = {p: f"%{p}" for p in _POINTERS}

#: Everything for a run in one block of memory, pointers and then numbers: a call with one argument is quick.
_ENTRY = """
define void @run(ptr %call) #0 {{
{loads}  call void @all({arguments}, i64 %count)
  ret void
}}
"""

#: Where C's functions are, code that may be kept on disk does not know: LLVM is not to make one of many stores.
_HEAD = 'attributes #0 = {{ nounwind "no-builtins" "no-stack-arg-probe"{more} }}\n'

#: Of many points a group of lanes fills the widest registers. At one point LLVM knows how wide a processor is at its best:
#: where it is not the widest, scalar additions, as those of a long sum, wait for the wide ones.
_WIDEST = ' "prefer-vector-width"="512"'

#: All parts, for one group of lanes after the other; the last one begins among the lanes of the one before, to be whole.
_GROUPS = """
define internal void @all({parameters}, i64 %count) noinline #0 {{
entry:
  %last = sub i64 %count, {width}
  br label %group
group:
  %lane = phi i64 [ 0, %entry ], [ %next, %group ]
  %whole = icmp slt i64 %lane, %last
  %at = select i1 %whole, i64 %lane, i64 %last
  %p = mul i64 %at, {inputs}
  %points_g = getelementptr double, ptr %points, i64 %p
  %o = mul i64 %at, {length}
  %outputs_g = getelementptr double, ptr %outputs, i64 %o
  %failed_g = getelementptr i8, ptr %failed, i64 %at
  %strayed_g = getelementptr i8, ptr %strayed, i64 %at
{calls}  %next = add i64 %lane, {width}
  %more = icmp slt i64 %next, %count
  br i1 %more, label %group, label %end
end:
  fence seq_cst ; what went past the cache is there for other threads
  ret void
}}
"""
_OF_GROUP = _PLAIN | {p: f"%{p}_g" for p in ("points", "outputs", "failed", "strayed")}


@dataclass(frozen=True)
class Assembly:
    """The text of a module whose function `run` wants a workspace of so many doubles, and whether it calls others."""

    text: str
    workspace: int
    calls: bool


def assemble(
    into: Instructions, inputs: int, outputs: Sequence[int], failed: int | None, strayed: int | None, words: Words
) -> Assembly:
    """The module that computes these outputs, and whether it failed and strayed: each the number of an instruction."""
    parts, width = _Parts(into, inputs, outputs, failed, strayed, words), words.width
    calls = "".join(parts.calls_on(_PLAIN if width == 1 else _OF_GROUP))
    text = [_HEAD.format(more=_WIDEST if width > 1 else ""), *parts.text, _entry(), *words.functions()]
    if width == 1:
        text += [f"define internal void @all({_PARAMETERS}, i64 %count) noinline #0 {{\n{calls}  ret void\n}}\n"]
    else:
        length = row_length(len(outputs), width)
        sizes = {"inputs": inputs, "length": length, "width": width}
        text += [_GROUPS.format(parameters=_PARAMETERS, calls=calls, **sizes), DECLARATION]
        for move, count in ((gather, inputs), (scatter, length)):
            text += [
                *move(move.__name__, width, count, width),
                *move(f"{move.__name__}_rest", width, count, count % width),
            ]
    return Assembly("".join(text), (parts.slots.count + parts.squares.count * width) * width, parts.call_others)


def _entry() -> str:
    told = [*[(p, "ptr") for p in _POINTERS], ("past", "i64"), ("count", "i64")]
    loads = [
        f"  %at_{name} = getelementptr i64, ptr %call, i64 {k}\n  %{name} = load {kind}, ptr %at_{name}, align 8\n"
        for k, (name, kind) in enumerate(told)
    ]
    return _ENTRY.format(loads="".join(loads), arguments=_arguments(_PLAIN))


def _arguments(names: Mapping[str, str]) -> str:
    return ", ".join(f"ptr {names[p]}" for p in _POINTERS) + PAST


class _Pool:
    """Places that are used again; `count` of them."""

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []

    def take(self) -> int:
        if self._free:
            return heappop(self._free)
        self.count += 1
        return self.count - 1

    def give(self, place: int) -> None:
        heappush(self._free, place)


class _Parts:
    """The parts, the places in the workspace that they share, and whether they call other functions than each other.

    text     of the functions that do it
    parts    of each, which function does it, and from which columns of the points and outputs on
    slots    places for what is computed in one part and used in another
    squares  places for `width` inputs or outputs that come one after the other, if there are lanes to be transposed
    """

    def __init__(
        self,
        into: Instructions,
        inputs: int,
        outputs: Sequence[int],
        failed: int | None,
        strayed: int | None,
        words: Words,
    ) -> None:
        self.list, self.words, self.into = into.list, words, into
        self.slots, self.squares = _Pool(), _Pool()
        self.slot_of: dict[int, int] = {}  # of what is alive
        self.square_of: dict[tuple[str, int], int] = {}  # by whether it is of points or outputs, and which of those
        row = row_length(len(outputs), words.width)
        self._whole = {"points": inputs // words.width, "outputs": row // words.width}  # squares; what is left is none
        self._begin: dict[str, int] = {}  # the columns at which points and outputs begin for the part at hand
        stores: dict[int, list[int | str]] = {}  # the columns that a result is to be written to, or the flag
        for column, number in enumerate(outputs):
            stores.setdefault(number, []).append(column)
        for name, truth in (("failed", failed), ("strayed", strayed)):
            if truth is not None:
                stores.setdefault(truth, []).append(name)
        order = needed(into, stores)
        self.call_others = not {self.list[number][0] for number in order} <= {*words.templates, *LEAVES}
        length = _whole_turns(into, order)
        if words.width == 1 and not self.call_others:
            order = with_late_sums(into, order, stores, length)
        part_of = {number: k // length for k, number in enumerate(order)}
        last = dict(part_of)  # the last part that uses it, which of a leaf may be the one that stores it
        for number in order:
            for operand in into.operands(number):
                last[operand] = max(part_of[number], last.get(operand, 0))
        ends: dict[tuple[str, int], int] = {}  # the same of squares
        if words.width > 1:
            places = [(("points", self.list[x][1]), part) for x, part in last.items() if self.list[x][0] == "input"]
            places += [(("outputs", column), last[number]) for column, number in enumerate(outputs)]
            for (array, column), part in places:
                square = array, column // words.width
                ends[square] = max(part, ends.get(square, 0))
        # A part is all in its text, but for where the points and outputs begin for it: so those of one text do the same.
        functions: dict[str, int] = {}  # by their text
        self.parts: list[tuple[int, int, int]] = []
        for part, at in enumerate(range(0, len(order), length)):
            body = self._body(part, order[at : at + length], stores, last, ends)
            which = functions.setdefault(body, len(functions))
            self.parts.append((which, self._begin["points"], self._begin["outputs"]))
        self.text = [
            f"define internal void @part{k}({_PARAMETERS}) noinline #0 {{\n"
            f"  %squares = getelementptr i8, ptr %workspace, i64 {words.size * self.slots.count}\n{body}  ret void\n}}\n"
            for body, k in functions.items()
        ]

    def calls_on(self, names: Mapping[str, str]) -> Iterator[str]:
        """Each part, on what is called so."""
        for k, (which, *begins) in enumerate(self.parts):
            own = {array: f"%{array}_{k}" for array in ("points", "outputs")}
            for array, begin in zip(own, begins, strict=True):
                yield f"  {own[array]} = getelementptr double, ptr {names[array]}, i64 {begin}\n"
            yield f"  call void @part{which}({_arguments({**names, **own})})\n"

    def _body(
        self,
        part: int,
        numbers: list[int],
        stores: dict[int, list[int | str]],
        last: dict[int, int],
        ends: dict[tuple[str, int], int],
    ) -> str:
        function = _Function(self.into, self.words, self.slot_of, self._address)
        read = [self.list[x] for number in numbers for x in (number, *self.into.operands(number))]
        self._begin = {
            "points": self._first([what[1] for what in read if what[0] == "input"]),
            "outputs": self._first([x for number in numbers for x in stores.get(number, ()) if isinstance(x, int)]),
        }
        gathered: list[str] = []
        for number in numbers:
            for leaf in (number, *self.into.operands(number)):
                if self.list[leaf][0] == "input":
                    gathered += self._have("points", self.list[leaf][1])
            if self.list[number][0] not in LEAVES:
                function.compute(number)
                if last[number] > part:
                    self.slot_of[number] = self.slots.take()
                    function.keep(number)
            for where in stores.get(number, ()):
                if isinstance(where, int):
                    self._have("outputs", where)
                function.store(number, self._address("outputs", where) if isinstance(where, int) else f"{where}, i64 0")
        for number in [n for n in self.slot_of if last[n] <= part]:
            self.slots.give(self.slot_of.pop(number))
        scattered: list[str] = []
        for square in [s for s in self.square_of if ends[s] <= part]:
            if square[0] == "outputs":
                scattered += self._move("scatter", *square)
            self.squares.give(self.square_of.pop(square))
        return "".join([*gathered, *function.lines, *scattered])

    def _first(self, columns: list[int]) -> int:
        return min(columns, default=0) // self.words.width * self.words.width

    def _have(self, array: str, column: int) -> list[str]:
        """Have a square for the column; what brings it in, if it is one of the points."""
        square = array, column // self.words.width
        if self.words.width == 1 or square in self.square_of:
            return []
        self.square_of[square] = self.squares.take()
        return self._move("gather", *square) if array == "points" else []

    def _move(self, function: str, array: str, square: int) -> list[str]:
        width, place = self.words.width, self.square_of[array, square]
        first = square * width - self._begin[array]  # less than 0 for one that an earlier part began
        rest = "_rest" * (square == self._whole[array])
        rows, block = f"%{array}_{first}", f"%square_{array}_{first}"
        past = PAST * (array == "outputs")
        return [
            f"  {rows} = getelementptr double, ptr %{array}, i64 {first}\n",
            f"  {block} = getelementptr double, ptr %squares, i64 {place * width * width}\n",
            f"  call void @{function}{rest}(ptr {rows}, ptr {block}{past})\n",
        ]

    def _address(self, array: str, column: int) -> str:
        """Where a number of a point is, or of the outputs is to be."""
        width, size = self.words.width, self.words.size
        if width == 1:
            return f"{array}, i64 {size * (column - self._begin[array])}"
        place = self.square_of[array, column // width]
        return f"squares, i64 {size * (place * width + column % width)}"


def _whole_turns(into: Instructions, order: list[int]) -> int:
    """How many instructions make a function: whole turns of what comes again and again.

    Eight of them or sixteen and so on, if they can be, after which inputs and outputs are at whole squares again.
    """
    turn = period(into, order, _LENGTH)
    unit = turn if turn * LINE > _LENGTH else turn * LINE
    return _LENGTH // unit * unit


class _Function:
    """The lines of a function of straight-line instructions; what it needs from before, it loads where it first does.

    In it everything has a number of its own, so that parts that do the same read the same.
    """

    def __init__(
        self, into: Instructions, words: Words, slot_of: Mapping[int, int], address: Callable[[str, int], str]
    ) -> None:
        self.list, self.constants, self.words, self.slot_of = into.list, into.constants, words, slot_of
        self.address = address
        self.numbers: dict[int, int] = {}
        self.names: dict[int, str] = {}
        self.lines: list[str] = []

    def number(self, number: int) -> int:
        return self.numbers.setdefault(number, len(self.numbers))

    def name(self, number: int) -> str:
        """What a number is called here."""
        found = self.names.get(number)
        if found is None:
            found = self.names[number] = self._loaded(number)
        return found

    def compute(self, number: int) -> None:
        operation, *operands = self.list[number]
        if operation == "pow" and self.words.width > 1 and self.constants.get(operands[1]) == 2.0:
            operation, operands = "fmul", [operands[0]] * 2  # nearer to the truth than a power, if not its bits
        names, here = [self.name(x) for x in operands], self.number(number)
        self.lines.append(self.words.call(here, operation, names))
        self.names[number] = f"%v{here}"

    def keep(self, number: int) -> None:
        """Put it into its slot."""
        words, here = self.words, self.number(number)
        self.lines.append(f"  %k{here} = getelementptr i8, ptr %workspace, i64 {words.size * self.slot_of[number]}\n")
        if self.list[number][0] in TRUTHS:
            self.lines.append(f"  %w{here} = sext {words.truth} %v{here} to {words.word}\n")
            self.lines.append(f"  store {words.word} %w{here}, ptr %k{here}, align {words.size}\n")
        else:
            self.lines.append(f"  store {words.number} %v{here}, ptr %k{here}, align {words.size}\n")

    def store(self, number: int, pointer: str) -> None:
        """Write an output, or a truth as a byte."""
        words, name, at = self.words, self.name(number), len(self.lines)
        self.lines.append(f"  %o{at} = getelementptr i8, ptr %{pointer}\n")
        if self.list[number][0] in TRUTHS:
            self.lines.append(f"  %b{at} = zext {words.truth} {name} to {words.byte}\n")
            self.lines.append(f"  store {words.byte} %b{at}, ptr %o{at}, align 1\n")
        else:
            self.lines.append(f"  store {words.number} {name}, ptr %o{at}, align {words.size}\n")

    def _loaded(self, number: int) -> str:
        words, write, here = self.words, self.lines.append, self.number(number)
        operation, *what = self.list[number]
        if operation == "constant":
            return words.constant(what[0])
        if operation == "shared":
            write(f"  %p{here} = getelementptr double, ptr %shared, i64 {what[0]}\n")
            write(f"  %s{here} = load double, ptr %p{here}, align 8\n")
            if words.width == 1:
                return f"%s{here}"
            kind, zeros = words.number, f"<{words.width} x i32> zeroinitializer"
            write(f"  %i{here} = insertelement {kind} poison, double %s{here}, i64 0\n")
            write(f"  %v{here} = shufflevector {kind} %i{here}, {kind} poison, {zeros}\n")
            return f"%v{here}"
        place = (
            f"%{self.address('points', what[0])}"
            if operation == "input"
            else f"%workspace, i64 {words.size * self.slot_of[number]}"
        )
        write(f"  %p{here} = getelementptr i8, ptr {place}\n")
        if operation in TRUTHS:
            write(f"  %w{here} = load {words.word}, ptr %p{here}, align {words.size}\n")
            write(f"  %v{here} = icmp slt {words.word} %w{here}, {words.all('i64', '0')}\n")
        else:
            write(f"  %v{here} = load {words.number}, ptr %p{here}, align {words.size}\n")
        return f"%v{here}"
