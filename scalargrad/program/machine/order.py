"""In which order the instructions of machine code come."""

from collections import Counter, deque
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

from scalargrad.program.machine.symbols import LEAVES, Instructions

__all__ = ["needed", "period", "with_late_sums"]


def needed(into: Instructions, stored: Collection[int]) -> list[int]:
    """The instructions without which these cannot be stored, and then the leaves that are stored themselves."""
    wanted = bytearray(len(into.list))
    for number in stored:
        wanted[number] = 1
    for number in range(len(into.list) - 1, -1, -1):
        if wanted[number]:
            for operand in into.operands(number):
                wanted[operand] = 1
    work = [n for n, (operation, *_) in enumerate(into.list) if wanted[n] and operation not in LEAVES]
    return work + [n for n in stored if into.list[n][0] in LEAVES]


def period(into: Instructions, order: list[int], most: int) -> int:
    """After how many instructions the same come again, on later numbers: in the middle, twice `most` long. 1 if they don't.

    Inputs count as the same; so does what was computed at the same distance before, or, from further away, that itself.
    A period that holds in the middle alone is no mistake: it only says where to cut.
    """
    at = {number: k for k, number in enumerate(order)}
    middle = len(order) // 2

    def kind(k: int) -> tuple[Any, ...]:
        operands: list[Any] = []
        for x in into.operands(order[k]):
            before = k - at.get(x, -len(order))  # constants are from afar
            is_input = into.list[x][0] == "input"
            operands.append("input" if is_input else -before if 0 < before <= 2 * most else x)
        return into.list[order[k]][0], *operands

    if len(order) < 4 * most:
        return 1
    seen = [kind(k) for k in range(middle, middle + 2 * most)]
    return next((n for n in range(1, most + 1) if seen[n] == seen[0] and seen[n:] == seen[:-n]), 1)


def with_late_sums(into: Instructions, order: list[int], stored: Collection[int], distance: int) -> list[int]:
    """The same, but what adds the terms of a long sum comes so many instructions later, where nobody waits for it.

    LLVM finds instructions that are alike by what is stored side by side. So are the terms of a sum, if a part computes
    them and the next one adds them up; where each is added at once, it takes them out of their registers one by one.
    """
    late = _within_long_sums(into, order, stored, distance)
    found: list[int] = []
    waiting: deque[tuple[int, int]] = deque()  # when they come, and which they are
    for number in order:
        while waiting and waiting[0][0] <= len(found):
            found.append(waiting.popleft()[1])
        if number in late:
            waiting.append((len(found) + distance, number))
            continue
        if waiting and not late.isdisjoint(into.operands(number)):
            found += [x for _, x in waiting]
            waiting.clear()
        found.append(number)
    return found  # and nobody waits any more: the last addition of a sum is not late, and brings all


def _within_long_sums(into: Instructions, order: list[int], stored: Collection[int], length: int) -> set[int]:
    """The additions, all but the last of each sum, that make long sums of terms that are mostly alike."""
    at = {number: k for k, number in enumerate(order)}
    long = [additions for additions in _sums(into, order, stored) if at[additions[-1]] - at[additions[0]] > length]
    depth = _depths(into, order) if long else {}
    late: set[int] = set()
    for additions in long:
        terms = {*chain(*map(into.operands, additions))} - {*additions}
        kinds = Counter((into.list[x][0], depth.get(x, 0)) for x in terms)
        if 2 * max(kinds.values()) > len(terms):
            late.update(additions[:-1])
    return late


def _sums(into: Instructions, order: list[int], stored: Collection[int]) -> Iterable[list[int]]:
    """The additions of each sum of which only the total is used."""
    used = Counter(x for number in order for x in into.operands(number))
    sums: dict[int, list[int]] = {}  # by the latest addition
    for number in order:
        if into.list[number][0] == "fadd":
            parts = [sums[x] for x in into.operands(number) if x in sums and used[x] == 1 and x not in stored]
            longest = max(parts, key=len, default=[])
            if longest:
                del sums[longest[-1]]
            longest.append(number)
            sums[number] = longest
    return sums.values()


def _depths(into: Instructions, order: list[int]) -> dict[int, int]:
    """How many instructions each takes, one after the other, from the inputs to it."""
    depth: dict[int, int] = {}
    for number in order:
        depth[number] = 1 + max([depth.get(x, 0) for x in into.operands(number)], default=0)
    return depth
