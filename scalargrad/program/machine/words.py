"""How operations on numbers of so many lanes are written in LLVM's language, and the functions that this takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scalargrad.program.machine.symbols import COMPARISONS, Instructions, mathematics

__all__ = ["Formula", "Words"]

#: Operations that are instructions of the processor, or nearly; and how many operands they have.
_INTRINSICS = {"fabs": 1, "floor": 1, "trunc": 1, "rint": 1, "sqrt": 1, "copysign": 2, "fma": 3}


@dataclass(frozen=True)
class Formula:
    """A function of lanes in terms of others: `value(m, x)`, where `holds(m, x)`; elsewhere C's, one by one.

    `takes` is a function of the library of vectors without which there is no formula.
    """

    value: Callable[[Any, Any], Any]
    holds: Callable[[Any, Any], Any] | None = None
    takes: str | None = None


class Words:
    """How an operation on numbers of `width` lanes is written.

    `functions` and `vectors` say where in the table handed to a compiled code there is a function of one double, and of
    `width`. `fused` is whether the processor has an fma; the `formulas` take one.
    """

    def __init__(
        self,
        width: int,
        functions: Mapping[str, int],
        vectors: Mapping[str, int],
        formulas: Mapping[str, Formula],
        fused: bool,
    ) -> None:
        self.width, self.size, self.fused = width, 8 * width, fused
        self.scalars, self.table = functions, functions if width == 1 else vectors
        self.formulas = {
            name: formula
            for name, formula in formulas.items()
            if width > 1 and fused and formula.takes in (None, *vectors)
        }
        self.number, self.truth, self.word, self.byte = (
            kind if width == 1 else f"<{width} x {kind}>" for kind in ("double", "i1", "i64", "i8")
        )
        self.suffix = f"v{width}f64" if width > 1 else "f64"
        self.called: dict[str, int] = {}  # functions that are to be written, and how many operands they have
        self.templates = self._templates()

    def all(self, kind: str, literal: str) -> str:
        """The same in every lane."""
        return literal if self.width == 1 else f"<{', '.join([f'{kind} {literal}'] * self.width)}>"

    def constant(self, bits: int) -> str:
        return self.all("double", f"0x{bits:016X}")

    def _templates(self) -> dict[str, str]:
        """By operation: its own number is to be filled in first, then the names of its operands."""
        number, truth, word = self.number, self.truth, self.word
        return {
            **{op: f"  %v{{}} = {op} {number} {{}}, {{}}\n" for op in ("fadd", "fsub", "fmul", "fdiv")},
            **{op: f"  %v{{}} = {op} {truth} {{}}, {{}}\n" for op in ("and", "or", "xor")},
            **{op: f"  %v{{}} = fcmp {op} {number} {{}}, {{}}\n" for op in COMPARISONS},
            **{
                op: f"  %v{{}} = call {number} @llvm.{op}.{self.suffix}({', '.join([f'{number} {{}}'] * arity)})\n"
                for op, arity in _INTRINSICS.items()
                if op != "fma" or self.fused
            },
            "fneg": f"  %v{{}} = fneg {number} {{}}\n",
            "not": f"  %v{{}} = xor {truth} {{}}, {self.all('i1', 'true')}\n",
            "select": f"  %v{{}} = select {truth} {{}}, {number} {{}}, {number} {{}}\n",
            # 2 to a whole number from -1022 to 1023. Added to 2 ** 52 + 1023 its bits are those of the exponent.
            "power_of_2": (
                f"  %t{{0}} = fadd {number} {{1}}, {self.all('double', '0x43300000000003FF')}\n"
                f"  %u{{0}} = bitcast {number} %t{{0}} to {word}\n"
                f"  %w{{0}} = shl {word} %u{{0}}, {self.all('i64', '52')}\n"
                f"  %v{{0}} = bitcast {word} %w{{0}} to {number}\n"
            ),
        }

    def call(self, number: int, operation: str, operands: Sequence[str]) -> str:
        """The text of one instruction."""
        template = self.templates.get(operation)
        if template is not None:
            return template.format(number, *operands)
        arguments = ", ".join([f"{self.number} {name}" for name in operands])
        if operation in self.formulas or operation not in self.table:
            self.called[operation] = len(operands)
            return f"  %v{number} = call {self.number} @of_lanes_{operation}({arguments}, ptr %functions)\n"
        place = f"getelementptr ptr, ptr %functions, i64 {self.table[operation]}"
        return f"  %a{number} = {place}\n  %f{number} = load ptr, ptr %a{number}\n  %v{number} = call {self.number} %f{number}({arguments})\n"

    def functions(self) -> Iterator[str]:
        """What was called."""
        for op, arity in _INTRINSICS.items():
            yield f"declare {self.number} @llvm.{op}.{self.suffix}({', '.join([self.number] * arity)})\n"
        yield f"declare i1 @llvm.vector.reduce.and.v{self.width}i1({self.truth})\n" * (self.width > 1)
        for name, arity in self.called.items():
            formula = self.formulas.get(name)
            yield from self._one_by_one(name, arity) if formula is None else self._by_formula(name, formula)

    def _head(self, name: str, arity: int) -> str:
        parameters = ", ".join(f"{self.number} %x{k}" for k in range(arity))
        return f"define internal {self.number} @{name}({parameters}, ptr %functions) noinline #0 {{\n"

    def _one_by_one(self, name: str, arity: int, prefix: str = "of_lanes_") -> Iterator[str]:
        """A function of vectors that calls one of doubles."""
        number = self.number
        place = self.scalars["c_hypot" if name == "hypot" else name]  # Python's own is slow: two threads would queue up
        yield self._head(prefix + name, arity)
        yield f"  %a = getelementptr ptr, ptr %functions, i64 {place}\n  %f = load ptr, ptr %a\n"
        made = "poison"
        for lane in range(self.width):
            for k in range(arity):
                yield f"  %x{k}_{lane} = extractelement {number} %x{k}, i64 {lane}\n"
            yield f"  %y{lane} = call double %f({', '.join(f'double %x{k}_{lane}' for k in range(arity))})\n"
            yield f"  %r{lane} = insertelement {number} {made}, double %y{lane}, i64 {lane}\n"
            made = f"%r{lane}"
        yield f"  ret {number} {made}\n}}\n"

    def _by_formula(self, name: str, formula: Formula) -> Iterator[str]:
        """A function of vectors by its formula; with C's where that does not hold in every lane."""
        into = Instructions()
        m, x = mathematics(into), into.input(0)
        result = formula.value(m, x).at
        holds = None if formula.holds is None else formula.holds(m, x).at
        names = {x.at: "%x0"}
        if holds is not None:
            yield from self._one_by_one(name, 1, "one_by_one_")
        yield self._head(f"of_lanes_{name}", 1)
        for number, (operation, *operands) in enumerate(into.list):
            if operation == "constant":
                names[number] = self.constant(operands[0])
            elif number != x.at:
                yield self.call(number, operation, [names[operand] for operand in operands])
                names[number] = f"%v{number}"
        if holds is not None:
            yield f"  %whole = call i1 @llvm.vector.reduce.and.v{self.width}i1({self.truth} {names[holds]})\n"
            yield "  br i1 %whole, label %yes, label %no\nno:\n"
            yield f"  %c = call {self.number} @one_by_one_{name}({self.number} %x0, ptr %functions)\n"
            yield f"  %both = select {self.truth} {names[holds]}, {self.number} {names[result]}, {self.number} %c\n"
            yield f"  ret {self.number} %both\nyes:\n"
        yield f"  ret {self.number} {names[result]}\n}}\n"
