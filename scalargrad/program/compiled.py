"""`compile`: a function that is recorded where it goes a way it has not gone before, and run from its Programs elsewhere."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property, partial, update_wrapper
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, cast

from scalargrad import transforms
from scalargrad.engine import Value, inputs, is_value
from scalargrad.engine.messages import name_of, shorten
from scalargrad.errors import ProgramError
from scalargrad.program import backends
from scalargrad.program.arrays import table_of, the_numpy
from scalargrad.program.backends.auto import preparation
from scalargrad.program.crossroads import Crossroads
from scalargrad.program.layout import Fixed, Layout, Misfit, argument, place
from scalargrad.program.listing import in_short
from scalargrad.program.program import Program, counted, is_answer, recorded, told
from scalargrad.program.recording import GateRaised
from scalargrad.program.remainder import Remainder, Remainders
from scalargrad.program.snapshot import Steady
from scalargrad.sweeps import bare
from scalargrad.transforms import by_position, parameters_of

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Compiled", "compile"]

_OF_ONE_PROGRAM = {name for name in vars(Program) if name[0] != "_"}

_FEW = 64  # points: so many are soon tried with every Program
_KINDS = 128  # of arguments, those of the latest calls: for others f is recorded again


def compile(
    f: Callable[..., Any] | None = None,
    *,
    backend: str = "auto",
    static: str | int | Iterable[str | int] = (),
    max_paths: int = 64,
) -> Any:
    """A function that does what f does, from Programs: one for each way through f, recorded when it is first gone.

    A decorator, `@compile` or `@compile(backend="numpy")`, or a call. The arguments are nests of numbers; anything else in
    them (a string, a bool), and those named by `static`, is part of what was recorded; what is kept is that for the latest
    128 kinds of arguments. On Values, f itself runs. `.batch(X)` runs many points. It composes: `compile(grad(f))`, and
    `grad(compile(f))`, which is the same.

    backend    numpy, llvm (machine code, extra `jit`), or auto: at one point f itself, until machine code would have paid
    static     names or positions of arguments that are part of what is recorded, as the n of range(n) has to be
    max_paths  how many ways f may go and be recorded

    What f does besides (printing, changing its arguments) happens where f itself runs, not in its Programs.
    Raises what f raises; ProgramError if f goes more than `max_paths` ways, where `record` does, and for an argument that
    moves on without telling how far, as a generator does.

    >>> @compile
    ... def f(x):
    ...     return x * x if x > 0 else -x
    >>> f(3.0), f(-3.0)
    (9.0, 3.0)
    >>> f.batch([[1.0], [-2.0], [3.0]])
    array([1., 2., 9.])
    >>> len(f.programs)
    2
    """
    if f is None:
        return partial(compile, backend=backend, static=static, max_paths=max_paths)
    if not callable(f):
        raise TypeError(f"compile takes a function, not {shorten(repr(f))} ({type(f).__name__})")
    backends.named(backend)
    if not hasattr(max_paths, "__index__") or isinstance(max_paths, bool) or max_paths < 1:
        raise ValueError(f"max_paths= is a whole number of ways, 1 at least, not {max_paths!r}")
    statics = (static,) if isinstance(static, (str, int)) or not isinstance(static, Iterable) else tuple(static)
    if not all(isinstance(which, (str, int)) for which in statics):
        raise TypeError(f"static= is the name or the position of an argument, or some of them, not {static!r}")
    return _compiled(f, backend, statics, max_paths)


def _compiled(f: Callable[..., Any], backend: str, static: tuple[str | int, ...], max_paths: int) -> "Compiled":
    made = Compiled(f, backend, static, max_paths)
    update_wrapper(made, f, updated=())
    return made


class Compiled(Steady):
    """What `compile` returns. `programs` are those recorded so far, the one used last first."""

    def __init__(self, f: Callable[..., Any], backend: str, static: tuple[str | int, ...], max_paths: int) -> None:
        self._f, self._backend, self._static, self._max_paths = f, backend, static, max_paths
        self._ways: list[_Ways] = []  # one for each kind of arguments; another list, whenever it changes
        self._lock = RLock()  # of who changes it

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._f)}: {len(self.programs)} way(s), backend {self._backend}>"

    def transformed(self, transform: Callable[[Callable[..., Any]], Any]) -> "Compiled":
        """What a transform makes of it: `grad(compile(f))` is `compile(grad(f))`."""
        return _compiled(transform(self._f), *self._options)

    def __getattr__(self, name: str) -> NoReturn:
        """For whoever takes it for one of its Programs."""
        if name not in _OF_ONE_PROGRAM:
            raise AttributeError(f"a compiled function has no attribute {name!r}")
        f = name_of(self._f)
        way_out = f"compile({name}({f}))" if name in transforms.__all__ else f"record({f}, …).{name}"
        raise AttributeError(
            f"a compiled function has a Program for each way through it, and no .{name}: there is {way_out}, or that of "
            "one of its .programs"
        )

    @property
    def _options(self) -> tuple[str, tuple[str | int, ...], int]:
        return self._backend, self._static, self._max_paths

    @property
    def programs(self) -> list[Program]:
        return [program for ways in self._ways for program in ways.programs]

    @cached_property
    def _names(self) -> list[str]:
        """Of the parameters of f, where they are known."""
        return [p.name for p in parameters_of(self._f)]

    def __call__(self, *args: Any, **named: Any) -> Any:
        nest = self._with_statics(args, named)
        for i, ways in enumerate(self._ways):
            try:
                row = ways.arguments.row(nest)
            except Misfit:
                continue
            if i:
                with self._lock:
                    self._ways = [ways, *[other for other in self._ways if other is not ways]]
            return ways.at(row)
        arguments = Layout(nest, is_value, exactly=True)
        if any(type(x) is Value for x in arguments.example):
            return self._f(*args, **named)
        return self._begin(nest, arguments).at(arguments.row(nest))

    def __get__(self, instance: Any, owner: type | None = None) -> "Compiled":
        if instance is None:
            return self
        raise TypeError(
            f"{name_of(self._f)} is compiled in its class, where it does not know its object: compile the method of the "
            f"object, as in self.{name_of(self._f)} = compile(self._{name_of(self._f)})"
        )

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its name where that leads to it, as a function; else made of f again. Its Programs do not go along."""
        name = str(getattr(self, "__qualname__", ""))
        if _named(self.__module__, name) is self:
            return name
        return _compiled, (self._f, *self._options)

    def batch(self, points: Any, *, like: tuple[Any, ...] | dict[str, Any] | None = None, mask: bool = False) -> Any:
        """What f gives at many points: an array of shape (points, inputs) in, a column for each number of the arguments.

        `like` is a tuple of arguments, or a dict of them by name, that shows their nest. Without it they are as at the
        latest call; before any call, as many numbers as f has parameters (or parameters without a default), or, if it has
        one parameter and there are more columns, one array. Arguments by name come behind the others, as they stand in
        the signature of f.

        Each number or bool of the result becomes an array over the points; a list of numbers or an array gets an axis
        more. Where f raises ValueError or an ArithmeticError there is nan; with `mask`, the second result tells where, of
        shape (points,); if it does so everywhere before any result is known, that error is raised. So are other errors
        of f.
        """
        table = table_of(points)
        return self._for_columns(table, like).batch(table, mask)

    def _begin(self, nest: Any, arguments: Layout) -> "_Ways":
        with self._lock:
            for ways in self._ways:  # another thread may have begun the same meanwhile
                if ways.arguments.takes(nest):
                    return ways
            begun = _Ways(self._f, arguments, self._backend, self._max_paths)
            self._ways = [begun, *self._ways[: _KINDS - 1]]  # an argument may be another one in every call
        return begun

    def _for_columns(self, table: "np.ndarray", like: tuple[Any, ...] | dict[str, Any] | None) -> "_Ways":
        columns = table.shape[1]
        if like is None and self._ways:
            ways = self._ways[0]
        else:
            nest = self._with_statics(*(self._guess(columns) if like is None else self._shown(like)))
            known = next((w for w in self._ways if w.arguments.takes(nest)), None)
            ways = known or self._begin(nest, Layout(nest, exactly=True))
        if ways.arguments.size != columns:
            names = [argument(path, [p.name for p in by_position(self._f)]) for path in ways.arguments.paths]
            way_out = "; other arguments are shown by batch(X, like=(…,))" if like is None else ""
            raise TypeError(
                f"the points have {counted(columns, 'column')}, and {name_of(self._f)} takes {counted(len(names), 'number')}, "
                f"{in_short(names) or 'none'}, each in a column{way_out}"
            )
        return ways

    def _shown(self, like: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments that `like` shows, by position as far as they can be."""
        if isinstance(like, tuple):
            return like, {}
        takes_any = not self._names or any(p.kind is p.VAR_KEYWORD for p in parameters_of(self._f))
        if type(like) is not dict or not (takes_any or like.keys() <= {*self._names}):
            raise TypeError(
                f"like= is a tuple of arguments of {name_of(self._f)}, as (x,), or a dict of them by name, not "
                f"{shorten(repr(like))} ({type(like).__name__})"
            )
        args, named = [], {**like}
        for parameter in by_position(self._f):
            if parameter.name not in named:
                break
            args.append(named.pop(parameter.name))
        return tuple(args), named

    def _guess(self, columns: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments, by the signature."""
        known = by_position(self._f)
        by_name = [p for p in parameters_of(self._f) if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
        if not by_name and columns in (len(known), sum(p.default is p.empty for p in known)):
            return (0.0,) * columns, {}
        if not by_name and len(known) == 1:
            return (the_numpy().zeros(columns),), {}
        like = f"{{{', '.join(f'{p.name!r}: …' for p in [*known, *by_name])}}}" if by_name else "(…,)"
        raise TypeError(
            f"it is not plain which arguments of {name_of(self._f)} {counted(columns, 'column')} are: show them by "
            f"batch(X, like={like}), or call it once before"
        )

    def _with_statics(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if not self._static and len(named) < 2:
            return args, named
        names = self._names
        order = sorted(named, key=lambda name: names.index(name) if name in names else len(names))
        named = {name: named[name] for name in order}
        if not self._static:
            return args, named
        for which in self._static:
            if which not in names and which not in range(len(args)) and which not in named:
                raise TypeError(
                    f"static={which!r} means no argument of {name_of(self._f)}, which has {', '.join(names)}"
                )
        fixed = {names.index(which) if isinstance(which, str) and which in names else which for which in self._static}
        return (
            tuple(Fixed(x) if i in fixed else x for i, x in enumerate(args)),
            {name: Fixed(x) if name in self._static else x for name, x in named.items()},
        )


class _Ways:
    """The Programs of f for arguments of one kind."""

    def __init__(self, f: Callable[..., Any], arguments: Layout, backend: str, most: int) -> None:
        self._f, self.arguments, self._backend, self._most = f, arguments, backend, most
        self.programs: list[Program] = []  # another list, whenever it changes: other threads may go over it
        self._crossroads, self._remainders = Crossroads(), Remainders()
        self._left = 0.0  # seconds that f itself may take before Programs run instead of it
        self._lock = RLock()  # of who changes them: two threads would record the same way

    def at(self, row: "np.ndarray") -> Any:
        """What f gives at one point."""
        if self._backend == "auto" and self.programs and self._left > 0:
            return self._timed(row)
        for program in (programs := self.programs):
            lanes = program.run(row[None])
            if not lanes.strayed[0]:
                if program is not programs[0]:
                    self._reorder({program}.__contains__)
                if lanes.failed[0] or program.error is not None:
                    return self._eagerly(row)  # for the error that it raises, or what it does about it
                return program.results.nest(lanes.outputs[0])
        found = self._another(programs, row)
        if found is None:
            return self._eagerly(row)
        program, outcome = found
        return self.at(row) if outcome is None else program.or_error().results.nest(outcome)

    def _timed(self, row: "np.ndarray") -> Any:
        """By f itself, until that has taken as long as making machine code of what is recorded would have."""
        begin = perf_counter()
        try:
            return self._eagerly(row)
        finally:
            self._left -= perf_counter() - begin

    def _eagerly(self, row: "np.ndarray") -> Any:
        results, numbers = self._by_f(row)
        return results.nest(numbers)

    def _by_f(self, row: "np.ndarray") -> tuple[Layout, list[float]]:
        args, named = self.arguments.nest(inputs(row.tolist()))
        results = Layout(self._f(*args, **named), is_value, is_answer)
        return results, [float(bare(x)) for x in results.example]

    def record(self, row: "np.ndarray") -> tuple[Program, list[float]]:
        """The Program of the way that f goes at this point, which is another one, and the numbers it comes to."""
        if len(self.programs) >= self._most:
            raise ProgramError(self._too_many())
        program, outcome = recorded(self._f, self.arguments.at(row.tolist()), self._backend)
        self._crossroads.add(program)  # before another thread may take it and ask where to go on from there
        self.programs = [program, *self.programs]
        self._left += preparation(program.code)
        return program, outcome

    def batch(self, table: "np.ndarray", mask: bool) -> Any:
        batch = _Batch(table)
        left = batch.points
        if len(self.programs) > 2:
            left = self._sent(batch, self.programs[0], left)
        tried = self.programs
        for program in tried:
            left, _ = batch.take(program, left)
        while len(left):
            found = self._another(tried, table[left[0]])
            if found is None:
                batch.take_from(self._by_f, left[0])
                left = left[1:]
                continue
            program, outcome = found
            tried = [*tried, program]
            left, _ = batch.take(program, left, outcome)
        self._reorder(batch.taken.__getitem__)  # the one that took most will come first
        result = batch.result(self.programs)
        return (result, batch.failed) if mask else result

    def _another(self, tried: list[Program], row: "np.ndarray") -> tuple[Program, list[float] | None] | None:
        """A Program besides those that were tried: one that another thread has recorded, or the one of this point.

        Of that, what it comes to as well. None if f itself has to do: a gate raises there, or another thread is recording,
        which may be waiting for this one.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            recorded = next((program for program in self.programs if program not in tried), None)
            return self.record(row) if recorded is None else (recorded, None)
        except GateRaised:
            return None
        finally:
            self._lock.release()

    def _reorder(self, key: Callable[[Program], int]) -> None:
        """Put those of the highest keys first, for the next one who asks: whoever goes over them goes on as he began."""
        if self._lock.acquire(blocking=False):
            self.programs = sorted(self.programs, key=key, reverse=True)
            self._lock.release()

    def _sent(self, batch: "_Batch", first: Program, points: "np.ndarray") -> "np.ndarray":
        """Let a Program take those of the points that go its way, and send the others on; those that are left."""
        pending, still = [(first, points, 0)], []
        while pending:  # one may send them to the next as often as there are ways
            program, points, passed = pending.pop()
            left, posts = batch.take(program, points)
            if len(left) >= _FEW and program.code.guards:
                left, others = self._parted(batch, program, left, posts, passed)
                pending += reversed(others)
            still.append(left)
        return cast("np.ndarray", the_numpy().concatenate(still))

    def _parted(
        self, batch: "_Batch", program: Program, points: "np.ndarray", posts: "np.ndarray", passed: int
    ) -> "tuple[np.ndarray, list[tuple[Program, np.ndarray, int]]]":
        """Of points that strayed, those for which no way is known, and by the Program of their way those that go on.

        Where little is left of a way, it is computed here.
        """
        numpy = the_numpy()
        lost, onward = numpy.ones(len(points), bool), []
        ends: dict[Remainder, list[tuple[Program, np.ndarray]]] = {}
        for other, k, number, some in self._crossroads.onward(program, posts, passed):
            rest = self._remainders.of(other, program, k, number)
            if rest is None:
                lost[some] = False
                onward.append((other, points[some], k + 1))
            else:
                ends.setdefault(rest, []).append((other, some))
        back = []
        for rest, parts in ends.items():
            at_once = numpy.concatenate([some for _, some in parts])
            lost[at_once] = False
            failed = batch.finish(rest, points[at_once])
            for other, some in parts:
                batch.taken[other] += len(some) - (numpy.isin(points[some], failed).sum() if len(failed) else 0)
            back.append(failed)
        return numpy.concatenate([points[lost], *back]), onward

    def _too_many(self) -> str:
        guards = [(program, guard) for program in self.programs for guard in program.code.guards]
        often = Counter(guard.line for _, guard in guards)
        first = {guard.line: told(program, guard) for program, guard in reversed(guards)}
        return "\n  ".join(
            [
                f"{name_of(self._f)} goes more than max_paths={self._most} ways. What sends it there, and how often it was asked:",
                *[f"{count:,} times like {first[line]}" for line, count in often.most_common(8)],
                "To choose without another way, there are where, maximum and minimum",
            ]
        )


class _Batch:
    """Many points, of which each is taken by the Program of the way that it goes."""

    def __init__(self, table: "np.ndarray") -> None:
        numpy = the_numpy()
        self.table = table
        self.points = numpy.arange(len(table))  # all of them, in order
        self.failed = numpy.zeros(len(table), bool)
        self.taken: Counter[Program] = Counter()
        self._outputs: Any = None
        self._results: Layout | None = None
        self._error: Exception | None = None  # the first that f itself raised

    def take(
        self, program: Program, points: "np.ndarray", outcome: list[float] | None = None
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Run a Program at some points; those that it does not take, and their signposts.

        Where it failed, they tell of no guard at which to go on. The first point is done if the outcome there is known.
        """
        if not len(points):
            return points, the_numpy().empty((0, 0))
        whole = points is self.points
        lanes, posts = program.run_posted(self.table if whole else self.table.take(points, axis=0))
        away = lanes.failed | lanes.strayed  # where a row failed, f may do something about it
        if outcome is not None:
            lanes.outputs[0], away[0] = outcome, False  # even if a guard is tipped by the last place of a number
        left = away.nonzero()[0]
        self.taken[program] += len(points) - len(left)
        if whole and self._results is None and program.error is None and len(left) < len(points):
            self._results, self._outputs = program.results, lanes.outputs
        else:
            here = (~away).nonzero()[0] if len(left) else slice(None)
            self._put(program, lanes.outputs[here], points[here])
        posts = posts[left]
        if len(left) and program.code.guards:
            posts[lanes.failed[left], 0] = len(program.code.guards)  # as if it had passed them all
        return points[left], posts

    def take_from(self, f: "Callable[[np.ndarray], tuple[Layout, list[float]]]", point: int) -> None:
        """Run f itself at one point, which may raise there."""
        try:
            results, numbers = f(self.table[point])
        except (ValueError, ArithmeticError) as error:
            self.failed[point], self._error = True, self._error or error
        else:
            self._keep(results, the_numpy().array([numbers]), self.points[point : point + 1])

    def finish(self, rest: Remainder, points: "np.ndarray") -> "np.ndarray":
        """Run what is left of a Program at these points; those at which it failed."""
        lanes = rest.run(self.table, points)
        done = ~lanes.failed if lanes.failed.any() else slice(None)
        self._put(rest.program, lanes.outputs[done], points[done])
        return cast("np.ndarray", points[lanes.failed])

    def _put(self, program: Program, outputs: "np.ndarray", points: "np.ndarray") -> None:
        """What a Program came to at these points."""
        if program.error is not None:
            self.failed[points] = True
        elif len(points):
            self._keep(program.results, outputs, points)

    def _keep(self, results: Layout, outputs: "np.ndarray", done: "np.ndarray") -> None:
        if self._results is None:
            self._results = results
            self._outputs = the_numpy().empty((len(self.table), results.size))
        else:
            places = _places(self._results, results)
            if places != [*range(results.size)]:
                outputs = outputs[:, places]  # a dict may have its keys in another order
            self._results = self._results.with_truths_in(results, places)
        self._outputs[done] = outputs

    def result(self, programs: "list[Program]") -> Any:
        """What came out; where no point went a way that has a result, nan in the nest of one of these Programs'."""
        numpy = the_numpy()
        if self._results is not None:
            self._outputs[self.failed] = numpy.nan
            return self._results.stacked(self._outputs)
        for program in programs:
            if program.error is None:
                return program.results.stacked(numpy.full((len(self.table), program.results.size), numpy.nan))
        if self.taken:  # by nothing but errors
            max(self.taken, key=lambda program: self.taken[program]).or_error()
        if self._error is not None:
            raise self._error
        raise ProgramError(
            "of no points, before any call, nobody knows what the result looks like: call it once before"
        )


def _places(results: Layout, others: Layout) -> list[int]:
    """Where the numbers of the result stand in those of another way."""
    try:
        return results.places_in(others)
    except Misfit as misfit:
        raise ProgramError(
            "the results of different ways are different nests, and batch has one array for each number: at "
            f"{place('out', misfit.path)} {misfit}"
        ) from None


def _named(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
