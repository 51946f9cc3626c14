"""Folding, the step between reading and writing: which nodes are drawn as they are, and which many as one box.

A scope folds into one box, or is drawn open with its nodes in it. Equal siblings share a box. What is still too large
folds further by itself, and says so: rows of the same operation as far from the inputs, then whole stages of rows.
All of it takes time linear in the size of the expression, and keeps every edge between what is drawn apart.
"""

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Literal, TypeAlias

from scalargrad.graph.model import Edge, Expression, Node
from scalargrad.rules import RULES

__all__ = ["Box", "Collapse", "Drawing", "Flow", "Item", "Scope", "fold", "span"]

Scope: TypeAlias = tuple[str, ...]

BoxKind: TypeAlias = Literal["scope", "operation", "inputs", "stage"]

#: Whether to fold a scope: True, False, or None to leave that to `depth`.
Collapse: TypeAlias = Callable[[Scope], bool | None]

_LONG = 3  # from so many + in a row on, a chain is easier to read as one sum
_STAGES = 6  # side by side, so many fit a screen
_DEEPEST = 16  # frames in one another; what is recorded in more is in the innermost of these
_GLANCE = 60  # so many items can be taken in at a glance
_FEW = 8  # so many roots, or groups of inputs, are shown one by one among stages

# What makes a layout slow is not only nodes: edges do, and the columns that they pass. Counted together, these draw as
# fast as that many nodes.
_EDGES_PER_NODE, _SPAN_PER_NODE = 4, 100


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes into an item from another, along one edge or, from or into a Box, along many."""

    source: int  # the place of that item in the drawing
    derivative: float | None = None  # into a Box it is not told, nor where it is not the same for all of many
    times: int = 1


@dataclass(frozen=True, slots=True)
class Box:
    """Many nodes drawn as one.

    A scope; `times` equal scopes, or rows of one operation, side by side; inputs; or a stage, which is all rows from
    one number of operations behind the inputs to another. `names` has the first and the last of the names. An output
    is a result that something outside uses, or a root; inputs and constants that only the box uses are in it.
    """

    kind: BoxKind
    names: tuple[str, ...]
    times: int
    rows: int
    inputs: int
    constants: int
    operations: tuple[tuple[str, int], ...]  # symbols, and how many rows of each: the most first
    outputs: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What is drawn as one thing, and in which open scopes. A node is named by its number, n5; a box f0, f1 …"""

    name: str
    what: Node | Box
    scope: Scope
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All items in the order of creation; the places of the roots, and of what lies on the path to highlight."""

    items: tuple[Item, ...]
    roots: tuple[int, ...]
    path: tuple[int, ...]
    size: int  # how many nodes the expression has
    without_gradient: str
    caption: str = ""  # what was folded unasked


def fold(
    expression: Expression,
    *,
    depth: int | None = None,
    collapse: Collapse | None = None,
    siblings: bool = True,
    sums: bool = True,
    most: int = 400,
    path: Iterable[int] = (),
) -> Drawing:
    """Fold the scopes below a depth, and those for which collapse returns True; and more, if `most` takes it.

    At depth 0 no scope is open, at depth 1 the outermost are. Siblings with the same operations in the same order, none
    of which depends on another, are one Box if they are folded; a chain of + is one sum. `path` has numbers of nodes.

    >>> from scalargrad import Value, scope
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0)
    >>> with scope("square"):
    ...     y = x * x * 1.0
    >>> for item in fold(read([y + 1]), depth=0).items:
    ...     print(item.name, [(flow.source, flow.times) for flow in item.flows])
    f0 []
    n4 []
    n5 [(0, 1), (1, 1)]
    """
    reading, path = _Reading(expression, depth, collapse, sums), tuple(path)
    asked = reading.deepest if depth is None or collapse else min(depth, reading.deepest)
    best, least = None, inf
    for alike in (False, True):
        for level in range(asked, -1, -1):
            as_asked = level == asked and not alike
            enough = most if as_asked else min(most, _GLANCE)
            if reading.at_least(level, alike) > (enough if alike else most):
                continue
            groups = _Groups(reading, level, siblings, alike, most=most)
            if len(set(groups.of)) > most:
                continue
            drawing = reading.drawing(groups, path)
            effort = _effort(drawing)
            if as_asked and effort <= enough:
                return drawing
            if effort < least:
                how = [f"scopes are folded at depth {level}"] if level < asked else []
                how += ["rows of one operation, as far from the inputs, are one box"] if alike else []
                best, least = replace(drawing, caption=_caption(expression, most, ", and ".join(how))), effort
            if effort <= enough:
                break
        if least <= min(most, _GLANCE):
            break
    if best and least <= most:
        return best
    drawing = reading.drawing(_Groups(reading, 0, siblings, True, _STAGES), path)
    stages = sum(isinstance(item.what, Box) and item.what.kind == "stage" for item in drawing.items)
    if not stages:
        return drawing
    said = f"they are folded into {stages} stages of rows, by how many operations they are behind the inputs"
    return replace(drawing, caption=_caption(expression, most, said))


def _caption(expression: Expression, most: int, how: str) -> str:
    return f"{len(expression.nodes):,} nodes are too many to draw one by one (max_nodes={most}), so {how}."


def span(drawing: Drawing) -> int:
    """How many columns the edges pass, all together: of an edge from one column to the next, 1.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0)
    >>> span(fold(read([x.sin().cos() + x])))
    6
    """
    at = columns(drawing)
    return sum(abs(at[i] - at[flow.source]) for i, item in enumerate(drawing.items) for flow in item.flows)


def columns(drawing: Drawing) -> list[int]:
    """For each item the column that it will be drawn in: right of all it comes from, an input next to its first use."""
    items = drawing.items
    sources = [[flow.source for flow in item.flows] for item in items]
    at = _levels(range(len(items)), sources)
    first_use = [0] * len(items)
    for i, item in enumerate(items):
        for flow in item.flows:
            first_use[flow.source] = min(first_use[flow.source] or at[i], at[i])
    return [column if item.flows else max(use - 1, 0) for column, use, item in zip(at, first_use, items)]


def _effort(drawing: Drawing) -> float:
    """Of how many nodes it takes the time to draw."""
    edges = sum(len(item.flows) for item in drawing.items)
    return max(len(drawing.items), edges / _EDGES_PER_NODE, span(drawing) / _SPAN_PER_NODE)


class _Reading:
    """An expression prepared for folding, in one way or another."""

    def __init__(self, expression: Expression, depth: int | None, collapse: Collapse | None, sums: bool) -> None:
        self.expression, self.nodes = expression, expression.nodes
        self.edges: list[tuple[Edge, ...]] = [node.edges for node in self.nodes]
        self.sum_of = self._fold_sums() if sums else {}
        self.operands = [[edge.operand for edge in edges] for edges in self.edges]
        self.scopes = self._scopes()
        self.sizes = Counter(self.scopes)
        self.sizes.subtract(self.scopes[i] for i in self.sum_of)
        self.deepest = max(map(len, self.sizes), default=0)
        self._wanted: dict[Scope, bool | None] = {
            scope[:n]: None for scope in self.sizes for n in range(1, len(scope) + 1)
        }
        for scope in self._wanted:
            asked = collapse(scope) if collapse else None
            if not (asked is None or isinstance(asked, bool)):
                raise TypeError(f"collapse= returns True (fold), False (open) or None (as depth says), not {asked!r}")
            self._wanted[scope] = asked if asked is not None or depth is None else len(scope) > depth

    def _fold_sums(self) -> dict[int, int]:
        """Hand the operands of each long chain of + to its last row; returns that row for each of the others."""
        nodes, add = self.nodes, RULES["add"]
        uses, user = [0] * len(nodes), [0] * len(nodes)
        for i, node in enumerate(nodes):
            for edge in node.edges:
                uses[edge.operand] += 1
                user[edge.operand] = i
        for root in self.expression.roots:
            uses[root] += 2  # which is shown
        chains: dict[int, deque[Edge]] = {}  # the operands up to a row that goes on
        last: dict[int, int] = {}
        ends: set[int] = set()
        for i, node in enumerate(nodes):
            if node.rule is not add:
                continue
            parts, right = (
                chains.pop(edge.operand) if edge.operand in chains else deque([edge]) for edge in node.edges
            )
            if len(parts) < len(right):  # the shorter goes to the longer, so that any shape of tree takes little time
                right.extendleft(reversed(parts))
                parts = right
            else:
                parts.extend(right)
            into = nodes[user[i]]
            if uses[i] == 1 and not node.label and into.rule is add and into.scope == node.scope:
                chains[i], last[i] = parts, user[i]
            elif len(parts) > _LONG:
                self.edges[i] = tuple(parts)
                ends.add(i)
        for i in reversed(last):
            last[i] = last.get(last[i], last[i])
        last = {i: end for i, end in last.items() if end in ends}
        for i in last:
            self.edges[i] = ()
        return last

    def _scopes(self) -> list[Scope]:
        """For each node the scope that it is drawn in. An input that only one scope uses is drawn there."""
        nodes = self.nodes
        scopes = [node.scope if len(node.scope) <= _DEEPEST else node.scope[:_DEEPEST] for node in nodes]
        common: dict[int, Scope] = {}  # of an input, what the scopes of its users have in common
        shortest: dict[int, Scope] = {}  # and the shortest of these: where both are the same, that scope itself uses it
        for i, operands in enumerate(self.operands):
            scope = scopes[i]
            for operand in operands:
                if nodes[operand].kind == "input":
                    before = common.setdefault(operand, scope)
                    shortest.setdefault(operand, scope)
                    if before != scope:
                        common[operand] = _common(before, scope)
                        shortest[operand] = min(shortest[operand], scope, key=len)
        roots = set(self.expression.roots)
        for i, scope in common.items():
            if shortest[i] == scope and scope[: len(scopes[i])] == scopes[i] and i not in roots:
                scopes[i] = scope
        return scopes

    def at_least(self, level: int, alike: bool) -> int:
        """No drawing of the scopes open to this level has fewer items."""
        return sum(1 if alike else size for scope, size in self.sizes.items() if self.folded(scope, level) is None)

    def folded(self, scope: Scope, level: int) -> Scope | None:
        """The scope in whose box this one is, or None if it is drawn open."""
        for n in range(1, len(scope) + 1):
            if n > level or self._wanted[scope[:n]]:
                return scope[:n]
        return None

    def drawing(self, groups: "_Groups", path: tuple[int, ...]) -> Drawing:
        """What is drawn when the nodes are in these groups."""
        nodes, of, size = self.nodes, groups.of, len(self.nodes)
        merged: dict[int, Counter[int]] = defaultdict(Counter)
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        symbols: dict[int, Counter[str]] = defaultdict(Counter)
        outputs: dict[int, dict[int, None]] = defaultdict(dict)
        first: dict[int, int] = {}  # of each group, a number to order it by
        for i, node in enumerate(nodes):
            group = of[i]
            if group >= size:
                counts[group][node.kind] += 1
                if node.kind == "result":
                    symbols[group][node.symbol] += 1
            if group not in first or (nodes[first[group]].kind != "result" and node.kind == "result"):
                first[group] = i if group >= size else group
            for operand in self.operands[i]:
                if of[operand] != group:
                    if of[operand] >= size:
                        outputs[of[operand]][operand] = None
                    if group >= size:
                        merged[group][of[operand]] += 1
        for root in self.expression.roots:
            if of[root] >= size:
                outputs[of[root]][root] = None

        order = sorted(first, key=first.__getitem__)
        place = {group: k for k, group in enumerate(order)}
        items, boxes = [], 0
        for group in order:
            if group < size:
                what: Node | Box = nodes[group]
                items.append(Item(f"n{group}", what, self.scopes[group], self._flows(group, of, place)))
            else:
                kind, names, times, scope = groups.boxes[group]
                flows = [Flow(place[source], None, n) for source, n in merged[group].items()]
                flows.sort(key=lambda flow: flow.source)
                count = counts[group]
                what = Box(
                    kind,
                    names,
                    times,
                    count["result"],
                    count["input"],
                    count["constant"],
                    tuple(symbols[group].most_common()),
                    tuple(nodes[i] for i in outputs[group]),
                )
                items.append(Item(f"f{boxes}", what, scope, tuple(flows)))
                boxes += 1
        roots = tuple(dict.fromkeys(place[of[root]] for root in self.expression.roots))
        along = [place[of[i]] for i in path]
        along = [k for j, k in enumerate(along) if not j or along[j - 1] != k]
        return Drawing(tuple(items), roots, tuple(along), size, self.expression.without_gradient)

    def _flows(self, i: int, of: list[int], place: dict[int, int]) -> tuple[Flow, ...]:
        """What comes into a row that is drawn: each edge; but if they are many, equal ones together."""
        edges = self.edges[i]
        if len(edges) <= _FEW:
            return tuple(Flow(place[of[edge.operand]], edge.derivative) for edge in edges)
        flows: dict[Hashable, Flow] = {}
        for edge in edges:
            source = of[edge.operand]
            key: Hashable = source if source >= len(of) else (source, edge.derivative)  # those of a box may differ
            before = flows.get(key, Flow(place[source], edge.derivative, 0))
            derivative = before.derivative if before.derivative == edge.derivative else None
            flows[key] = Flow(place[source], derivative, before.times + 1)
        return tuple(flows.values())


class _Groups:
    """The nodes in groups, each of which is drawn as one item.

    of      for each node the number of its group: that of the node which is drawn, or a number beyond all nodes
    boxes   what the groups of the second kind are: kind, names, times, and the scope that they are drawn in
    """

    def __init__(
        self, reading: _Reading, level: int, siblings: bool, alike: bool = False, stages: int = 0, most: float = inf
    ) -> None:
        self.reading, self.size = reading, len(reading.nodes)
        self.boxes: dict[int, tuple[BoxKind, tuple[str, ...], int, Scope]] = {}
        self.of = list(range(self.size))
        roots = reading.expression.roots
        self.kept = set(roots) if len(roots) <= _FEW else set()  # these stay visible
        self._fold_scopes(level)
        if siblings or alike:
            self.levels = _levels(self.of, reading.operands)
            if max(self.levels) > most:
                return  # there is an item at each level, so these are too many
        if siblings:
            self._fold_siblings()
        if stages:
            self._fold_stages(stages)
        elif alike:
            self._fold_alike()
        if alike:
            self._fold_inputs(_FEW if stages else None)
        elif siblings and self.boxes:
            self._fold_inputs_of_boxes()

    def _box(self, kind: BoxKind, names: tuple[str, ...], times: int, scope: Scope) -> int:
        number = self.size + len(self.boxes)
        self.boxes[number] = (kind, names, times, scope)
        return number

    def _fold_scopes(self, level: int) -> None:
        reading = self.reading
        targets = {scope: reading.folded(scope, level) for scope in reading.sizes}
        numbers: dict[Scope, int] = {}
        for i, scope in enumerate(reading.scopes):
            target = targets[scope]
            if target is not None:
                if target not in numbers:
                    numbers[target] = self._box("scope", target[-1:], 1, target[:-1])
                self.of[i] = numbers[target]
        for i, end in reading.sum_of.items():
            self.of[i] = self.of[end]

    def _fold_siblings(self) -> None:
        """Boxes in one scope, with the same rows, and none behind another, become one."""
        beside = Counter((box[3], self.levels[number]) for number, box in self.boxes.items())
        members: dict[int, list[int]] = {n: [] for n, box in self.boxes.items() if beside[box[3], self.levels[n]] > 1}
        for i, group in enumerate(self.of):
            if group in members:
                members[group].append(i)
        equal: dict[Hashable, list[int]] = defaultdict(list)
        for number, inside in members.items():
            equal[self.boxes[number][3], self.levels[number], self._shape(inside)].append(number)
        into: dict[int, int] = {}
        for numbers in equal.values():
            if len(numbers) > 1:
                names, scope = (self.boxes[numbers[0]][1][0], self.boxes[numbers[-1]][1][0]), self.boxes[numbers[0]][3]
                box = self._box("scope", names, len(numbers), scope)
                self.levels.append(self.levels[numbers[0]])
                into |= dict.fromkeys(numbers, box)
        self._move(into)

    def _shape(self, members: list[int]) -> Hashable:
        """The same for two groups if they have the same operations on the same operands, those outside all the same."""
        nodes, operands = self.reading.nodes, self.reading.operands
        place = {i: k for k, i in enumerate(members)}
        return tuple((nodes[i].rule or nodes[i].kind, *(place.get(j, -1) for j in operands[i])) for i in members)

    def _move(self, into: dict[int, int]) -> None:
        if into:
            self.of = [into.get(group, group) for group in self.of]

    def _loose(self) -> list[int]:
        """The results that are drawn as they are, and need not be."""
        nodes = self.reading.nodes
        return [i for i, group in enumerate(self.of) if group == i and nodes[i].kind == "result" and i not in self.kept]

    def _fold_alike(self) -> None:
        """Rows of one operation in one scope, as far from the inputs, become one box."""
        nodes, scopes = self.reading.nodes, self.reading.scopes
        equal: dict[Hashable, list[int]] = defaultdict(list)
        for i in self._loose():
            equal[scopes[i], nodes[i].rule, self.levels[i]].append(i)
        into: dict[int, int] = {}
        for rows in equal.values():
            if len(rows) > 1:
                box = self._box("operation", (nodes[rows[0]].symbol,), len(rows), scopes[rows[0]])
                into |= dict.fromkeys(rows, box)
        self._move(into)

    def _fold_stages(self, stages: int) -> None:
        """Everything between two levels becomes one box."""
        nodes, levels = self.reading.nodes, self.levels
        results = {self.of[i] for i, node in enumerate(nodes) if node.kind == "result"}
        grouped = [group for group in dict.fromkeys(self.of) if group in results and group >= self.size]
        grouped += self._loose()
        if not grouped:
            return
        height = 1 + max(levels[group] for group in grouped)
        rows = [0] * height
        for i, node in enumerate(nodes):
            if node.kind == "result" and levels[self.of[i]] < height:
                rows[levels[self.of[i]]] += 1
        starts = _cut(rows, stages)
        boxes = [self._box("stage", (f"stage {k + 1} of {len(starts)}",), 1, ()) for k in range(len(starts))]
        into = {group: boxes[bisect_right(starts, levels[group]) - 1] for group in grouped}
        self._move(into)

    def _users(self) -> dict[int, dict[int, None]]:
        """For each input and constant that is drawn as it is, and need not be, the groups that use it."""
        nodes = self.reading.nodes
        users: dict[int, dict[int, None]] = {}
        for i, operands in enumerate(self.reading.operands):
            for operand in operands:
                if self.of[operand] == operand and nodes[operand].kind != "result" and operand not in self.kept:
                    users.setdefault(operand, {})[self.of[i]] = None
        return users

    def _fold_inputs_of_boxes(self) -> None:
        """Equal siblings too: inputs with the same users, if these are boxes; but few tell more than a number."""
        equal: dict[Hashable, list[int]] = defaultdict(list)
        for i, groups in self._users().items():
            if min(groups) >= self.size:
                equal[self.reading.scopes[i], frozenset(groups)].append(i)
        self._join_inputs([inputs for inputs in equal.values() if len(inputs) > 3])

    def _fold_inputs(self, most: int | None) -> None:
        """Inputs and constants that only one box uses go into it; inputs with the same users become one box."""
        nodes, scopes = self.reading.nodes, self.reading.scopes
        equal: dict[Hashable, list[int]] = defaultdict(list)
        into: dict[int, int] = {}
        for i, groups in self._users().items():
            only = next(iter(groups))
            if len(groups) == 1 and only >= self.size:
                into[i] = only
            else:
                equal[scopes[i], frozenset(groups), nodes[i].kind].append(i)
        if most is not None and len(equal) > most:
            equal = {None: [i for inputs in equal.values() for i in inputs]}
        self._move(into)
        few = {"input": 1, "constant": _FEW}  # of which to show each: the numbers of constants tell something
        self._join_inputs([inputs for inputs in equal.values() if len(inputs) > few[nodes[inputs[0]].kind]])

    def _join_inputs(self, groups: Iterable[list[int]]) -> None:
        nodes, scopes = self.reading.nodes, self.reading.scopes
        into: dict[int, int] = {}
        for inputs in groups:
            labels = nodes[inputs[0]].label, nodes[inputs[-1]].label
            box = self._box("inputs", labels if all(labels) else (), len(inputs), scopes[inputs[0]])
            into |= dict.fromkeys(inputs, box)
        self._move(into)


def _cut(rows: Sequence[int], most: int) -> list[int]:
    """Cut levels with so many rows each into stages of about the same number of rows; returns where each starts."""
    share, done, starts = sum(rows) / most, 0, [0]
    for level, count in enumerate(rows):
        if done + count / 2 > share * len(starts) and level > starts[-1]:
            starts.append(level)
        done += count
    return starts


def _common(a: Scope, b: Scope) -> Scope:
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return a[:n]


def _levels(of: Sequence[int], operands: Sequence[Sequence[int]]) -> list[int]:
    """For each group, of[i] for node i, how many others it is behind, at most: the length of the longest way to it.

    In a circle of groups the one created first is in front.
    """
    level = [0] * (1 + max(of, default=-1))
    if len(level) <= len(of) and all(source < i for i, sources in enumerate(operands) for source in sources):
        for i, sources in enumerate(operands):
            for source in sources:
                if level[source] >= level[i]:
                    level[i] = level[source] + 1
        return level
    users: dict[int, list[int]] = defaultdict(list)
    waiting: Counter[int] = Counter()
    for i, sources in enumerate(operands):
        for source in sources:
            if of[source] != of[i]:
                users[of[source]].append(of[i])
                waiting[of[i]] += 1
    groups = list(dict.fromkeys(of))
    ready, rest = deque(group for group in groups if not waiting[group]), iter(groups)
    done: set[int] = set()
    while len(done) < len(groups):
        group = ready.popleft() if ready else next(group for group in rest if group not in done)
        if group in done:
            continue
        done.add(group)
        for user in users[group]:
            waiting[user] -= 1
            if user not in done:
                level[user] = max(level[user], level[group] + 1)
                if not waiting[user]:
                    ready.append(user)
    return level
