"""How things are timed: interleaved, each beside plain floats, so that a noisy machine disturbs both alike.

Per round a peer is timed beside the plain function on floats, for some milliseconds and three runs, after a run of each
that does not count; the ratio is that of the two, and what is reported is the median over the rounds. So whoever leaves
garbage pays for collecting most of it, as in a program that goes on; and nobody for another's. A slow peer gets fewer rounds, and
what would take too long is left out, with the reason. No gradient is timed that was not compared with scalargrad's before.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from types import CodeType, FunctionType
from typing import Any

from benchmarks.peers import Gradient, Peer, System, TapePeer, mathematics
from benchmarks.peers.floats import Floats
from benchmarks.peers.scalargrad import PEERS as OURS
from benchmarks.peers.scalargrad import READABLE, Scalargrad
from benchmarks.problems import NETWORK, Problem, rosenbrock, uniform

FLOATS = Floats()
REFERENCE = next(peer for peer in OURS if isinstance(peer, Scalargrad))  # the native engine where it is built
WRITTEN_OUT = mathematics(READABLE.package_itself)  # to count operations with

TOLERANCE = 1e-9  # of a gradient, relative to its largest component
WRONG = "WRONG"  # what the reason for leaving it out then begins with
RATE = 0.1  # of the training

#: The processor time of this process, where it is told finely enough: it leaves out what others on the machine take.
CLOCK = "process_time" if time.get_clock_info("process_time").resolution < 1e-6 else "perf_counter"
clock: Callable[[], float] = getattr(time, CLOCK)


@dataclass(frozen=True)
class Effort:
    """How much time may be spent."""

    rounds: int = 31  # at most, of each cell
    window: float = 0.005  # seconds timed at once, at least
    cell: float = 2.0  # seconds for the rounds of one cell
    longest: float = 4.0  # seconds that one run may take
    preparation: float = 5.0  # seconds that recording or compiling once may take
    growth: tuple[int, ...] = (3, 4, 5, 6, 7)  # powers of ten, in rows


QUICK = Effort(rounds=9, window=0.002, cell=0.2, longest=0.4, preparation=0.7, growth=(3, 4, 5, 6))


@dataclass
class Cell:
    """What was measured of one peer on one problem; or the reason why not."""

    problem: str
    inputs: int
    operations: int
    peer: str
    ns: float | None = None  # per operation
    fastest: float | None = None  # of all rounds
    ratio: float | None = None  # to plain floats
    quartiles: tuple[float, float] | None = None  # of that ratio over the rounds
    rounds: int = 0
    seconds_once: float | None = None  # of recording or compiling, where that is done once
    reason: str = ""

    def take(self, times: list[tuple[float, float]]) -> None:
        """Note the rounds: seconds of plain floats, and of the peer right after."""
        ratios = [seconds / base for base, seconds in times]
        self.ns = median(seconds for _, seconds in times) / self.operations * 1e9
        self.fastest = min(seconds for _, seconds in times) / self.operations * 1e9
        self.ratio, self.rounds = median(ratios), len(times)
        if len(ratios) > 1:
            low, _, high = quantiles(ratios, n=4, method="inclusive")
            self.quartiles = low, high


class LeftOut(Exception):
    """What would take too long."""


class WrongGradient(Exception):
    """Not what scalargrad says."""


def why_not(error: Exception) -> str:
    """An exception as a reason."""
    if isinstance(error, (LeftOut, WrongGradient)):
        return str(error)
    if isinstance(error, AttributeError) and error.name in ("exp", "log", "sqrt"):
        return f"it has no {error.name}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 80 else text[:79] + '…'}"


def check(value: float, gradient: list[float], expected: tuple[float, list[float]]) -> None:
    """Raises WrongGradient unless value and gradient are those expected."""
    largest = max(map(abs, expected[1]))
    worst = max(abs(g - e) for g, e in zip(gradient, expected[1], strict=True))
    off = abs(value - expected[0])
    if not (worst <= TOLERANCE * largest and off <= TOLERANCE * abs(expected[0])):
        raise WrongGradient(f"{WRONG}: value and gradient are off by {off:.1e} and {worst:.1e}")


def own(f: FunctionType) -> Any:
    """The function with code of its own: the interpreter rewrites code to suit the numbers that it runs on."""

    def fresh(code: CodeType) -> CodeType:
        return code.replace(co_consts=tuple(fresh(c) if isinstance(c, CodeType) else c for c in code.co_consts))

    return FunctionType(fresh(f.__code__), f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def timed(run: Callable[[Any], Any], x: Any, loops: int = 1) -> float:
    """Seconds per run."""
    begin = clock()
    for _ in range(loops):
        run(x)
    return (clock() - begin) / loops


class Bench:
    """One run of the command: what it may spend, and what it has learnt of each peer's pace."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.pace: dict[str, float] = {}  # seconds per operation, of a run
        self.pace_once: dict[str, float] = {}  # and of recording or compiling
        settle()

    def loops(self, seconds: float) -> int:
        """How many runs fill a window: three at least, unless they would take more than a quarter of a cell's time."""
        seconds = max(seconds, 1e-9)
        return max(1, round(min(max(3, self.effort.window / seconds), self.effort.cell / 4 / seconds)))

    def seconds(self, run: Callable[[Any], Any], x: Any) -> float:
        """How many seconds a run takes: the first ones, with cold caches, do not count for more than they are."""
        seconds = timed(run, x)
        for _ in range(2):
            if seconds < self.effort.window:
                seconds = min(seconds, timed(run, x, self.loops(seconds)))
        return seconds

    def check_pace(self, peer: System, operations: int) -> None:
        """Raises LeftOut if, by what is known, the peer would take too long."""
        if (seconds := operations * max(peer.least_cost, self.pace_once.get(peer.name, 0.0))) > self.effort.preparation:
            raise LeftOut(f"to record or compile it would take about {seconds:,.1f} s")
        if (seconds := operations * self.pace.get(peer.name, 0.0)) > self.effort.longest:
            raise LeftOut(f"one run would take about {seconds:,.1f} s")

    def _learn(self, pace: dict[str, float], peer: Peer, operations: int, seconds: float) -> None:
        if operations > 1_000:  # what few operations take tells of the start rather
            pace[peer.name] = seconds / operations

    # ── value and gradient ──────────────────────────────────────────────────────────────────────────────────────────

    def cells(self, problem: Problem, peers: list[Peer]) -> Iterator[Cell]:
        """Each peer on a problem."""
        f, x = problem.f, problem.x
        operations = READABLE.rows(problem.f, x, WRITTEN_OUT)
        expected = REFERENCE.prepare(own(f), x)(x)
        runs: dict[str, tuple[Gradient, float]] = {}
        cells = {peer.name: Cell(problem.name, len(x), operations, peer.name) for peer in peers}
        for peer in peers:
            try:
                runs[peer.name] = self._prepared(peer, problem, expected, cells[peer.name])
            except Exception as error:
                cells[peer.name].reason = why_not(error)
        settle()
        for name, times in self.rounds(FLOATS.prepare(own(f), x), x, runs).items():
            cells[name].take(times)
        yield from cells.values()

    def _prepared(
        self, peer: Peer, problem: Problem, expected: tuple[float, list[float]], cell: Cell
    ) -> tuple[Gradient, float]:
        """The gradient of a problem, seen to be right, and how many seconds a run takes."""
        self.check_pace(peer, cell.operations)
        gc.collect()
        begin = time.perf_counter()
        run = peer.prepare(own(problem.f), problem.x)
        if peer.once:
            cell.seconds_once = time.perf_counter() - begin
            self._learn(self.pace_once, peer, cell.operations, cell.seconds_once)
        if peer.name == FLOATS.name:
            run(problem.x)
        else:
            check(*run(problem.x), expected)
        seconds = self.seconds(run, problem.x)
        self._learn(self.pace, peer, cell.operations, seconds)
        return run, seconds

    def rounds(
        self, plain: Gradient, x: list[float], runs: dict[str, tuple[Gradient, float]]
    ) -> dict[str, list[tuple[float, float]]]:
        """Of each run the rounds, interleaved: seconds of plain floats, and of the run right after."""
        base_loops = self.loops(self.seconds(plain, x))
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        left = dict.fromkeys(runs, self.effort.cell)
        for i in range(self.effort.rounds):  # the first of two is at a disadvantage: they take turns
            for name, (run, seconds) in runs.items():
                loops = self.loops(seconds)
                if times[name] and left[name] < seconds * loops:
                    continue
                gc.collect()  # nobody pays for another's garbage,
                if loops > 1:  # nor for the caches and the heap as that one left them
                    plain(x), run(x)
                first, second = ((plain, base_loops), (run, loops))[:: 1 if i % 2 else -1]
                pair = timed(first[0], x, first[1]), timed(second[0], x, second[1])
                times[name].append(pair if i % 2 else pair[::-1])
                left[name] -= seconds * loops
        return times

    # ── the parts of a run ──────────────────────────────────────────────────────────────────────────────────────────

    def parts(self, problem: Problem, peer: TapePeer) -> dict[str, float]:
        """Nanoseconds per operation of making inputs, recording, sweeping, reading back and letting go."""
        f, x, m = own(problem.f), problem.x, peer.m
        operations = READABLE.rows(problem.f, x, WRITTEN_OUT)
        self.check_pace(peer, operations)
        rounds: list[list[float]] = []
        left = self.effort.cell / 2
        while len(rounds) < self.effort.rounds and left > 0:
            gc.collect()
            marks = [clock()]
            vs = peer.inputs(x)
            marks.append(clock())
            y = f(vs, m)
            marks.append(clock())
            peer.sweep(y)
            marks.append(clock())
            peer.read(vs)
            marks.append(clock())
            del vs, y
            marks.append(clock())
            rounds.append([b - a for a, b in pairwise(marks)])
            left -= marks[-1] - marks[0]
        columns = [median(column) / operations * 1e9 for column in zip(*rounds)]
        return dict(zip(PARTS, columns))

    # ── the training step ───────────────────────────────────────────────────────────────────────────────────────────

    def training(self, peer: System) -> dict[str, Any]:
        """Seconds per step, and its ratio to plain floats, with the garbage collector as it is, and off."""
        self.check_pace(peer, READABLE.rows(NETWORK.f, NETWORK.x, WRITTEN_OUT))
        if peer.name != FLOATS.name:
            check(*first_step(peer), first_step(REFERENCE))
        plain, found = FLOATS.prepare(own(NETWORK.f), NETWORK.x), {}
        base_loops = self.loops(self.seconds(plain, NETWORK.x))
        for enabled in (True, False):
            step, _ = peer.training(own(NETWORK.f), NETWORK.x, RATE)
            times: list[tuple[float, float]] = []
            loops, left = self.loops(timed(step, None)), self.effort.cell
            gc.collect()
            try:
                if not enabled:
                    gc.disable()
                while len(times) < self.effort.rounds and (len(times) < 3 or left > 0):
                    if loops > 1:  # the caches are as the collection left them
                        plain(NETWORK.x), step(None)
                    times.append((timed(plain, NETWORK.x, base_loops), timed(step, None, loops)))
                    left -= times[-1][1] * loops
                    if not enabled:
                        gc.collect()
            finally:
                gc.enable()
            seconds = median(seconds for _, seconds in times)
            ratio = median(seconds / base for base, seconds in times)
            found["gc as it is" if enabled else "gc off"] = {"seconds": seconds, "ratio": ratio, "rounds": len(times)}
        return found

    # ── growth ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def growth(self, peer: Peer) -> list[dict[str, float]]:
        """Nanoseconds per operation on ever larger Rosenbrock functions, and the ratios to plain floats."""
        found = []
        for power in self.effort.growth:
            rows = 10**power
            try:
                self.check_pace(peer, rows)
            except LeftOut:
                break
            x = uniform(rows // 8 + 1)
            plain, run = FLOATS.prepare(own(rosenbrock), x), peer.prepare(own(rosenbrock), x)
            base, seconds = timed(plain, x), timed(run, x)
            self._learn(self.pace, peer, rows, seconds)
            rounds = max(3, min(self.effort.rounds, int(self.effort.cell / seconds)))
            times = [(timed(plain, x, self.loops(base)), timed(run, x, self.loops(seconds))) for _ in range(rounds)]
            ns = median(seconds for _, seconds in times) / rows * 1e9
            found.append({"rows": rows, "ns": ns, "ratio": median(seconds / base for base, seconds in times)})
        return found


PARTS = ("inputs", "record", "sweep", "read back", "let go")


def settle() -> None:
    """Keep what there is, imported modules above all, out of the garbage collections that will be timed."""
    gc.collect()
    gc.freeze()


def first_step(peer: System) -> tuple[float, list[float]]:
    """The loss before the first step of the training, and the gradient that the step went along."""
    step, weights = peer.training(own(NETWORK.f), NETWORK.x, RATE)
    loss = step(None)
    return loss, [(before - after) / RATE for before, after in zip(NETWORK.x, weights(), strict=True)]
