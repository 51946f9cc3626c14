"""Programs beside what else compiles: CasADi, JAX, C by hand; and beside the engine. `python -m benchmarks --only programs`.

Each comparison runs in a process of its own, on so many processors as there are threads, one if nothing else is said.
All of its runs are interleaved, and a ratio is that of two runs in a row; the median over the rounds is told.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

from benchmarks import measure
from benchmarks.problems import (
    EVERY_STEP,
    HESTON,
    NETWORK,
    PROBLEMS,
    QUARTERS,
    SAMPLES,
    SEED,
    STEPS,
    barrier_option,
    mixture,
    rosenbrock,
    uniform,
)

N, POINTS, LANES = 2_000, 1_024, 10_000
COMPILE = 60.0  # seconds that a compiler gets


@dataclass
class Line:
    """What was found of one aim."""

    what: str
    against: str
    unit: str
    ours: float | None = None
    other: float | None = None
    found: float | None = None  # how many times as fast as the other; or what else is aimed at
    target: float | None = None
    most: bool = False  # whether the target is the most, not the least
    sign: str = "×"  # behind what was found, and what was aimed at
    quartiles: tuple[float, float] | None = None  # of what was found, over the rounds
    note: str = ""
    reason: str = ""  # for finding nothing

    @property
    def reached(self) -> bool | None:
        if self.found is None or self.target is None:
            return None
        return self.found <= self.target if self.most else self.found >= self.target


class Comparison:
    """One process's work: what may be spent, and on how many threads."""

    def __init__(self, bench: measure.Bench, threads: int, quick: bool) -> None:
        self.bench, self.threads, self.quick = bench, threads, quick
        self.compile = COMPILE if not quick else 3.0

    def compare(
        self,
        line: Line,
        ours: Callable[[], Any],
        other: Callable[[], Any],
        per: tuple[float, float],
        scale: float = 1e9,
    ) -> Line:
        """Time both in turns; `per` is how many of the unit a run of each does."""
        seconds = self.bench.seconds(lambda _: other(), None)
        rounds = self.bench.rounds(lambda _: ours(), [], {"other": (lambda _: other(), seconds)})["other"]
        ratios = [theirs / per[1] / (own / per[0]) for own, theirs in rounds]
        line.ours = median(own for own, _ in rounds) / per[0] * scale
        line.other = median(theirs for _, theirs in rounds) / per[1] * scale
        if line.most:
            ratios = [1 / ratio for ratio in ratios]
        line.found = median(ratios)
        if len(ratios) > 1:
            low, _, high = quantiles(ratios, n=4, method="inclusive")
            line.quartiles = low, high
        return line


COMPARISONS: dict[str, Callable[[Comparison], Iterator[Line]]] = {}


def comparison(f: Callable[[Comparison], Iterator[Line]]) -> Callable[[Comparison], Iterator[Line]]:
    COMPARISONS[(f.__doc__ or "").partition(":")[0]] = f
    return f


def attempt(line: Line, do: Callable[[Line], Line]) -> Line:
    """The line, done, or with the reason why not."""
    try:
        return do(line)
    except Exception as error:
        line.reason = measure.why_not(error)
        return line


# ── the comparisons ─────────────────────────────────────────────────────────────────────────────────────────────────


def random_points(count: int, n: int) -> Any:
    import numpy

    return numpy.random.default_rng(SEED).uniform(0.5, 1.5, (count, n))


def checked(run: Callable[[], tuple[Any, Any]], f: Any, points: Any) -> Callable[[], tuple[Any, Any]]:
    """The run, if what it gives at the first, middle and last of the points is what scalargrad's engine gives."""
    import numpy

    values, gradients = map(numpy.asarray, run())
    values, gradients = values.reshape(len(points)), gradients.reshape(len(points), -1)
    reference = measure.REFERENCE.prepare(measure.own(f), points[0].tolist())
    for at in sorted({0, len(points) // 2, len(points) - 1}):
        measure.check(float(values[at]), gradients[at].tolist(), reference(points[at].tolist()))
    return run


def against_compilers(here: Comparison, count: int, targets: tuple[float, float]) -> Iterator[Line]:
    """Rosenbrock at so many points: a Program beside CasADi, and beside JAX at the largest size JAX compiles in time."""
    import numpy

    from benchmarks.peers.program import Program

    points = random_points(count, N)
    what, unit = f"Rosenbrock {N:,}, " + ("one point" if count == 1 else f"{count:,} points"), "ns per operation"

    def compare(line: Line, theirs: Any, at: Any) -> Line:
        ours, operations = Program().on_points(rosenbrock, at, here.threads), 8 * (at.shape[1] - 1) * count
        return here.compare(line, *[checked(run, rosenbrock, at) for run in (ours, theirs)], (operations, operations))

    def copying(theirs: Any, at: Any) -> str:
        """How fast it is to do nothing but bring the points to where the gradients would be."""
        out = at.copy()
        bound = here.compare(Line("", "", ""), lambda: numpy.copyto(out, at), theirs, (1, 1)).found
        return f"merely to copy the points is {bound:.1f} times as fast"

    def casadi(line: Line) -> Line:
        from benchmarks.peers.casadi import Casadi

        theirs = Casadi().on_points(rosenbrock, points, here.threads)
        if count > 1:
            line.note = copying(theirs, points)
        return compare(line, theirs, points)

    def jax(line: Line) -> Line:
        from benchmarks.peers.jax import Jax

        n, theirs, seconds = largest(lambda n: Jax().on_points(rosenbrock, points[:, :n], here.threads), here.compile)
        line.note = f"at {n:,}, which JAX compiled in {seconds:.0f} s"
        some = points[:, :n].copy()
        if count > 1:
            line.note += f"; {copying(theirs, some)}"
        return compare(line, theirs, some)

    yield attempt(Line(what, "CasADi SX", unit, target=targets[0]), casadi)
    yield attempt(Line(what, "JAX jit" + (" vmap" if count > 1 else ""), unit, target=targets[1]), jax)


def largest(prepare: Callable[[int], Any], most: float) -> tuple[int, Any, float]:
    """The largest of 125, 250 … 2,000 that is prepared in so many seconds of a processor; what came out, and how many."""
    n, found, before = N // 16, None, 0.0
    while True:
        begin = time.process_time()
        prepared = prepare(n)
        seconds = time.process_time() - begin
        if found is None or seconds <= most:
            found = n, prepared, seconds
        growth = max(2.0, seconds / before) if before else 2.0
        if n == N or seconds * growth > most:
            return found
        n, before = 2 * n, seconds


@comparison
def one_point(here: Comparison) -> Iterator[Line]:
    """one point: Rosenbrock, arrays in and out."""
    return against_compilers(here, 1, (4.0, 20.0))


@comparison
def many_points(here: Comparison) -> Iterator[Line]:
    """many points: Rosenbrock, arrays in and out."""
    return against_compilers(here, POINTS, (40.0, 20.0))


@comparison
def compile_time(here: Comparison) -> Iterator[Line]:
    """compile time: of Rosenbrock's gradient, by its size."""
    import gc

    from scalargrad.program import record

    per_row = {}
    for rows in (1_000, 10_000) if here.quick else (1_000, 10_000, 100_000):
        n = rows // 20 + 1  # a variable more is twenty rows of value and gradient more
        rounds = []
        x = uniform(n)
        for _ in range(5 if rows < 10_000 else 3 if rows < 100_000 else 1):
            gc.collect()
            marks = [time.process_time()]
            program = record(lambda xs: rosenbrock(xs, None), x, backend="llvm")
            marks.append(time.process_time())
            program = program.value_and_grad
            marks.append(time.process_time())
            count = len(program.lowered.rows)
            marks.append(time.process_time())
            program.run(random_points(1, n))
            marks.append(time.process_time())
            rounds.append([b - a for a, b in pairwise(marks)])
            del program
        recording, differentiating, simplifying, coding = map(median, zip(*rounds))
        whole = recording + differentiating + simplifying + coding
        what = f"compile, {count:,} rows"
        note = f"record {recording:.3f} s, differentiate {differentiating:.3f} s, simplify {simplifying:.3f} s"
        per_row[rows], coding = whole / count * 1e6, coding / count * 1e6
        unit = "µs per row"
        yield Line(what, "in all", unit, per_row[rows], found=per_row[rows], target=80.0, most=True, sign="", note=note)
        yield Line(what, "machine code alone", unit, coding, found=coding, most=True, sign="")

        def jax(line: Line, n: int = n, x: list[float] = x, whole: float = whole, count: int = count) -> Line:
            import numpy

            from benchmarks.peers.jax import Jax

            if n * 8 * Jax.least_cost > here.compile:
                raise measure.LeftOut(f"to compile it would take about {n * 8 * Jax.least_cost:,.0f} s")
            begin = time.process_time()
            Jax().on_points(rosenbrock, numpy.array([x]))
            seconds = time.process_time() - begin
            line.ours, line.other, line.found = whole / count * 1e6, seconds / count * 1e6, seconds / whole
            return line

        yield attempt(Line(what, "JAX jit", "µs per row", target=10.0), jax)
    few, many = min(per_row), max(per_row)
    ratio = per_row[many] / per_row[few]
    yield Line(f"compile, {many:,} ÷ {few:,}", "in all", "per row", found=ratio, target=1.5, most=True)


@comparison
def training_step(here: Comparison) -> Iterator[Line]:
    """training step: fit(compile=True) and tensors of PyTorch."""
    from benchmarks.peers.program import Fit

    def torch(line: Line) -> Line:
        from benchmarks.peers.torch import TorchTensors

        for peer in (Fit(), TorchTensors()):
            measure.check(*measure.first_step(peer), measure.first_step(measure.REFERENCE))
        (ours, _), (theirs, _) = [p.training(NETWORK.f, NETWORK.x, measure.RATE) for p in (Fit(), TorchTensors())]
        return here.compare(line, lambda: ours(None), lambda: theirs(None), (1, 1), scale=1e6)

    yield attempt(Line("training step", "PyTorch tensors", "µs per step", target=1.0), torch)


@comparison
def barriers(here: Comparison) -> Iterator[Line]:
    """barriers: Heston's model by Monte Carlo, each path a lane, against the engine path by path."""
    import math

    import numpy

    from benchmarks.peers import mathematics
    from scalargrad import exp, relu, sqrt, value_and_grad
    from scalargrad.engine import ENGINE
    from scalargrad.program import compile

    m = mathematics(math, exp=exp, sqrt=sqrt, relu=relu)
    lanes = LANES // 10 if here.quick else LANES
    shocks = numpy.random.default_rng(SEED).normal(size=(lanes, 2 * STEPS))
    table = numpy.hstack([numpy.tile(HESTON, (lanes, 1)), shocks])
    some = [shocks[i].tolist() for i in range(0, lanes, lanes // 100)]
    for dates, name in ((QUARTERS, "knocked out on 4 dates"), (EVERY_STEP, "knocked out at any of 50 steps")):
        eager = value_and_grad(lambda model, shocks, dates=dates: barrier_option(model, shocks, m, dates))
        compiled = compile(eager, backend="llvm")

        def ours(compiled: Any = compiled) -> Any:
            return compiled.batch(table, like=(HESTON, [0.0] * (2 * STEPS)))

        def path_by_path(eager: Any = eager) -> Any:
            return [eager(HESTON, path) for path in some]

        begin = time.perf_counter()
        values, gradients = ours()
        first = time.perf_counter() - begin
        for i, (value, gradient) in zip(range(0, lanes, lanes // 100), path_by_path()):
            measure.check(float(values[i]), gradients[i].tolist(), (value, gradient))
        ways = len(compiled.programs)
        line = Line(f"Heston, {lanes:,} lanes, {name}", f"{ENGINE} engine", "µs per path", target=100.0)
        line.note = f"{ways} ways; the first time {first:.1f} s"
        yield here.compare(line, ours, path_by_path, (lanes, len(some)), scale=1e6)


@comparison
def by_hand(here: Comparison) -> Iterator[Line]:
    """C: value and gradient written by hand."""
    import numpy

    from benchmarks import c
    from benchmarks.peers.program import Program

    nine = next(problem for problem in PROBLEMS if problem.f is mixture)
    samples = numpy.array(SAMPLES)
    near = numpy.array(nine.x) + 0.1 * random_points(POINTS, len(nine.x))
    cases = [
        ("rosenbrock", rosenbrock, N, random_points(1, N), ()),
        ("rosenbrock", rosenbrock, N, random_points(POINTS, N), ()),
        ("mixture", mixture, len(samples), near[:1].copy(), (samples,)),
        ("mixture", mixture, len(samples), near, (samples,)),
    ]
    for name, f, size, points, others in cases:
        count, n = points.shape
        what = f"{name.capitalize()}, " + ("one point" if count == 1 else f"{count:,} points")

        def compare(line: Line, name=name, f=f, size=size, points=points, others=others, n=n) -> Line:
            by_c = c.compiled(name, size, 1 + n, *others)(points)
            program = Program().of(f, points[0].tolist())

            def ours() -> Any:
                return program.run(points).outputs

            for run in (ours, by_c):
                checked(lambda run=run: (run()[:, 0], run()[:, 1:]), f, points)
            return here.compare(line, ours, by_c, (len(points),) * 2, scale=1e6)

        yield attempt(Line(what, " ".join(c.COMMAND[:3]), "µs per point", target=1.5, most=True), compare)


# ── a process for each ──────────────────────────────────────────────────────────────────────────────────────────────


def apart(name: str, threads: int, quick: bool) -> list[dict[str, Any]]:
    """The lines of a comparison, found by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.programs", name, "--threads", str(threads), *["--quick"] * quick]
    around = {**os.environ, "SCALARGRAD_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    around.pop("SCALARGRAD_CACHE", None)
    done = subprocess.run(command, capture_output=True, text=True, env=around)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    lines: list[dict[str, Any]] = json.loads(done.stdout.rpartition("\n\n")[2])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.programs", description=__doc__)
    parser.add_argument("name", choices=COMPARISONS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # before any library counts the processors
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.threads :])
    if options.threads > 1:
        measure.clock = time.perf_counter  # the processor time is that of all threads
    bench = measure.Bench(measure.QUICK if options.quick else measure.Effort())
    lines = list(COMPARISONS[options.name](Comparison(bench, options.threads, options.quick)))
    print("\n\n" + json.dumps([asdict(line) | {"reached": line.reached, "threads": options.threads} for line in lines]))


if __name__ == "__main__":
    main()
