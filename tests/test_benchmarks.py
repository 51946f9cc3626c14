"""The benchmarks run, tell and write; what they find is no test."""

import json
import subprocess
import sys
from pathlib import Path

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
