"""python -m benchmarks: measure, print the tables, write JSON and a plot."""

import argparse
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure, memory, peers, programs, report
from benchmarks.problems import PROBLEMS

OTHERS = {  # besides the problems
    "parts": "the parts of a run: inputs, record, sweep, read back, let go",
    "network": "a training step, with the garbage collector as it is, and off",
    "growth": "time per operation as the tape grows",
    "memory": "bytes per row",
    "programs": "Programs beside CasADi, JAX, PyTorch and C by hand, and beside the engine; what was aimed at",
}
PARTS_OF = next(p for p in PROBLEMS if p.name == "Rosenbrock" and len(p.x) == 2_000)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="Measure scalargrad side by side with its peers."
    )
    parser.add_argument(
        "--quick", action="store_true", help="less than a minute: fewer rounds, and what is slow left out"
    )
    parser.add_argument("--only", nargs="+", metavar="WHAT", help="only problems or parts whose name begins like this")
    parser.add_argument("--peers", nargs="+", metavar="PEER", help="only peers whose name begins like this, and floats")
    parser.add_argument("--threads", type=int, default=1, help="of programs, on so many processors; default: 1")
    parser.add_argument("--list", action="store_true", help="name the problems and peers, and stop")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="default: %(default)s")
    parser.add_argument("--plot", type=Path, default=Path("build/benchmarks.png"), help="default: %(default)s")
    return parser.parse_args()


def begins(name: str, chosen: list[str] | None) -> bool:
    return chosen is None or any(name.lower().startswith(begin.lower()) for begin in chosen)


class Run:
    """What is asked for, and what was found so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        found, self.missing = peers.load()
        self.options = options
        self.peers = [p for p in found if p.name == "plain floats" or begins(p.name, options.peers)]
        self.scalar = [p for p in self.peers if isinstance(p, peers.Peer)]
        self.tapes = [p for p in self.scalar if isinstance(p, peers.TapePeer)]
        self.ours = [p for p in self.scalar if p.package in (None, "scalargrad-tape") and not p.once]
        self.problems = [p for p in PROBLEMS if begins(p.name, options.only)]
        self.bench = measure.Bench(measure.QUICK if options.quick else measure.Effort())
        self.cells: list[measure.Cell] = []
        self.found: dict[str, dict[str, Any]] = {}
        self.left_out: list[tuple[str, str, str]] = [(name, "all", reason) for name, reason in self.missing.items()]

    def asked(self) -> dict[str, list[tuple[str, Callable[[], Any]]]]:
        """Of what is not a table of problems: for each peer, or comparison, how it is measured."""
        bench, rows, options = self.bench, 100_000, self.options
        return {
            "parts": [(p.name, partial(bench.parts, PARTS_OF, p)) for p in self.tapes],
            "network": [(p.name, partial(bench.training, p)) for p in self.peers],
            "growth": [(p.name, partial(bench.growth, p)) for p in self.ours],
            "memory": [(p.name, partial(memory.bytes_per_row, p, rows)) for p in self.tapes],
            "programs": [
                (name, partial(programs.apart, name, options.threads, options.quick)) for name in programs.COMPARISONS
            ],
        }

    def measure(self) -> None:
        others = {what: jobs for what, jobs in self.asked().items() if begins(what, self.options.only)}
        total = len(self.problems) * len(self.scalar) + sum(map(len, others.values()))
        with progress(total) as step:
            for problem in self.problems:
                step(0, str(problem))
                for cell in self.bench.cells(problem, self.scalar):
                    self.cells.append(cell)
                    if cell.reason:
                        self.left_out.append((cell.peer, str(problem), cell.reason))
                    step(1, str(problem))
            for what, jobs in others.items():
                for name, job in jobs:
                    step(0, f"{what}: {name}")
                    try:
                        self.found.setdefault(what, {})[name] = job()
                    except Exception as error:
                        self.left_out.append((name, what, measure.why_not(error)))
                    step(1, what)
        lines = [line for lines in self.found.get("programs", {}).values() for line in lines]
        self.left_out += [(line["against"], line["what"], line["reason"]) for line in lines if line["reason"]]

    def tell(self) -> None:
        around = report.surroundings(self.peers)
        versions = ", ".join(f"{name} {version}" for name, version in around["versions"].items())
        python, machine = around["python"], around["machine"]
        note = f"{python['implementation']} {python['version']} ({python['compiler']}), {machine['processor']}"
        parts = [
            f"{note}\n{versions}\nTime is {around['clock']}; the garbage collector is as it is, where nothing else is said.",
            report.of_cells(self.cells) if self.cells else "",
            report.of_once(self.cells),
            *[getattr(report, f"of_{what}")(found) for what, found in self.found.items()],
            report.of_left_out(self.left_out),
        ]
        print("\n\n\n".join(part for part in parts if part))
        results = {**around, "command": sys.argv[1:], "garbage collector": {"thresholds": gc.get_threshold()}}
        results |= {"cells": [asdict(cell) for cell in self.cells], **self.found, "left out": self.left_out}
        report.write_json(self.options.json, results)
        print(f"\nJSON: {self.options.json}")
        growth = self.found.get("growth", {})
        if growth or any(cell.problem == PARTS_OF.name for cell in self.cells):
            try:
                report.draw(self.options.plot, self.cells, growth, f"{note}; {versions}")
            except ImportError as error:
                print(f"no plot: {error}")
            else:
                print(f"plot: {self.options.plot}")


@contextmanager
def progress(total: int) -> Iterator[Callable[[int, str], None]]:
    """A bar, where tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda count, what: None
        return
    with tqdm(total=total, unit="cell", leave=False, bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} {elapsed}") as bar:

        def step(count: int, what: str) -> None:
            bar.set_description(f"{what:28}", refresh=not count)
            bar.update(count)

        yield step


def main() -> int:
    run = Run(arguments())
    if run.options.list:
        print(
            report.table(["problem", ""], {**{p.name: p.about for p in PROBLEMS}, **OTHERS}.items(), left=2), end="\n\n"
        )
        print(report.table(["peer", "version"], [(p.name, peers.version(p)) for p in run.peers]))
        print(*[f"{name}: {reason}" for name, reason in run.missing.items()], sep="\n")
        return 0
    run.measure()
    run.tell()
    return any(reason.startswith(measure.WRONG) for _, _, reason in run.left_out)


if __name__ == "__main__":
    sys.exit(main())
