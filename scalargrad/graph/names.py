"""What the numbers of an expression are called in sentences, and the formulas of its local derivatives in these names."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from scalargrad.graph import symbols
from scalargrad.graph.model import Expression
from scalargrad.graph.spelling import brief, literal, sign
from scalargrad.rules import Rule

__all__ = ["Names", "is_name", "law"]

_PLAIN = re.compile(r"[^\W\d²³¹⁰-⁹]([^\W²³¹⁰-⁹]|[.\[\]'₀-₉])*")
_NAME = re.compile(rf"({_PLAIN.pattern}|'[^']*')?(#\d+)?")
_WIDTH = 16
_PLACE = 0xF0000  # for private use, so in no formula: where the name of an operand goes


def law(of: str, by: str, slope: str) -> str:
    """A local derivative as an equation; empty if it has no formula.

    >>> law("tanh(u)", "u", "1 − tanh²(u)"), law("x / y", "x", "1 / y"), law("f(u)", "u", "")
    ('d tanh(u)/du = 1 − tanh²(u)', 'd(x / y)/dx = 1 / y', '')
    """
    call = of.endswith(")") and of[0].isalpha()
    return slope and f"d{f' {of}' if call else f'({of})'}/d{by} = {slope}"


def is_name(text: str) -> bool:
    """Whether a formula is no more than the name of an operand.

    >>> is_name("x"), is_name("#3"), is_name("x#3"), is_name("2·x"), is_name("σ(x)")
    (True, True, True, False, False)
    """
    return _NAME.fullmatch(text) is not None


class Names:
    """By number: a row is called by its label, by label and number if several have it, else `#3`; a constant is itself."""

    def __init__(self, expression: Expression) -> None:
        self._nodes = expression.nodes
        self._uses = Counter(literal(node.label, _WIDTH) for node in expression.nodes if node.label)
        self._formulas: dict[tuple[Rule, tuple[float | None, ...]], tuple[str, ...]] = {}

    def __getitem__(self, i: int) -> str:
        node = self._nodes[i]
        if node.kind == "constant":
            return brief(node.value)
        if not node.label:
            return f"#{i}"
        label = literal(node.label, _WIDTH)
        name = label if _PLAIN.fullmatch(label) else f"'{label}'"  # a label that looks like a formula is none
        return name if self._uses[label] == 1 else f"{name}#{i}"

    def operation(self, i: int) -> str:
        """The operation of a result, as in `a·x`."""
        node = self._nodes[i]
        if node.rule is None:
            return ""
        return symbols.operation(node.rule, [self._operand(edge.operand) for edge in node.edges])

    def _operand(self, i: int) -> str | float:
        return self._nodes[i].value if self._nodes[i].kind == "constant" else self[i]

    def slopes(self, i: int) -> tuple[str, ...]:
        """The formulas of the local derivatives of a result; empty where there is none, or none that can be written."""
        places = {_PLACE + place: self[edge.operand] for place, edge in enumerate(self._nodes[i].edges)}
        return tuple(template.translate(places) for template in self._templates(i))

    def _templates(self, i: int) -> tuple[str, ...]:
        """The same with a character for each operand, which is the same for all rows of one kind."""
        rule, edges = self._nodes[i].rule, self._nodes[i].edges
        if rule is None or len(edges) > 0xFFFF:
            return ("",) * len(edges)
        operands = [self._nodes[edge.operand] for edge in edges]
        constants = tuple(x.value if x.kind == "constant" else None for x in operands)
        if (rule, constants) not in self._formulas:
            self._formulas[rule, constants] = symbols.slopes(rule, _places(constants))
        return self._formulas[rule, constants]

    def title(self, i: int) -> str:
        """A row with its operation and what that is of: `#7 × [ax = a·x]`."""
        return " ".join(self.columns(i))

    def columns(self, i: int) -> tuple[str, str, str]:
        """The three parts of a title."""
        name, operation = self[i], self.operation(i)
        of = operation if name.startswith("#") else f"{name} = {operation}" if operation else name
        return f"#{i}", literal(sign(self._nodes[i].symbol), 12), f"[{literal(of, 30)}]"

    def law(self, i: int, place: int) -> str:
        """A local derivative of a result as an equation; empty if it has no formula."""
        return law(self.operation(i), self[self._nodes[i].edges[place].operand], self.slopes(i)[place])

    def slope(self, i: int, place: int) -> str:
        """A local derivative as an equation with its number, and the values of the operands that it depends on."""
        edge, law = self._nodes[i].edges[place], self.law(i, place)
        found = brief(edge.derivative)
        text = law if law.endswith(f"= {found}") else f"{law} = {found}"
        if not law:
            text = f"its local derivative with respect to {self[edge.operand]} = {found}"
        template = self._templates(i)[place]
        if len(template) == 1:  # it is one of the operands itself
            return text
        used = [j for j in range(len(self._nodes[i].edges)) if chr(_PLACE + j) in template or not template]
        return f"{text} at {self.given(i, used)}" if used else text

    def given(self, i: int, places: Iterable[int] | None = None) -> str:
        """The values of its operands: `a = 2, x = −1`."""
        edges = self._nodes[i].edges
        operands = dict.fromkeys(edges[j].operand for j in (range(len(edges)) if places is None else places))
        told = [f"{self[j]} = {brief(self._nodes[j].value)}" for j in operands if self._nodes[j].kind != "constant"]
        return ", ".join(told[:4]) + (" …" if len(told) > 4 else "")


def _places(constants: Sequence[float | None]) -> list[str | float]:
    return [chr(_PLACE + place) if x is None else x for place, x in enumerate(constants)]
