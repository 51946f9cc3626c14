"""Instructions as the text of an LLVM module: functions of a thousand instructions each, and a loop that calls them.

One single function would take quadratic time to compile. What one function computes and a later one uses goes through
a workspace, whose slots are used again when what they hold is dead. In memory everything comes `width` lanes together:
the points are transposed into blocks on the way in, the outputs on the way out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from scalargrad.program.backends.llvm_symbols import LEAVES, TRUTHS, Instructions
from scalargrad.program.backends.llvm_words import Words

__all__ = ["Assembly", "assemble"]

#: How many instructions make a function.
_LENGTH = 1000

#: How many groups of lanes a part is run for before the next: code is read less often, but the blocks need more memory.
_TOGETHER = 8

#: In bytes, what the blocks of all of them may take, to stay in the cache of a processor.
_NEAR = 1 << 18

#: What each function gets: of one group of lanes the points and outputs, row by row, and where it failed and strayed.
_POINTERS = ("points", "shared", "outputs", "failed", "strayed", "workspace", "functions")
_PARAMETERS = ", ".join(f"ptr noalias{' readonly' * (p in ('points', 'shared', 'functions'))} %{p}" for p in _POINTERS)
_ARGUMENTS = ", ".join(f"ptr %{p}" for p in _POINTERS)

#: Everything for a run in one block of memory, pointers and then the number of groups: a call with one argument is quick.
_ENTRY = """
define void @run(ptr %call) #0 {{
{loads}  %at_groups = getelementptr i64, ptr %call, i64 {last}
  %groups = load i64, ptr %at_groups, align 8
  call void @all({arguments}, i64 %groups)
  ret void
}}
"""

_HEAD = 'attributes #0 = { nounwind "no-stack-arg-probe" "prefer-vector-width"="512" }\n'

#: What is to be run from the group %g on: where its points and outputs are, and where it failed and strayed.
_FROM_G = """\
  %p = mul i64 %g, {points}
  %points_g = getelementptr double, ptr %points, i64 %p
  %o = mul i64 %g, {outputs}
  %outputs_g = getelementptr double, ptr %outputs, i64 %o
  %l = mul i64 %g, {width}
  %failed_g = getelementptr i8, ptr %failed, i64 %l
  %strayed_g = getelementptr i8, ptr %strayed, i64 %l
"""

#: Run one part for `count` groups.
_OVER = """
define internal void @over(ptr %part, i64 %count, {parameters}) noinline #0 {{
entry:
  br label %group
group:
  %g = phi i64 [ 0, %entry ], [ %next, %group ]
{from_g}  %w = mul i64 %g, {size}
  %workspace_g = getelementptr double, ptr %workspace, i64 %w
  call void %part(ptr %points_g, ptr %shared, ptr %outputs_g, ptr %failed_g, ptr %strayed_g, ptr %workspace_g, ptr %functions)
  %next = add i64 %g, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %group, label %end
end:
  ret void
}}
"""

#: Run all parts, for so many groups together as there are or as may be.
_RUN = """
define internal void @all({parameters}, i64 %groups) noinline #0 {{
entry:
  br label %block
block:
  %g = phi i64 [ 0, %entry ], [ %next, %block ]
  %left = sub i64 %groups, %g
  %few = icmp slt i64 %left, {together}
  %count = select i1 %few, i64 %left, i64 {together}
{from_g}{calls}  %next = add i64 %g, %count
  %more = icmp slt i64 %next, %groups
  br i1 %more, label %block, label %end
end:
  ret void
}}
"""
_CALL = (
    "  call void @over(ptr @{part}, i64 %count, ptr %points_g, ptr %shared, ptr %outputs_g, ptr %failed_g, "
    "ptr %strayed_g, ptr %workspace, ptr %functions)\n"
)


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
    parts = _Parts(into, inputs, outputs, failed, strayed, words)
    names = [f"part{i}" for i in range(len(parts.text))]
    text, width = [_HEAD, *parts.text], words.width
    if width == 1:
        calls = "".join(f"  call void @{part}({_ARGUMENTS})\n" for part in names)
        text += [f"define internal void @all({_PARAMETERS}, i64 %groups) noinline #0 {{\n{calls}  ret void\n}}\n"]
        return Assembly("".join([*text, _entry(), *words.functions()]), parts.slots, parts.calls)
    size = (inputs + len(outputs) + parts.slots) * width
    together = max(1, min(_TOGETHER, _NEAR // (8 * size + 1)))
    numbers = {"points": inputs * width, "outputs": len(outputs) * width, "width": width, "size": size}
    calls = "".join(_CALL.format(part=part) for part in ("gather", *names, "scatter"))
    text += [*_transposition("gather", inputs, width, 0), *_transposition("scatter", len(outputs), width, inputs)]
    from_g = _FROM_G.format(**numbers)
    text += [_OVER.format(parameters=_PARAMETERS, from_g=from_g, **numbers)]
    text += [_RUN.format(parameters=_PARAMETERS, from_g=from_g, calls=calls, together=together)]
    return Assembly("".join([*text, _entry(), *words.functions()]), size * together, parts.calls)


def _entry() -> str:
    loads = [
        f"  %at_{name} = getelementptr i64, ptr %call, i64 {k}\n  %{name} = load ptr, ptr %at_{name}, align 8\n"
        for k, name in enumerate(_POINTERS)
    ]
    return _ENTRY.format(loads="".join(loads), last=len(_POINTERS), arguments=_ARGUMENTS)


class _Parts:
    """The parts, how many slots of the workspace they share, and whether they call functions: `text`, `slots`, `calls`."""

    def __init__(
        self,
        into: Instructions,
        inputs: int,
        outputs: Sequence[int],
        failed: int | None,
        strayed: int | None,
        words: Words,
    ) -> None:
        self.list, self.words = into.list, words
        self.into = into
        self.inputs, self.outputs = inputs, len(outputs)
        self.text: list[str] = []
        self.slots = 0
        self.slot_of: dict[int, int] = {}  # of what is alive
        self._free: list[int] = []
        stores: dict[int, list[str]] = {}  # the pointers that a result is to be written to
        for k, number in enumerate(outputs):
            stores.setdefault(number, []).append(f"out, i64 {k * words.size}")
        for name, truth in (("failed", failed), ("strayed", strayed)):
            if truth is not None:
                stores.setdefault(truth, []).append(f"{name}, i64 0")
        order = self._order(stores)
        self.calls = not {self.list[number][0] for number in order} <= {*words.templates, *LEAVES}
        part_of = {number: k // _LENGTH for k, number in enumerate(order)}
        last = dict(part_of)  # the last part that uses it; parts come in order
        for number in order:
            for operand in into.operands(number):
                last[operand] = part_of[number]
        for part, start in enumerate(range(0, len(order), _LENGTH)):
            self._write(part, order[start : start + _LENGTH], stores, last)

    def _order(self, stores: Iterable[int]) -> list[int]:
        """The instructions that are needed, and then the leaves that are to be stored."""
        needed = bytearray(len(self.list))
        for number in stores:
            needed[number] = 1
        for number in range(len(self.list) - 1, -1, -1):
            if needed[number]:
                for operand in self.into.operands(number):
                    needed[operand] = 1
        work = [n for n, (operation, *_) in enumerate(self.list) if needed[n] and operation not in LEAVES]
        return work + [n for n in stores if self.list[n][0] in LEAVES]

    def _write(self, part: int, numbers: list[int], stores: dict[int, list[str]], last: dict[int, int]) -> None:
        function = _Function(self.into, self.words, self.slot_of)
        for number in numbers:
            if self.list[number][0] not in LEAVES:
                function.compute(number)
                if last[number] > part:
                    self.slot_of[number] = slot = heappop(self._free) if self._free else self.slots
                    self.slots = max(self.slots, slot + 1)
                    function.keep(number)
            for pointer in stores.get(number, ()):
                function.store(number, pointer)
        for number in [n for n in self.slot_of if last[n] <= part]:
            heappush(self._free, self.slot_of.pop(number))
        size, alone = self.words.size, self.words.width == 1
        blocks = [  # where the inputs are, the outputs are to be, and what parts before this one have kept
            f"  %in = getelementptr i8, ptr {'%points' if alone else '%workspace'}, i64 0\n",
            f"  %out = getelementptr i8, ptr {'%outputs' if alone else '%workspace'}, i64 {(not alone) * size * self.inputs}\n",
            f"  %kept = getelementptr i8, ptr %workspace, i64 {(not alone) * size * (self.inputs + self.outputs)}\n",
        ]
        head = f"define internal void @part{part}({_PARAMETERS}) noinline #0 {{\n"
        self.text.append("".join([head, *blocks, *function.lines, "  ret void\n}\n"]))


class _Function:
    """The lines of a function of straight-line instructions; what it needs from before, it loads where it first does."""

    def __init__(self, into: Instructions, words: Words, slot_of: Mapping[int, int]) -> None:
        self.list, self.constants, self.words, self.slot_of = into.list, into.constants, words, slot_of
        self.names: dict[int, str] = {}
        self.lines: list[str] = []

    def name(self, number: int) -> str:
        """What a number is called here."""
        found = self.names.get(number)
        if found is None:
            found = self.names[number] = self._loaded(number)
        return found

    def compute(self, number: int) -> None:
        operation, *operands = self.list[number]
        if operation == "pow" and self.words.width > 1 and self.constants.get(operands[1]) == 2.0:
            operation, operands = (
                "fmul",
                [operands[0], operands[0]],
            )  # nearer to the truth than a power, if not its bits
        self.lines.append(self.words.call(number, operation, [self.name(x) for x in operands]))
        self.names[number] = f"%v{number}"

    def keep(self, number: int) -> None:
        """Put it into its slot."""
        words = self.words
        self.lines.append(f"  %k{number} = getelementptr i8, ptr %kept, i64 {words.size * self.slot_of[number]}\n")
        if self.list[number][0] in TRUTHS:
            self.lines.append(f"  %w{number} = sext {words.truth} %v{number} to {words.word}\n")
            self.lines.append(f"  store {words.word} %w{number}, ptr %k{number}, align {words.size}\n")
        else:
            self.lines.append(f"  store {words.number} %v{number}, ptr %k{number}, align {words.size}\n")

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
        words, write = self.words, self.lines.append
        operation, *what = self.list[number]
        if operation == "constant":
            return words.constant(what[0])
        if operation == "shared":
            write(f"  %p{number} = getelementptr double, ptr %shared, i64 {what[0]}\n")
            write(f"  %s{number} = load double, ptr %p{number}, align 8\n")
            if words.width == 1:
                return f"%s{number}"
            kind, zeros = words.number, f"<{words.width} x i32> zeroinitializer"
            write(f"  %i{number} = insertelement {kind} poison, double %s{number}, i64 0\n")
            write(f"  %v{number} = shufflevector {kind} %i{number}, {kind} poison, {zeros}\n")
            return f"%v{number}"
        place = (
            f"%in, i64 {words.size * what[0]}"
            if operation == "input"
            else f"%kept, i64 {words.size * self.slot_of[number]}"
        )
        write(f"  %p{number} = getelementptr i8, ptr {place}\n")
        if operation in TRUTHS:
            write(f"  %w{number} = load {words.word}, ptr %p{number}, align {words.size}\n")
            write(f"  %v{number} = icmp slt {words.word} %w{number}, {words.all('i64', '0')}\n")
        else:
            write(f"  %v{number} = load {words.number}, ptr %p{number}, align {words.size}\n")
        return f"%v{number}"


# ── lanes that lie apart in the points and outputs, and together in the workspace ───────────────────────────────────


def _transposition(name: str, count: int, width: int, place: int) -> Iterator[str]:
    """Between rows of `count` numbers, one for each lane, and a block in the workspace that has all lanes of a number
    together: `gather` brings the points in, `scatter` the outputs out. Squares of width × width, then one by one.
    """
    kind, squares = f"<{width} x double>", count // width
    into = name == "gather"
    rows, block = ("%points" if into else "%outputs"), "%block"
    yield f"define internal void @{name}({_PARAMETERS}) noinline #0 {{\nentry:\n"
    yield f"  %block = getelementptr double, ptr %workspace, i64 {place * width}\n"
    if squares:
        yield "  br label %square\nsquare:\n  %j = phi i64 [ 0, %entry ], [ %next, %square ]\n"
        yield f"  %column = mul i64 %j, {width}\n  %row = mul i64 %j, {width * width}\n"
        yield f"  %at = getelementptr double, ptr {rows}, i64 %column\n"
        yield f"  %of = getelementptr double, ptr {block}, i64 %row\n"
        for k in range(width):
            yield f"  %r{k} = getelementptr double, ptr %at, i64 {k * count}\n"
            yield f"  %b{k} = getelementptr double, ptr %of, i64 {k * width}\n"
        source, source_align, target, target_align = ("r", 8, "b", 8 * width) if into else ("b", 8 * width, "r", 8)
        for k in range(width):
            yield f"  %x{width}_{k} = load {kind}, ptr %{source}{k}, align {source_align}\n"
        half = width // 2
        while half:
            low = ", ".join(f"i32 {j if not j & half else width + j - half}" for j in range(width))
            high = ", ".join(f"i32 {j + half if not j & half else width + j}" for j in range(width))
            for k in range(width):
                if not k & half:
                    pair = f"{kind} %x{2 * half}_{k}, {kind} %x{2 * half}_{k + half}"
                    yield f"  %x{half}_{k} = shufflevector {pair}, <{width} x i32> <{low}>\n"
                    yield f"  %x{half}_{k + half} = shufflevector {pair}, <{width} x i32> <{high}>\n"
            half //= 2
        for k in range(width):
            yield f"  store {kind} %x1_{k}, ptr %{target}{k}, align {target_align}\n"
        yield f"  %next = add i64 %j, 1\n  %more = icmp slt i64 %next, {squares}\n"
        yield "  br i1 %more, label %square, label %rest\n"
    else:
        yield "  br label %rest\n"
    yield "rest:\n"
    for j in range(squares * width, count):
        yield f"  %q{j} = getelementptr double, ptr {block}, i64 {j * width}\n"
        for lane in range(width):
            yield f"  %p{j}_{lane} = getelementptr double, ptr {rows}, i64 {lane * count + j}\n"
        if into:
            made = "poison"
            for lane in range(width):
                yield f"  %y{j}_{lane} = load double, ptr %p{j}_{lane}, align 8\n"
                yield f"  %z{j}_{lane} = insertelement {kind} {made}, double %y{j}_{lane}, i64 {lane}\n"
                made = f"%z{j}_{lane}"
            yield f"  store {kind} {made}, ptr %q{j}, align {8 * width}\n"
        else:
            yield f"  %z{j} = load {kind}, ptr %q{j}, align {8 * width}\n"
            for lane in range(width):
                yield f"  %y{j}_{lane} = extractelement {kind} %z{j}, i64 {lane}\n"
                yield f"  store double %y{j}_{lane}, ptr %p{j}_{lane}, align 8\n"
    yield "  ret void\n}\n"
