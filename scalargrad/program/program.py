"""A Program: what a function did, once, as code that runs again on other numbers."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from scalargrad import transforms
from scalargrad.engine import Tape, Value, inputs, is_truth, is_value
from scalargrad.engine.messages import name_of, shorten
from scalargrad.engine.thread import here
from scalargrad.errors import ProgramError
from scalargrad.files import destination, write
from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program import backends, file
from scalargrad.program.arrays import Lanes, table_of, the_numpy
from scalargrad.program.code import Code, Guard, evaluate
from scalargrad.program.crossroads import signposted
from scalargrad.program.expansion import expanded
from scalargrad.program.layout import Layout, Misfit, argument, place
from scalargrad.program.listing import expected, in_short, listing, names_of
from scalargrad.program.recording import GateRaised, code_of, recording
from scalargrad.program.replay import replayed
from scalargrad.program.schedule import scheduled
from scalargrad.program.simplify import simplified
from scalargrad.program.snapshot import Steady
from scalargrad.sweeps import OnFloats, bare

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Program", "Stats", "counted", "load", "record", "restored"]


def record(f: Callable[..., Any], *example: Any, backend: str = "auto", **named: Any) -> "Program":
    """Run f once at an example, and make a Program of what it did.

    The Program takes arguments like the example, any nests of numbers, and gives what f gave, at any numbers for which f
    goes the same way; elsewhere it raises ProgramError, for it would be wrong (`compile` records the other way as well).
    Inputs that f closes over (parameters) are read at every call. What else f reads is what it was at the recording.
    Raises what f raises; GradientLostError if f reads the `.data` of a Value; ProgramError for an effect on Values
    (`backward()`, setting data); NotAnInputError if it uses a Value that was computed before.

    >>> p = record(lambda x, y: x * y + 1, 2.0, 3.0)
    >>> p(10.0, 4.0)
    41.0
    >>> p.value_and_grad(10.0, 4.0)
    (41.0, (4.0, 10.0))
    """
    if not callable(f):
        raise TypeError(
            f"record takes a function and an example of its arguments, not {shorten(repr(f))} ({type(f).__name__})"
        )
    arguments = Layout((example, named))
    try:
        return recorded(f, arguments, backend)[0].or_error()
    except GateRaised:
        args, named = arguments.nest(inputs(arguments.example))
        f(*args, **named)  # which raises the same, if f does nothing about it
        raise


def recorded(
    f: Callable[..., Any], arguments: Layout, backend: str, positional: Sequence[str] | None = None
) -> "tuple[Program, list[float]]":
    """The Program of f at the example of its arguments, and the numbers that f came to there.

    If f raises ValueError or an ArithmeticError, it is the Program of the way to that. `positional` are the names of what
    f takes by position, if its signature does not tell.
    """
    xs, error, result = inputs(arguments.example), None, None
    args, named = arguments.nest(xs)
    with transforms.despite_no_grad(), recording() as recorder:
        try:
            result = f(*args, **named)
            recorder.pin_texts()
        except (ValueError, ArithmeticError) as raised:
            error = raised
        except (TypeError, IndexError) as raised:
            if any(text in str(raised) for text in ("interpreted as an integer", "must be integers", "only integers")):
                raised.add_note("a number that counts, as the n of range(n), is not recorded: compile(f, static='n')")
            raise
    if recorder.escape is not None:
        raise recorder.escape
    results = Layout(result, is_value, is_answer)
    for thing in results.statics:
        if not isinstance(thing, (type(None), bool, str, bytes)):  # in which may be Values, or what depends on them
            raise ProgramError(
                f"{name_of(f)} returned {shorten(repr(thing))} ({type(thing).__name__}), and a Program gives back numbers, "
                "in lists, tuples, dicts, dataclasses and arrays"
            )
    code, parameters = code_of(recorder, xs, results.example)
    for x in parameters:
        _ = x.data  # for whoever records around this, or wonders where a gradient was lost
    outcome = [float(bare(x)) for x in results.example]
    if positional is None:
        positional = [p.name for p in transforms.by_position(f)]
    return Program(code, arguments, results, parameters, name_of(f), backend, positional, error), outcome


def is_answer(x: object) -> bool:
    """A bool, or a comparison in its place: where this way has the one, another way may have the other."""
    return type(x) is bool or is_truth(x)


def load(path: str | os.PathLike[str]) -> "Program":
    """The Program that `p.save(path)` wrote, here or on another machine.

    It does what the saved one does. Its parameters are new inputs, `p.parameters`; its backend is "auto".
    A file of somebody else can be loaded: nothing in it is run before you run the Program. Raises ProgramError if it is
    not a file of a Program, is damaged, or of a version that is not known here; OSError where it cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        contents = file.read(content)
    except ProgramError as problem:
        raise ProgramError(f"{os.fspath(path)}: {problem}") from None
    return _program(contents, [Value(*parameter) for parameter in contents.parameters], "auto")


def restored(content: bytes, parameters: Sequence[Value], backend: str) -> "Program":
    """What a copied or pickled Program is made again with; its backend is "auto" where the old one is not installed."""
    contents = file.read(content)
    if len(parameters) != len(contents.parameters):
        raise ProgramError(f"a Program of {len(contents.parameters)} parameters is pickled with {len(parameters)}")
    try:
        return _program(contents, parameters, backend)
    except ProgramError:
        return _program(contents, parameters, "auto")


def _program(contents: file.Contents, parameters: Sequence[Value], backend: str) -> "Program":
    nests = contents.arguments, contents.results
    return Program(contents.code, *nests, parameters, contents.name, backend, contents.positional)


class Stats(dict[str, int]):
    """How much there is in a Program; printed as a sentence."""

    def __str__(self) -> str:
        counts = [counted(self[f"{what}s"], what) for what in ("input", "parameter", "output", "guard")]
        return f"{', '.join(counts)}; {counted(self['recorded rows'], 'row')} recorded, {self['rows']:,} after simplification"


def counted(count: int, what: str) -> str:
    """So many of something."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class Program(Steady):
    """Straight-line code with the nests of its arguments and results: see `record`.

    `p(*args)` runs it at a point, `p.batch(X)` at many; `p.value_and_grad`, `p.jacobian` and `p.hessian` are Programs
    too. `len(p)`, `p[i]` and iteration give its rows at the example, as a tape does, so that `draw(p)` draws it;
    `print(p)` lists them as recorded, and `p.stats` counts them, before and after simplification. On Values it records
    what it does.
    """

    def __init__(
        self,
        code: Code,
        arguments: Layout,
        results: Layout,
        parameters: Sequence[Value],
        name: str,
        backend: str,
        positional: Sequence[str] = (),
        error: Exception | None = None,
    ) -> None:
        self.code, self.name, self.backend = code, name, backends.named(backend).name
        self.arguments, self.results, self.parameters = arguments, results, list(parameters)
        self.positional = list(positional)  # the names of what the function takes by position, where they are known
        self.error = error  # that the function raised at the end of this way, if it did

    def or_error(self) -> "Program":
        """Itself, if the function came to a result; else it raises what the function raised."""
        if self.error is not None:
            raise self.error
        return self

    @property
    def __name__(self) -> str:
        return self.name

    # ── running it ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __call__(self, *args: Any, **named: Any) -> Any:
        try:
            row = self.arguments.row((args, named))
        except Misfit:
            return self._on_values(Layout((args, named), is_value))
        lanes = self.run(row[None])
        if lanes.failed[0] or lanes.strayed[0]:
            return self._on_floats(row.tolist())
        return self.results.nest(lanes.outputs[0])

    def batch(self, points: "np.ndarray", *, mask: bool = False) -> Any:
        """What it gives at many points: an array of shape (points, inputs) in, a column for each number of the arguments.

        Each number or bool of the result becomes an array over the points, a list of numbers or an array one with an axis
        more.
        Where f would raise there are infinities or nan; with `mask`, the second result tells where, of shape (points,).
        Raises ProgramError if at any point f goes another way than the Program does.
        """
        points = self._table(points)
        lanes = self.run(points)
        if lanes.strayed.any():
            at = int(lanes.strayed.argmax())
            raise ProgramError(
                f"at {int(lanes.strayed.sum()):,} of {len(points):,} points, {self._strayed(points[at].tolist())}"
            )
        outputs = lanes.outputs
        if lanes.failed.any():
            outputs[lanes.failed[:, None] & the_numpy().isfinite(outputs)] = the_numpy().nan
        return (self.results.stacked(outputs), lanes.failed.copy()) if mask else self.results.stacked(outputs)

    def run(self, table: "np.ndarray", parameters: "np.ndarray | None" = None) -> Lanes:
        """The bare numbers at many points, and where they are not to be trusted: see `Lanes` in arrays.py.

        `parameters` are the numbers of the parameters, if not what they are now.
        """
        if parameters is None:
            parameters = self.parameter_numbers() if self.parameters else self._nothing
        return self._runner(table, parameters)

    @cached_property
    def _runner(self) -> backends.Runner:
        return self.runner_of(self.lowered)

    def run_posted(self, table: "np.ndarray") -> "tuple[Lanes, np.ndarray]":
        """A run that also tells, of the points that strayed, where they did: see `signposted`."""
        lanes, own = self._posted_runner(table, self.parameter_numbers()), len(self.code.outputs)
        return lanes._replace(outputs=lanes.outputs[:, :own]), lanes.outputs[:, own:]

    @cached_property
    def _posted_runner(self) -> backends.Runner:
        if not self.code.guards:
            return self._runner
        return self.runner_of(self.lowering_of(signposted(self.code)))

    @cached_property
    def lowered(self) -> Code:
        """What backends run: gates expanded into rows, simplified, and scheduled."""
        return self.lowering_of(self.code)

    def lowering_of(self, code: Code) -> Code:
        """Other code on this Program's inputs and parameters, made ready for backends."""
        return scheduled(simplified(expanded(code, self._with_parameters(self.arguments.example))))

    def runner_of(self, lowered: Code) -> backends.Runner:
        """What runs such code, on this Program's backend."""
        return backends.named(self.backend).prepare(lowered)

    def _with_parameters(self, numbers: list[float]) -> list[float]:
        """The numbers of the inputs, and behind them those of the parameters as they are now."""
        return [*numbers, *[x._data for x in self.parameters]]

    def parameter_numbers(self) -> "np.ndarray":
        """The numbers of the parameters as they are now."""
        return cast("np.ndarray", the_numpy().array([x.data for x in self.parameters], dtype=float))

    @cached_property
    def _nothing(self) -> "np.ndarray":  # to make an array of nothing takes a tenth of a small Program's run
        return cast("np.ndarray", the_numpy().empty(0))

    def _table(self, points: Any) -> "np.ndarray":
        table = table_of(points)
        if table.shape[1] != self.arguments.size:
            raise TypeError(
                f"the points have {counted(table.shape[1], 'column')}, and the Program {self.name} takes "
                f"{counted(self.arguments.size, 'number')}, {in_short(self.inputs) or 'none'}, each in a column"
            )
        return table

    # ── running it by the engine ────────────────────────────────────────────────────────────────────────────────────

    def _on_floats(self, numbers: list[float]) -> Any:
        """Slowly, by the engine on plain numbers: for the exception that it raises, or to say where it strays."""
        return self._again(self._with_parameters(numbers), numbers)

    def _on_values(self, given: Layout) -> Any:
        """On Values, recording: what comes out are Values, or plain numbers where they depend on none.

        Raises GateError for a row that nobody could differentiate.
        """
        for row in self.code.rows:
            if isinstance(row.rule, OnFloats):
                raise row.rule.not_differentiable()
        try:  # which of the numbers stands where
            places = self.arguments.places_in(given)
        except Misfit as misfit:
            raise TypeError(self._told(misfit, given)) from None
        numbers = [given.example[i] for i in places]
        return self._again([*numbers, *self.parameters], [float(bare(x)) for x in numbers])

    def _again(self, given: list[Any], as_floats: list[float]) -> Any:
        numbers = replayed(self.code, given, lambda: self._strayed(as_floats))
        outputs = [numbers[i] for i in self.code.outputs]
        if here.state.recorder is None:
            outputs = [x._data if is_truth(x) else x for x in outputs]
        return self.results.nest(outputs)

    def _told(self, misfit: Misfit, given: Layout) -> str:
        """A misfit among the arguments in words, with their names."""
        if len(misfit.path) > 1:
            return f"{self._takes}: at {argument(misfit.path, self.positional)} {misfit}"
        return self.other_arguments(*given.nest(given.example))

    def other_arguments(self, args: tuple[Any, ...], named: dict[str, Any]) -> str:
        """In words that these are more or fewer arguments, or of other names, than it takes."""
        return f"{self._takes}, and was given {len(args)} by position and {', '.join(named) or 'none'} by name"

    @property
    def _takes(self) -> str:
        args, named = self.arguments.nest(self.arguments.example)
        names = [*(argument((0, i), self.positional) for i in range(len(args))), *(f"{name}=" for name in named)]
        return f"the Program {self.name} takes {len(names)} argument(s), {', '.join(names)}, given as at its recording"

    def _strayed(self, numbers: list[float]) -> str:
        numbers = self._with_parameters(numbers)
        if guard := first_difference(self.code, numbers):
            way = told(self, guard)
        elif guard := first_difference(self.lowered, numbers):
            way = f"within a gate, at {guard.line}"
        else:
            return f"{self.name} goes another way than the Program by the last place of a number"
        return f"{self.name} goes another way than the Program {way}: compile({self.name}) records it"

    # ── other Programs ──────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def value_and_grad(self) -> "Program":
        """The Program of what this one gives, one number, and its gradient, in the nest of the argument or arguments."""
        return self._transformed(transforms.value_and_grad)

    @cached_property
    def jacobian(self) -> "Program":
        """The Program of all first derivatives, as `scalargrad.jacobian` gives them for the argument or arguments."""
        return self._transformed(transforms.jacobian)

    @cached_property
    def hessian(self) -> "Program":
        """The Program of all second derivatives of one number, as `scalargrad.hessian` gives them."""
        return self._transformed(transforms.hessian)

    @cached_property
    def pullback(self) -> "Program":
        """The Program that pulls seeds back, of two lists: the numbers, parameters last, and a seed for each result.

        It gives the derivatives of the sum of seed * result by all these numbers, as one list.
        """
        code = replace(self.code, inputs=self.code.inputs + self.code.shared, shared=0)
        example = self._with_parameters([*map(float, self.arguments.example)])
        seeds = [1.0] * len(code.outputs)
        whole = Program(code, Layout(((example,), {})), Layout(seeds), [], self.name, self.backend)

        def pull(numbers: list[Any], seeds: list[Any]) -> Any:
            return transforms.vjp(whole)(numbers)[1](seeds)

        pull.__name__ = f"pullback({self.name})"
        return recorded(pull, Layout(((example, seeds), {})), self.backend)[0].or_error()

    def to_jax(self) -> Callable[..., Any]:
        """A function of JAX that gives what this Program gives, for `jax.jit`, `vmap` and `grad`, on any device.

        It takes arguments in the same nest, of JAX's numbers and arrays (also an array for a list of numbers), and gives
        results in theirs, a list of numbers being an array. If the Program has parameters, their numbers come first, as
        one array in the order of `p.parameters`: compiled code does not see it when they change.

        It needs `jax_enable_x64`. Derivatives backward, of any order, are Programs by the rules of the table, not JAX's;
        forward (`jax.jvp`, `jax.hessian`) JAX raises TypeError: `p.hessian.to_jax()`. Where the Program would raise, every
        result and derivative is nan, for compiled code cannot. Last places may differ: see `backends/jax.py`.

        Raises ProgramError where JAX is not installed; and, by name, for a gate that is not written with the package's
        functions throughout, and for fma.

        >>> f = record(lambda x, y: {"area": x * y}, 2.0, 3.0).to_jax()
        """
        return backends.jax_function(self.or_error())

    def _transformed(self, transform: Callable[..., Any]) -> "Program":
        args, named = self.arguments.nest(self.arguments.example)
        argnums = (*range(len(args)), *named)
        derived = transform(self, argnums=argnums[0] if len(argnums) == 1 else argnums)
        derived.__name__ = f"{transform.__name__}({self.name})"
        return recorded(derived, self.arguments, self.backend, self.positional)[0].or_error()

    # ── keeping it ──────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, all of it or nothing, for `load`; what is in there is told in file.py.

        Raises ProgramError, naming it, for what has no place in a file: a gate, or a class of your own among the
        arguments or results; OSError where it cannot be written.

        >>> import tempfile
        >>> p = record(lambda x, y: x * y + 1, 2.0, 3.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load(p.save(f"{folder}/p.json"))(10.0, 4.0)
        41.0
        """
        content, path = file.written(self), destination(path)
        write(path, content)
        return path

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and pickles; the parameters go on their own, and so stay those of a model that goes along."""
        return restored, (file.written(self), self.parameters, self.backend)

    # ── looking at it ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs: v[0], p['a'] …"""
        return [argument(path, self.positional) for path in self.arguments.paths]

    @property
    def outputs(self) -> list[str]:
        """The names of its outputs: out, or out[0], out['a'] …"""
        return [place("out", path) for path in self.results.paths]

    @property
    def roots(self) -> list[Value]:
        """What a picture of it begins at: the rows of its outputs and guards at the example."""
        found = {*self.code.outputs, *(guard.number for guard in self.code.guards)}
        return [row for row, at in self._rows_by_number if at in found]

    @property
    def stats(self) -> Stats:
        """How many inputs, parameters, outputs, guards and rows it has, before and after simplification."""
        code = self.code
        return Stats(
            {
                "inputs": code.inputs,
                "parameters": code.shared,
                "outputs": len(code.outputs),
                "guards": len(code.guards),
                "recorded rows": len(code.rows),
                "rows": len(self.lowered.rows),
            }
        )

    def __str__(self) -> str:
        return listing(self)

    def __repr__(self) -> str:
        counts = zip(
            (self.code.inputs, len(self.code.rows), len(self.code.outputs)), ("input", "row", "output"), strict=True
        )
        return f"<Program {self.name}: {', '.join(counted(count, what) for count, what in counts)}>"

    def __len__(self) -> int:
        return len(self.code.rows)

    def __iter__(self) -> Iterator[Value]:
        return iter(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    @property
    def _rows(self) -> list[Value]:
        """The rows at the example, as Values."""
        return [row for row, at in self._rows_by_number if at >= self.code.start]

    @cached_property
    def _rows_by_number(self) -> list[tuple[Value, int]]:
        with Tape():
            parameters = [Value(x._data, label) for x, label in zip(self.parameters, self.parameter_names)]
            xs = [Value(x, name) for x, name in zip(self.arguments.example, self.inputs)]
            numbers = replayed(self.code, [*xs, *parameters], lambda: self._strayed(self.arguments.example))
        return [(row, at) for at, row in enumerate(numbers) if type(row) is Value]

    @property
    def parameter_names(self) -> list[str]:
        """The labels of the inputs of others that it reads at every call; p0, p1 … for those without."""
        return [x.label or f"p{i}" for i, x in enumerate(self.parameters)]


def first_difference(code: Code, numbers: list[float]) -> Guard | None:
    """The first guard that comes out differently with these inputs and shared numbers."""
    guarded = replace(code, outputs=tuple([guard.number for guard in code.guards]), guards=())
    found, _, _ = evaluate(guarded, IEEE, [*map(IeeeFloat, numbers)], [], IeeeFloat)
    return next((g for g, number in zip(code.guards, found, strict=True) if number != g.expected), None)


def told(program: Program, guard: Guard) -> str:
    """A guard in words, with the names of the listing: what was so at the recording, and where."""
    code = program.code
    if guard.number < code.start:
        what = "of a constant"
    else:
        row, names = code.rows[guard.number - code.start], names_of(program)
        what = f"{row.rule.text(*[names[x] for x in row.operands])} is {expected(row, guard)}"
        if row.rule.name == "detach":
            what = (
                f"{names[row.operands[0]]} is exactly {expected(row, guard)}, as a text (print, str) or an error tells"
            )
    return f"recorded where {what}" + (f", at {guard.line}" if guard.line else "")
