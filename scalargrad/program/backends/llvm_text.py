"""Instructions as the text of an LLVM module: functions of a thousand instructions each, and a loop that calls them.

One single function would take quadratic time to compile. What one function computes and a later one uses goes through
a workspace, whose slots are used again when what they hold is dead. In memory everything comes `width` lanes together:
the points are transposed into blocks on the way in, the outputs on the way out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from scalargrad.program.backends.llvm_symbols import Instructions

__all__ = ["Assembly", "assemble"]

#: How many instructions make a function.
_LENGTH = 1000

_LEAVES = {"input", "shared", "constant"}
_TRUTHS = {"olt", "ole", "ogt", "oge", "oeq", "une", "and", "or", "xor", "not"}

#: `run(points, shared, outputs, failed, strayed, groups, workspace, functions)`; a part has the block of inputs for the
#: points, and that of outputs.
_PART = (
    "ptr noalias readonly %points, ptr noalias readonly %shared, ptr noalias %outputs, ptr noalias %failed, "
    "ptr noalias %strayed, ptr noalias %workspace, ptr noalias readonly %functions"
)
_RUN = _PART.replace("%strayed", "%strayed, i64 %groups")


@dataclass(frozen=True)
class Assembly:
    """The text of a module whose function `run` wants a workspace of so many doubles."""

    text: str
    workspace: int


def assemble(
    into: Instructions,
    inputs: int,
    outputs: Sequence[int],
    failed: int | None,
    strayed: int | None,
    width: int,
    functions: Mapping[str, int],
    vectors: Mapping[str, int],
) -> Assembly:
    """The module that computes these outputs, and whether it failed and strayed, for `width` lanes at a time.

    `functions` and `vectors` say where in the table handed to `run` a function of a double is, and one of a vector.
    """
    writer = _Writer(into, width, functions, vectors)
    parts = writer.parts(outputs, failed, strayed)
    block_in, block_out = (inputs * width, len(outputs) * width) if width > 1 else (0, 0)
    slots = writer.slots * width
    text = [_PROLOGUE, *writer.declarations(), *parts]
    calls = [
        f"  call void @part{i}(ptr %in, ptr %shared, ptr %out, ptr %fail, ptr %stray, ptr %workspace, ptr %functions)\n"
        for i in range(len(parts))
    ]
    if width == 1:
        text += [f"define void @run({_RUN}) #0 {{\n", *(_plain(call) for call in calls), "  ret void\n}\n"]
    else:
        text += _transpositions(inputs, len(outputs), width)
        text += [_LOOP_HEAD.format(run=_RUN, block=8 * slots, out=8 * (slots + block_in), width=width)]
        text += ["  %pt = getelementptr double, ptr %points, i64 %p\n  call void @gather(ptr %pt, ptr %in)\n"] * (
            inputs > 0
        )
        text += ["  %ot = getelementptr double, ptr %outputs, i64 %o\n"] * (len(outputs) > 0)
        text += calls
        text += ["  call void @scatter(ptr %out, ptr %ot)\n"] * (len(outputs) > 0)
        text += [_LOOP_TAIL.format(points=inputs * width, outputs=len(outputs) * width, width=width)]
    return Assembly("".join(text), slots + block_in + block_out)


def _plain(call: str) -> str:
    for block, pointer in (("%in", "%points"), ("%out", "%outputs"), ("%fail", "%failed"), ("%stray", "%strayed")):
        call = call.replace(f"ptr {block},", f"ptr {pointer},")
    return call


_PROLOGUE = 'attributes #0 = { nounwind "no-stack-arg-probe" "prefer-vector-width"="512" }\n'

_LOOP_HEAD = """define void @run({run}) #0 {{
entry:
  %in = getelementptr i8, ptr %workspace, i64 {block}
  %out = getelementptr i8, ptr %workspace, i64 {out}
  br label %test
test:
  %g = phi i64 [ 0, %entry ], [ %next, %body ]
  %p = phi i64 [ 0, %entry ], [ %pnext, %body ]
  %o = phi i64 [ 0, %entry ], [ %onext, %body ]
  %more = icmp slt i64 %g, %groups
  br i1 %more, label %body, label %end
body:
  %lane = mul i64 %g, {width}
  %fail = getelementptr i8, ptr %failed, i64 %lane
  %stray = getelementptr i8, ptr %strayed, i64 %lane
"""

_LOOP_TAIL = """  %next = add i64 %g, 1
  %pnext = add i64 %p, {points}
  %onext = add i64 %o, {outputs}
  br label %test
end:
  ret void
}}
"""


class _Writer:
    """Writes the parts: functions of straight-line instructions."""

    def __init__(
        self, into: Instructions, width: int, functions: Mapping[str, int], vectors: Mapping[str, int]
    ) -> None:
        self.list = into.list
        self.width = width
        self.functions, self.vectors = functions, vectors
        self.number, self.truth, self.word, self.suffix = (
            ("double", "i1", "i64", "f64")
            if width == 1
            else (f"<{width} x double>", f"<{width} x i1>", f"<{width} x i64>", f"v{width}f64")
        )
        self.slots = 0  # how many there are
        self.each: dict[str, int] = {}  # the functions to be called lane by lane, and how many operands they have
        self.templates = self._templates()

    def _templates(self) -> dict[str, str]:
        """How an instruction is written: its own number comes first, then the names of its operands."""
        number, truth = self.number, self.truth
        plain = {op: f"  %%v%d = {op} {number} %s, %s\n" for op in ("fadd", "fsub", "fmul", "fdiv")}
        logic = {op: f"  %%v%d = {op} {truth} %s, %s\n" for op in ("and", "or", "xor")}
        compare = {op: f"  %%v%d = fcmp {op} {number} %s, %s\n" for op in ("olt", "ole", "ogt", "oge", "oeq", "une")}
        intrinsic = {
            op: f"  %%v%d = call {number} @llvm.{op}.{self.suffix}({', '.join([f'{number} %s'] * arity)})\n"
            for op, arity in _INTRINSICS.items()
        }
        return {
            **plain,
            **logic,
            **compare,
            **intrinsic,
            "fneg": f"  %%v%d = fneg {number} %s\n",
            "not": f"  %%v%d = xor {truth} %s, {self._all('i1', 'true')}\n",
            "select": f"  %%v%d = select {truth} %s, {number} %s, {number} %s\n",
        }

    def _all(self, kind: str, literal: str) -> str:
        return literal if self.width == 1 else f"<{', '.join([f'{kind} {literal}'] * self.width)}>"

    def declarations(self) -> Iterator[str]:
        """What the parts call."""
        number = self.number
        for op, arity in _INTRINSICS.items():
            yield f"declare {number} @llvm.{op}.{self.suffix}({', '.join([number] * arity)})\n"
        for name, arity in self.each.items():
            yield from self._each(name, arity)

    def _each(self, name: str, arity: int) -> Iterator[str]:
        """A function of vectors that calls one of doubles, lane by lane."""
        number, at = self.number, self.functions[name]
        yield f"define internal {number} @each_{name}({', '.join(f'{number} %x{k}' for k in range(arity))}, ptr %functions) noinline #0 {{\n"
        yield f"  %a = getelementptr ptr, ptr %functions, i64 {at}\n  %f = load ptr, ptr %a\n"
        made = "poison"
        for lane in range(self.width):
            for k in range(arity):
                yield f"  %x{k}_{lane} = extractelement {number} %x{k}, i64 {lane}\n"
            yield f"  %y{lane} = call double %f({', '.join(f'double %x{k}_{lane}' for k in range(arity))})\n"
            yield f"  %r{lane} = insertelement {number} {made}, double %y{lane}, i64 {lane}\n"
            made = f"%r{lane}"
        yield f"  ret {number} {made}\n}}\n"

    def parts(self, outputs: Sequence[int], failed: int | None, strayed: int | None) -> list[str]:
        """The functions, one after the other; and `self.slots` is known."""
        order, stores = self._order(outputs, failed, strayed)
        part_of = {number: k // _LENGTH for k, number in enumerate(order)}
        last = dict(part_of)  # the last part that uses it; parts come in order
        for number in order:
            for operand in self._operands(number):
                last[operand] = part_of[number]
        return self._written(order, stores, part_of, last)

    def _operands(self, number: int) -> Sequence[int]:
        operation, *operands = self.list[number]
        return () if operation in _LEAVES else operands

    def _order(
        self, outputs: Sequence[int], failed: int | None, strayed: int | None
    ) -> tuple[list[int], dict[int, list[str]]]:
        """What is needed, in order; and the pointers that each result is to be written to."""
        stores: dict[int, list[str]] = {}
        for k, number in enumerate(outputs):
            stores.setdefault(number, []).append(f"outputs, i64 {8 * k * self.width}")
        for name, truth in (("failed", failed), ("strayed", strayed)):
            if truth is not None:
                stores.setdefault(truth, []).append(f"{name}, i64 0")
        needed = bytearray(len(self.list))
        for number in stores:
            needed[number] = 1
        for number in range(len(self.list) - 1, -1, -1):
            if needed[number]:
                for operand in self._operands(number):
                    needed[operand] = 1
        written = [n for n, (operation, *_) in enumerate(self.list) if needed[n] and operation not in _LEAVES]
        return written + [n for n in stores if self.list[n][0] in _LEAVES], stores

    def _written(
        self, order: list[int], stores: dict[int, list[str]], part_of: dict[int, int], last: dict[int, int]
    ) -> list[str]:
        parts: list[str] = []
        slot_of: dict[int, int] = {}
        free: list[int] = []
        for part, start in enumerate(range(0, len(order), _LENGTH)):
            lines = [f"define internal void @part{part}({_PART}) noinline #0 {{\n"]
            names: dict[int, str] = {}
            tables: dict[int, str] = {}
            write = lines.append

            def name(number: int) -> str:
                """The name of a number in this part; it is loaded if need be."""
                found = names.get(number)
                if found is None:
                    found = names[number] = self._loaded(number, slot_of, write)
                return found

            for number in order[start : start + _LENGTH]:
                operation, *operands = self.list[number]
                if operation not in _LEAVES:
                    self._instruction(number, operation, [name(x) for x in operands], tables, write)
                    names[number] = f"%v{number}"
                    if last[number] > part:
                        slot = heappop(free) if free else self.slots
                        self.slots = max(self.slots, slot + 1)
                        slot_of[number] = slot
                        self._keep(number, operation in _TRUTHS, slot, write)
                for k, where in enumerate(stores.get(number, ())):
                    write(f"  %o{number}_{k} = getelementptr i8, ptr %{where}\n")
                    self._store(number, operation in _TRUTHS, name(number), f"%o{number}_{k}", write)
            for number in [n for n in slot_of if last[n] <= part]:
                heappush(free, slot_of.pop(number))
            parts.append("".join([*lines, "  ret void\n}\n"]))
        return parts

    def _instruction(
        self, number: int, operation: str, names: list[str], tables: dict[int, str], write: Callable[[str], object]
    ) -> None:
        template = self.templates.get(operation)
        if template is not None:
            write(template % (number, *names))
            return
        arguments = ", ".join([f"{self.number} {name}" for name in names])
        if operation == "hypot" and self.width > 1:
            operation = "c_hypot"  # Python's own has its bits, but takes its time
        at = (self.functions if self.width == 1 else self.vectors).get(operation)
        if at is None:
            self.each[operation] = len(names)
            write(f"  %v{number} = call {self.number} @each_{operation}({arguments}, ptr %functions)\n")
            return
        if at not in tables:
            tables[at] = f"%f{at}"
            write(f"  %a{at} = getelementptr ptr, ptr %functions, i64 {at}\n  %f{at} = load ptr, ptr %a{at}\n")
        write(f"  %v{number} = call {self.number} {tables[at]}({arguments})\n")

    def _loaded(self, number: int, slot_of: dict[int, int], write: Callable[[str], object]) -> str:
        operation, *what = self.list[number]
        width, kind = self.width, self.number
        if operation == "constant":
            return self._all("double", f"0x{what[0]:016X}")
        if operation == "shared":
            write(f"  %p{number} = getelementptr double, ptr %shared, i64 {what[0]}\n")
            if width == 1:
                write(f"  %v{number} = load double, ptr %p{number}, align 8\n")
            else:
                write(f"  %s{number} = load double, ptr %p{number}, align 8\n")
                write(f"  %i{number} = insertelement {kind} poison, double %s{number}, i64 0\n")
                write(
                    f"  %v{number} = shufflevector {kind} %i{number}, {kind} poison, <{width} x i32> zeroinitializer\n"
                )
            return f"%v{number}"
        if operation == "input":
            write(f"  %p{number} = getelementptr i8, ptr %points, i64 {8 * width * what[0]}\n")
            write(f"  %v{number} = load {kind}, ptr %p{number}, align {8 * width}\n")
            return f"%v{number}"
        write(f"  %p{number} = getelementptr i8, ptr %workspace, i64 {8 * width * slot_of[number]}\n")
        if operation in _TRUTHS:
            write(f"  %w{number} = load {self.word}, ptr %p{number}, align {8 * width}\n")
            write(f"  %v{number} = icmp slt {self.word} %w{number}, {self._all('i64', '0')}\n")
        else:
            write(f"  %v{number} = load {kind}, ptr %p{number}, align {8 * width}\n")
        return f"%v{number}"

    def _keep(self, number: int, truth: bool, slot: int, write: Callable[[str], object]) -> None:
        write(f"  %k{number} = getelementptr i8, ptr %workspace, i64 {8 * self.width * slot}\n")
        if truth:
            write(f"  %w{number} = sext {self.truth} %v{number} to {self.word}\n")
            write(f"  store {self.word} %w{number}, ptr %k{number}, align {8 * self.width}\n")
        else:
            write(f"  store {self.number} %v{number}, ptr %k{number}, align {8 * self.width}\n")

    def _store(self, number: int, truth: bool, name: str, pointer: str, write: Callable[[str], object]) -> None:
        if truth:
            bytes_ = self.word.replace("64", "8")
            write(f"  {pointer}b = zext {self.truth} {name} to {bytes_}\n")
            write(f"  store {bytes_} {pointer}b, ptr {pointer}, align 1\n")
        else:
            write(f"  store {self.number} {name}, ptr {pointer}, align {8 * self.width}\n")


#: Operations that are instructions of the processor, or nearly.
_INTRINSICS = {"fabs": 1, "floor": 1, "trunc": 1, "sqrt": 1, "copysign": 2}


def _transpositions(inputs: int, outputs: int, width: int) -> list[str]:
    """`gather`: rows of `inputs` numbers, one for each lane, into a block that has the lanes together; `scatter`: back."""
    return [*_transposition("gather", inputs, width), *_transposition("scatter", outputs, width)]


def _transposition(name: str, count: int, width: int) -> Iterator[str]:
    """Squares of width × width in a loop, the rest number by number."""
    kind, squares = f"<{width} x double>", count // width
    into = name == "gather"
    rows, block = ("%from", "%to") if into else ("%to", "%from")

    yield f"define internal void @{name}(ptr noalias %from, ptr noalias %to) noinline #0 {{\nentry:\n"
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
