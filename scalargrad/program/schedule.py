"""Scheduling: the rows in another order, in which fewer numbers are needed at once.

A recorded gradient has all of the function first, then the sweep, so that nearly every number of the first half waits for
the second. In machine code those numbers go out to memory and come back. Here a row comes shortly before the first row
that wants it, and what needs little to be computed comes before what needs much.

No number changes by that. What comes first of a failed row and a guard that comes out differently does matter: code with
both keeps its order.
"""

from dataclasses import replace

from scalargrad.program.code import Code, may_raise

__all__ = ["scheduled"]


def scheduled(code: Code) -> Code:
    """The same code in an order with fewer numbers alive at once, or as it is if none is found."""
    if code.guards and any(may_raise(row.rule) and not row.quiet for row in code.rows):
        return code
    other = _in_order(code, _order(code))
    return other if other.most_alive < code.most_alive else code


def _order(code: Code) -> list[int]:
    """The numbers of the rows, as they are to be computed."""
    start, count = code.start, code.numbers
    operands: list[tuple[int, ...]] = [()] * start  # of each number, each once
    users: list[list[int]] = [[] for _ in range(count)]
    height = [0] * count
    waiting = [0] * count  # for how many rows that are its operands
    for at, row in enumerate(code.rows, start=start):
        xs = row.operands
        if len(xs) > 1:
            xs = tuple(set(xs)) if len(xs) > 2 else xs if xs[0] != xs[1] else xs[:1]
        operands.append(xs)
        high = 0
        for x in xs:
            users[x].append(at)
            if height[x] > high:
                high = height[x]
            waiting[at] += x >= start
        height[at] = high + 1
    wanted = [len(of) for of in users]  # by how many rows that are not done
    kept = set(code.outputs)
    for x in (*range(start), *kept):
        wanted[x] = count  # for good
    done = [True] * start + [False] * (count - start)
    order: list[int] = []
    ends = [at for at in range(start, count) if not users[at] or at in kept]
    for end in sorted(ends, key=height.__getitem__):
        pending = [end]
        while pending:
            at = pending.pop()
            if done[at]:
                continue
            if waiting[at]:
                missing = [x for x in operands[at] if not done[x]]
                pending.append(at)
                pending += (
                    missing if len(missing) == 1 else sorted(missing, key=height.__getitem__)
                )  # the highest first
                continue
            ready = [at]  # this row, and then those that are ready by it and need no more room than they free
            while ready:
                at = ready.pop()
                if done[at]:
                    continue
                done[at] = True
                order.append(at)
                for user in users[at]:
                    waiting[user] -= 1
                    if not waiting[user] and any(wanted[x] == 1 for x in operands[user]):
                        ready.append(user)
                for x in operands[at]:
                    wanted[x] -= 1
                    if wanted[x] == 1 and x >= start:
                        last = next(user for user in users[x] if not done[user])
                        if not waiting[last]:
                            ready.append(last)
    return order


def _in_order(code: Code, order: list[int]) -> Code:
    place = [*range(code.start), *[0] * len(code.rows)]
    for new, at in enumerate(order, start=code.start):
        place[at] = new
    rows = [code.rows[at - code.start] for at in order]
    guards = sorted((replace(guard, number=place[guard.number]) for guard in code.guards), key=lambda g: g.number)
    return replace(
        code,
        rows=tuple([row.of(tuple([place[x] for x in row.operands])) for row in rows]),
        outputs=tuple([place[x] for x in code.outputs]),
        guards=tuple(guards),
    )
