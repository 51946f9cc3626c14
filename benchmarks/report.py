"""What is told of the measurements: tables, JSON and a plot."""

import importlib.metadata
import json
import os
import platform
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.measure import CLOCK, PARTS, Cell
from benchmarks.peers import System

NOTHING = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Aligned columns: so many to the left, the others, numbers, to the right. A head may have several lines."""
    heads = [column.split("\n") for column in head]
    height = max(map(len, heads))
    above = [[lines[i] if i < len(lines) else "" for lines in heads] for i in range(height)]
    lines = [*above, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rule = ["─" * width for width in widths]

    def text(line: Sequence[str]) -> str:
        aligned = [f"{cell:{'<' if i < left else '>'}{width}}" for i, (cell, width) in enumerate(zip(line, widths))]
        return "  ".join(aligned).rstrip()

    return "\n".join(map(text, [*above, rule, *rows]))


def number(x: float | None) -> str:
    """With three digits that count; thousands are grouped."""
    if x is None:
        return NOTHING
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def times(x: float | None) -> str:
    """A ratio."""
    return NOTHING if x is None else f"{number(x)}×"


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_cells(cells: list[Cell]) -> str:
    """Nanoseconds per operation and ratios, a line for each peer and a column for each problem."""
    columns = list(dict.fromkeys((cell.problem, cell.inputs) for cell in cells))
    peers = list(dict.fromkeys(cell.peer for cell in cells))
    at = {(cell.peer, cell.problem, cell.inputs): cell for cell in cells}
    names = [name for name, _ in columns]
    heads = ["", *[f"{n}\n{inputs:,}" if names.count(n) > 1 else n.replace(" ", "\n", 1) for n, inputs in columns]]
    operations = [f"{at[peers[0], *column].operations:,}" for column in columns]

    def lines(show: Callable[[Cell], str]) -> list[list[str]]:
        return [[peer, *[show(at[peer, *column]) for column in columns]] for peer in peers]

    def to_ours(cell: Cell) -> str:
        ours = at["scalargrad", cell.problem, cell.inputs].ratio
        return times(cell.ratio / ours if cell.ratio and ours else None)

    found = [
        "Value and gradient, nanoseconds per operation (medians):",
        table(heads, [["operations", *operations], *lines(lambda cell: number(cell.ns))]),
        "The same, against the function alone on plain floats (medians of the ratios, round by round):",
        table(heads, lines(lambda cell: times(cell.ratio))),
    ]
    if "scalargrad" in peers:
        found += ["The same, against scalargrad (the quotients of these ratios):", table(heads, lines(to_ours))]
    return "\n\n".join(found)


def of_once(cells: list[Cell]) -> str:
    """What recording or compiling once takes."""
    rows = [
        [c.peer, f"{c.problem} {c.inputs:,}", number(c.seconds_once), number(c.seconds_once / c.operations * 1e6)]
        for c in cells
        if c.seconds_once is not None
    ]
    if not rows:
        return ""
    head = ["", "", "seconds", "µs per operation"]
    return "What is recorded or compiled once, before it is run again:\n\n" + table(head, rows, left=2)


def of_parts(parts: dict[str, dict[str, float]]) -> str:
    """The parts of a run."""
    rows = [[peer, *[number(found[part]) for part in PARTS]] for peer, found in parts.items()]
    return "The parts of a run, Rosenbrock 2,000, nanoseconds per operation:\n\n" + table(["", *PARTS], rows)


def of_network(training: dict[str, dict[str, Any]]) -> str:
    """The training step."""
    states = ("gc as it is", "gc off")
    ours = training.get("scalargrad")
    rows = []
    for peer, found in training.items():
        row = [peer]
        for state in states:
            row += [number(found[state]["seconds"] * 1e3), times(found[state]["ratio"])]
            row.append(times(found[state]["ratio"] / ours[state]["ratio"]) if ours else NOTHING)
        rows.append(row)
    head = ["", "ms, gc as it is", "÷ floats", "÷ scalargrad", "ms, gc off", "÷ floats", "÷ scalargrad"]
    title = (
        "A training step (2-16-16-1 network, 100 points: forward, loss, backward, update; floats: forward and loss):"
    )
    return f"{title}\n\n" + table(head, rows)


def of_growth(growth: dict[str, list[dict[str, float]]]) -> str:
    """Time per operation as the tape grows."""
    sizes = [found["rows"] for found in next(iter(growth.values()))]
    rows = []
    for peer, line in growth.items():
        ns = [found["ns"] for found in line]
        cells = [f"{number(found['ns'])} ({times(found['ratio'])})" for found in line]
        rows.append([peer, *cells, *[""] * (len(sizes) - len(cells)), times(max(ns) / min(ns))])
    head = ["rows", *[f"{int(size):,}" for size in sizes], "most ÷ least"]
    return "Growth: Rosenbrock, nanoseconds per operation (against plain floats of that size):\n\n" + table(head, rows)


def of_memory(memory: dict[str, float]) -> str:
    """Bytes per row."""
    rows = [[peer, number(found)] for peer, found in memory.items()]
    return "Memory held after recording Rosenbrock, bytes per row:\n\n" + table(["", "bytes"], rows)


def of_programs(comparisons: dict[str, list[dict[str, Any]]]) -> str:
    """Programs beside other compilers, and what was aimed at."""
    rows, notes = [], []
    for line in [line for lines in comparisons.values() for line in lines]:
        found, aim = (NOTHING if x is None else number(x) + line["sign"] for x in (line["found"], line["target"]))
        if line["target"] is not None:
            aim = f"{'≤' if line['most'] else '≥'} {aim}"
        reached = {True: "yes", False: "no", None: ""}[line["reached"]]
        row = [line["what"], line["against"], number(line["ours"]), number(line["other"]), line["unit"], found, aim]
        rows.append([*row, reached])
        if line["note"]:
            notes.append(f"{line['what']}, {line['against']}: {line['note']}")
    threads = next((line["threads"] for lines in comparisons.values() for line in lines), 1)
    head = ["", "against", "a Program", "the other", "", "found", "aim", "reached"]
    title = (
        f"Programs: value and gradient, all on {threads} thread{'s' * (threads > 1)} (medians, ratios round by round):"
    )
    return "\n\n".join([title, table(head, rows, left=2), *["\n".join(notes)] * bool(notes)])


def of_left_out(left_out: Iterable[tuple[str, str, str]]) -> str:
    """What is shown as –, and why: one line for each peer and reason."""
    places: dict[tuple[str, str], list[str]] = {}
    for peer, place, reason in left_out:
        places.setdefault((peer, reason), []).append(place)
    rows = [[peer, ", ".join(where), reason] for (peer, reason), where in places.items()]
    if not rows:
        return ""
    return f"Left out ({NOTHING}), and why:\n\n" + table(["peer", "where", "why"], rows, left=3)


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def surroundings(peers: list[System]) -> dict[str, Any]:
    """The machine, the Python and the versions of what is measured."""
    import scalargrad
    from scalargrad.engine import ENGINE

    packages = sorted({peer.package for peer in peers if peer.package and peer.package != "scalargrad-tape"})
    return {
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        },
        "python": {
            "implementation": platform.python_implementation(),
            "version": platform.python_version(),
            "compiler": platform.python_compiler(),
            "build": platform.python_build(),
            "optimized": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        },
        "clock": CLOCK,
        "versions": {
            "scalargrad": f"{scalargrad.__version__}, {ENGINE} engine",
            **{package: importlib.metadata.version(package) for package in packages},
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def write_json(path: Path, results: dict[str, Any]) -> None:
    """All that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# ── the plot ────────────────────────────────────────────────────────────────────────────────────────────────────────

COLORS = {
    "plain floats": "#555555",
    "scalargrad": "#d94801",
    "scalargrad, grad(f)": "#fd8d3c",
    "scalargrad, readable": "#a63603",
    "xad": "#08519c",
    "torch, scalars": "#6a51a3",
    "micrograd": "#238b45",
    "autograd": "#006d2c",
    "casadi, run again": "#3182bd",
    "jax.jit, run again": "#756bb1",
}


def draw(path: Path, cells: list[Cell], growth: dict[str, list[dict[str, float]]], note: str) -> None:
    """Time per operation against size, log-log, a line for each peer, its name at the end of the line."""
    from matplotlib.figure import Figure

    lines: dict[str, dict[int, float]] = {}
    for cell in cells:
        if cell.problem == "Rosenbrock" and cell.ns is not None:
            lines.setdefault(cell.peer, {})[cell.operations] = cell.ns
    for peer, found in growth.items():
        for size in found:
            lines.setdefault(peer, {})[int(size["rows"])] = size["ns"]
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.subplots()
    ends = []
    for i, (peer, points) in enumerate(lines.items()):
        sizes = sorted(points)
        color, again = COLORS.get(peer, f"C{i}"), "again" in peer
        wide = 2.8 if peer == "scalargrad" else 1.6
        axes.loglog(
            sizes, [points[n] for n in sizes], marker="o", ms=4, lw=wide, color=color, ls="--" if again else "-"
        )
        ends.append((points[sizes[-1]], sizes[-1], peer, color))
    gap, least = 1.36, 0.0  # so that names do not run into each other
    for y, x, peer, color in sorted(ends):
        least = max(y, least * gap)
        weight = "bold" if peer == "scalargrad" else "normal"
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
        axes.text(x * 1.2, least, peer, color=color, va="center", fontsize=9, fontweight=weight, bbox=box)
    axes.set_xlim(right=axes.get_xlim()[1] * 8)
    axes.set(
        title="Rosenbrock: value and gradient, on scalars",
        xlabel="operations",
        ylabel="nanoseconds per operation",
    )
    axes.grid(True, which="major", color="#dddddd", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.text(0.0, -0.13, fill(note, 140), transform=axes.transAxes, fontsize=7.5, color="#777777", va="top")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
