"""The benchmarks run, tell and write; what they find is no test."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

WRONG = """
from benchmarks import __main__ as command, measure, peers, problems
from benchmarks.peers.floats import Floats

class Careless(peers.Peer):
    name, m = "careless", Floats.m
    def prepare(self, f, x):
        return lambda x: (f(x, self.m), [0.0] * len(x))

problem = next(p for p in problems.PROBLEMS if p.name == "determinant")
floats, careless = measure.Bench(measure.QUICK).cells(problem, [measure.FLOATS, Careless()])
assert floats.ns and not floats.reason
assert careless.ns is None and careless.reason.startswith(measure.WRONG), careless
"""


def run(*command: object) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_command_measures_tells_and_writes(tmp_path):
    only = ("--only", "determinant", "runge", "parts", "--peers", "scalargrad")
    told = run("-m", "benchmarks", "--quick", *only, "--json", tmp_path / "a.json", "--plot", tmp_path / "a.png")
    assert "plain floats" in told
    assert "against scalargrad" in told or "scalargrad, readable" in told  # where the native engine is not built
    results = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert {"machine", "python", "versions", "clock", "cells", "parts", "left out"} <= results.keys()
    assert {cell["problem"] for cell in results["cells"]} == {"determinant", "Runge–Kutta"}
    assert all(cell["ratio"] > 0 for cell in results["cells"])
    assert results["left out"] == [] or not any(why.startswith("WRONG") for _, _, why in results["left out"])


def test_a_wrong_gradient_is_not_timed():
    run("-c", WRONG)


def test_problems_and_peers_are_listed():
    told = run("-m", "benchmarks", "--list")
    assert "Heston" in told
    assert "scalargrad, readable" in told


PROGRAMS = """
import json
from dataclasses import asdict
from benchmarks import measure, programs, report

# what takes longer than it may is the last that is tried, and the one before is taken
tried = []
n, made, seconds = programs.largest(lambda n: tried.append(n) or -n, 1e9)
assert (n, made, tried) == (2000, -2000, [125, 250, 500, 1000, 2000])
assert programs.largest(lambda n: n, 0.0)[0] == 125

# the ratio is how many times as long the other takes; of an aim that is a most, how many times as long we do
class Timed:
    def seconds(self, run, x):
        return 1.0
    def rounds(self, plain, x, runs):
        return {"other": [(1.0, 30.0), (1.0, 40.0), (1.0, 90.0)]}
here = programs.Comparison(Timed(), 1, True)
line = here.compare(programs.Line("sum", "a longer one", "s", target=2.0), None, None, (2, 10), 1)
assert (line.ours, line.other, line.found, line.reached) == (0.5, 4.0, 8.0, True), line
line = here.compare(programs.Line("sum", "a longer one", "s", target=0.01, most=True), None, None, (1, 1), 1)
assert (line.ours, line.other, line.found, line.reached) == (1.0, 40.0, 0.025, False), line

missing = programs.attempt(programs.Line("sum", "nobody", "µs", target=2.0), lambda line: __import__("nobody_has_this"))
assert "nobody_has_this" in missing.reason and missing.reached is None
lines = [asdict(x) | {"reached": x.reached, "threads": 1} for x in (line, missing)]
told = report.of_programs({"sums": json.loads(json.dumps(lines))})
assert "a longer one" in told and "≤ 0.01×" in told and "≥ 2.00×" in told and "on 1 thread " in told, told
"""

WRONG_AT_POINTS = """
from benchmarks import measure, programs
from benchmarks.problems import rosenbrock
points = programs.random_points(3, 5)
right = [measure.REFERENCE.prepare(rosenbrock, p.tolist())(p.tolist()) for p in points]
values, gradients = zip(*right)
run = programs.checked(lambda: (values, gradients), rosenbrock, points)
try:
    programs.checked(lambda: (values, [*gradients[:2], gradients[0]]), rosenbrock, points)
except measure.WrongGradient:
    pass
else:
    raise AssertionError
"""

BY_HAND = """
import numpy
from benchmarks import c, problems, programs
nine = next(problem for problem in problems.PROBLEMS if problem.f is problems.mixture)
near, samples = numpy.array(nine.x) + 0.1 * programs.random_points(3, 9), numpy.array(problems.SAMPLES)
for f, run in (
    (problems.rosenbrock, c.compiled("rosenbrock", 7, 8)(points := programs.random_points(3, 7))),
    (problems.mixture, c.compiled("mixture", len(samples), 10, samples)(near)),
):
    programs.checked(lambda: (run()[:, 0], run()[:, 1:]), f, points if f is problems.rosenbrock else near)
"""


def test_programs_are_compared_and_told():
    run("-c", PROGRAMS)


def test_a_wrong_gradient_at_one_of_many_points_is_noticed():
    run("-c", WRONG_AT_POINTS)


def test_the_gradients_by_hand_are_right():
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    run("-c", BY_HAND)


def test_what_is_not_installed_is_left_out_by_name(tmp_path):
    code = "import sys; sys.modules['torch'] = None; sys.argv[1:] = ['training step', '--quick']\n"
    told = run("-c", code + "from benchmarks.programs import main; main()")
    (line,) = json.loads(told.rpartition("\n\n")[2])
    assert "torch" in line["reason"]
    assert line["found"] is None
