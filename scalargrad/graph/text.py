"""The model as text: a tree from each root down to the inputs, for a terminal."""

from collections import deque

from scalargrad.graph.fold import Box, Drawing, Flow, Item
from scalargrad.graph.look import PLAIN, Look
from scalargrad.graph.model import Node
from scalargrad.graph.spelling import literal, named

__all__ = ["box_lines", "text"]

_DEEPEST = 20  # what is deeper starts again at the left: else most of the text would be indentation


def text(drawing: Drawing, limit: int = 200, look: Look = PLAIN) -> str:
    """A tree with the root on top, in at most so many lines, and the caption.

    In brackets stands the number of a node, in parentheses the local derivative along the edge above it. What is used
    more than once is shown once, and named by its number elsewhere. A box has a number with an f, and parentheses say
    how many edges come from it, or go into it.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.fold import fold
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0, label="x")
    >>> print(text(fold(read([x * x + 1]))))
    [3] +  10.0, grad not yet
    ├─(1.0)─ [1] *  9.0, grad not yet
    │  ├─(3.0)─ [0] x = 3.0, grad not yet
    │  └─(3.0)─ [0] above
    └─(1.0)─ 1.0
    """
    items, lines = drawing.items, list[str]()
    shown: set[int] = set()
    starts = deque(drawing.roots)
    pending: list[tuple[int, str, str, int]] = []  # items to come: place, indentation, edge, depth
    while (pending or starts) and len(lines) < limit:
        if not pending:
            pending = [(starts.popleft(), "", "", 0)]
            if pending[0][0] in shown:
                pending.pop()
                continue
        i, indent, edge, depth = pending.pop()
        if i in shown:
            lines.append(f"{edge}{_name(items[i])} above")
        elif depth > _DEEPEST and items[i].flows:
            lines.append(f"{edge}{_name(items[i])} below")
            starts.append(i)
        else:
            shown.add(i)
            lines.append(edge + _line(items[i], drawing.without_gradient, look))
            for place, flow in reversed(list(enumerate(items[i].flows))):
                last = place == len(items[i].flows) - 1
                branch = f"{indent}{'└' if last else '├'}─{_along(items[i], flow, look)} "
                pending.append((flow.source, indent + ("   " if last else "│  "), branch, depth + 1))
    if pending or any(i not in shown for i in starts):
        what = "nodes" if drawing.size == len(items) else "nodes and boxes"
        lines.append(f"… and {len(items) - len(shown):,} of {len(items):,} {what} more")
    if drawing.caption:
        lines += ["", drawing.caption]
    return "\n".join(lines)


def box_lines(box: Box, look: Look, without_gradient: str) -> list[str]:
    """What there is to say of a box: its name, what is in it, and its result, if that is one.

    >>> box_lines(Box("scope", ("neurons.0", "neurons.15"), 16, 48, 48, 0, (("ReLU", 16),), ()), Look(), "not yet")
    ['neurons.0 … neurons.15  ×16', 'each 3 rows, 3 inputs']
    """
    times = f"  ×{box.times:,}" if box.times > 1 else ""
    if box.kind == "inputs":
        names = [f"{literal(box.names[0], 20)} … {literal(box.names[1], 20)}"] if box.names else []
        lines = [*names, *_contents(0, box.inputs, box.constants)]
    elif box.kind == "operation":
        lines = [f"{literal(box.names[0])}{times}", *_contents(0, box.inputs, box.constants)]
    elif box.kind == "stage":
        symbols = [f"{count:,} {literal(symbol, 12)}" for symbol, count in box.operations]
        more = [f"and {len(symbols) - 4:,} other operations"] if len(symbols) > 4 else []
        lines = [*box.names, *_contents(box.rows, box.inputs, 0), *symbols[:4], *more]
    else:
        n = box.times
        lines = [" … ".join(literal(name, 20 if n > 1 else 40) for name in dict.fromkeys(box.names)) + times]
        shared = box.inputs % n  # then they are not the same number for each
        each = _contents(box.rows // n, 0 if shared else box.inputs // n, 0)
        lines += [("each " if n > 1 else "") + what for what in each]
        lines += [f"{what} for all" for what in _contents(0, box.inputs if shared else 0, 0)]
    if len(box.outputs) == 1 and box.times == 1 and box.kind == "scope":
        (out,) = box.outputs
        lines += [named(out.label, look.spell(out.value))] if look.values else [literal(out.label)] if out.label else []
        lines += ["grad " + look.spell(out.grad, none=without_gradient)] if look.gradients else []
    return lines


def _contents(rows: int, inputs: int, constants: int) -> list[str]:
    """How many there are of each, in one line, if there are any."""
    counts = ((rows, "row"), (inputs, "input"), (constants, "constant"))
    parts = [f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counts if n]
    return [", ".join(parts)] if parts else []


def _name(item: Item) -> str:
    return f"[{item.name.removeprefix('n')}]"


def _along(item: Item, flow: Flow, look: Look) -> str:
    parts = [f"×{flow.times:,}"] if flow.times > 1 else []
    if look.derivatives and isinstance(item.what, Node) and (flow.times == 1 or flow.derivative is not None):
        parts.append(look.spell(flow.derivative))
    return f"({', '.join(parts)})─" if parts else ""


def _line(item: Item, without_gradient: str, look: Look) -> str:
    node = item.what
    if isinstance(node, Box):
        name, *more = box_lines(node, look, without_gradient)
        return f"{_name(item)} {name}{': ' if more else ''}{', '.join(more)}"
    parts = [named(node.label, look.spell(node.value))] if look.values or not node.label else [literal(node.label)]
    if node.kind == "constant":
        return parts[0]
    if node.kind == "result" and not look.values and not node.label:
        parts.pop()
    if look.gradients:
        parts.append("grad " + look.spell(node.grad, none=without_gradient))
    operation = f"{literal(node.symbol)}  " if node.symbol else ""
    return f"{_name(item)} {operation}{', '.join(parts)}".rstrip()
