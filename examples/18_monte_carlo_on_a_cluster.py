"""A Monte Carlo on a cluster: the price of an option and all its sensitivities, from Programs that are sent to workers.

At the end you will know how to send a Program to the workers of `dask.distributed`, how to get the same bits from any
number of them, in whatever order they finish, and that it does not matter if one of them dies.

    pip install dask distributed matplotlib tqdm            (all come with the `examples` extra)
    python examples/18_monte_carlo_on_a_cluster.py          the picture goes into pictures/, or into the folder you name
    python examples/18_monte_carlo_on_a_cluster.py --kill   the same numbers, though a worker is killed half-way

On a real cluster there is `Client("tcp://the-scheduler:8786")` in place of the one below, and nothing else is different.
"""

import argparse
import logging
import os
import pickle
import signal
from pathlib import Path

import numpy as np
from dask.distributed import Client, LocalCluster, as_completed
from matplotlib.figure import Figure
from tqdm import tqdm

from scalargrad import exp, maximum, sqrt, value_and_grad, where
from scalargrad.program import record

# Heston's model (1993): the price S of a share moves at random, and so does its variance v, which is pulled back to a
# mean. The option pays by how much the highest price of the year exceeded the strike. Plain scalar code, with a loop over
# the weeks; what depends on chance is chosen by `where` and `maximum`, so that all paths are one Program.

MODEL = {"S": 100.0, "v": 0.04, "rate": 0.03, "pull": 1.5, "mean": 0.05, "volvol": 0.4, "rho": -0.7}
STRIKE, WEEKS = 105.0, 52


def payoff(model, chance):
    """What the option pays on one path, discounted. Two normal numbers a week are the chance."""
    price, v, dt = model["S"], model["v"], 1.0 / WEEKS
    top = price
    for first, second in zip(chance[::2], chance[1::2], strict=True):
        second = model["rho"] * first + sqrt(1.0 - model["rho"] ** 2) * second
        positive = maximum(v, 1e-8)  # v itself may get below 0 for a while, and no root is taken there
        price = price * exp((model["rate"] - 0.5 * positive) * dt + sqrt(positive * dt) * first)
        v = v + model["pull"] * (model["mean"] - positive) * dt + model["volvol"] * sqrt(positive * dt) * second
        top = where(price > top, price, top)
    return exp(-model["rate"]) * maximum(top - STRIKE, 0.0)


# The work is cut into chunks, always the same ones: each has a number of paths and a seed of its own, spawned from one.
# Whoever works on it, and when, it comes to the same sums: of the payoff, its square, and its derivatives.


def sums(program, seed, paths):
    """The sums over the paths of one chunk."""
    chance = np.random.default_rng(seed).standard_normal((paths, 2 * WEEKS))
    points = np.hstack([np.tile([*MODEL.values()], (paths, 1)), chance])
    pays, slopes = program.batch(points)
    return np.array([pays.sum(), (pays**2).sum(), *[slopes[name].sum() for name in MODEL]])


def kill_a_worker(client):
    """As a machine fails: at once, without a word. Returns which process it was."""
    process = min(client.run(os.getpid).values())
    os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    return process


def on_workers(program, seeds, paths, workers, kill):
    """The sums of all chunks, in their order."""
    cluster = LocalCluster(
        workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
    )
    with cluster, Client(cluster) as client:
        # The Program goes out once, as bytes, and each worker that needs it makes it again, which is a task like any
        # other: a worker that takes the place of a dead one gets it in the same way.
        there = client.submit(pickle.loads, pickle.dumps(program))
        chunks = {client.submit(sums, there, seed, paths, pure=False): i for i, seed in enumerate(seeds)}
        found, killed = [None] * len(seeds), None
        finished = tqdm(as_completed(chunks, with_results=True), total=len(seeds), unit="chunk")
        for count, (chunk, result) in enumerate(finished, start=1):
            found[chunks[chunk]] = result
            if kill and count == len(seeds) // 2:
                killed = kill_a_worker(client)
        assert killed not in client.run(os.getpid, on_error="ignore").values()  # the scheduler may not know yet
        return found


def main():
    parser = argparse.ArgumentParser(description="Price an option and its sensitivities on a cluster.")
    parser.add_argument("folder", nargs="?", default="pictures", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--paths", type=int, default=500, help="of each chunk")
    parser.add_argument("--kill", action="store_true", help="kill a worker half-way")
    options = parser.parse_args()
    picture = options.folder / "18_monte_carlo_on_a_cluster.png"
    picture.parent.mkdir(parents=True, exist_ok=True)

    # One recording of a path and its gradient by the model, not by the chance: the second argument is only given. With
    # backend="auto", who has run it for how long decides between NumPy and machine code, whose functions may differ in
    # the last place; with one backend, the same numbers come out anywhere.

    program = record(value_and_grad(payoff), MODEL, [0.1] * (2 * WEEKS), backend="numpy")
    print(program.stats)
    assert program.stats["guards"] == 0  # one way for all paths

    seeds = np.random.SeedSequence(17).spawn(options.chunks)
    found = on_workers(program, seeds, options.paths, options.workers, options.kill)

    # Floating-point sums depend on their order. So they are added up in the order of the chunks, not as they came in,
    # and then it is to the bit what one process comes to, alone.

    total = np.sum(found, axis=0)
    alone = [sums(program, seed, options.paths) for seed in seeds]
    assert np.array_equal(total, np.sum(alone, axis=0))
    print(
        f"{options.workers} workers{', of which one was killed,' if options.kill else ''} give what one process gives"
    )

    paths = options.chunks * options.paths
    mean, square, *slopes = total / paths
    error = np.sqrt((square - mean**2) / paths)
    print(f"\nprice from {paths:,} paths: {mean:.4f} ± {error:.4f}, and what it does if the model changes:")
    for name, slope in zip(MODEL, slopes, strict=True):
        print(f"    by {name:7} {slope:10.4f}")

    # The same by nudging one number of the model, with the same chance: two more runs for each number, where the Program
    # had all of them from one.

    nudged = {name: MODEL[name] * (1 + 1e-6) for name in MODEL}
    chance = np.random.default_rng(seeds[0]).standard_normal((options.paths, 2 * WEEKS))
    for at, name in enumerate(MODEL):
        points = np.hstack([np.tile([*MODEL.values()], (options.paths, 1)), chance])
        before = program.batch(points)[0].sum()
        points[:, at] = nudged[name]
        by_nudging = (program.batch(points)[0].sum() - before) / (nudged[name] - MODEL[name])
        assert np.isclose(by_nudging, alone[0][2 + at], rtol=1e-3, atol=1e-3 * options.paths)

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    counts = options.paths * np.arange(1, options.chunks + 1)
    means, squares = (np.cumsum([sums_of[k] for sums_of in found]) / counts for k in (0, 1))
    errors = np.sqrt((squares - means**2) / counts)
    left.fill_between(counts, means - 2 * errors, means + 2 * errors, color="#c6dbef", label="two standard errors")
    left.plot(counts, means, color="#08519c", label="price")
    left.set(title="the price settles", xlabel="paths")
    left.legend()
    # By how much the price changes if a number of the model grows by a per cent of itself.
    effects = [0.01 * slope * MODEL[name] for name, slope in zip(MODEL, slopes, strict=True)]
    right.barh([*MODEL], effects, color=["#238b45" if effect > 0 else "#d94801" for effect in effects])
    right.set(title="what one per cent more does to it")
    right.invert_yaxis()
    figure.savefig(picture, dpi=120)
    print(f"\npicture: {picture}")


if __name__ == "__main__":  # workers import this file
    main()
