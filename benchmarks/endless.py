"""A training loop that does not end: whether it holds its memory and its pace. `python -m benchmarks.endless`."""

import argparse
import os
import time

from benchmarks.memory import resident


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endless", description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000_000)
    parser.add_argument("--engine", choices=("native", "python"), default="native")
    options = parser.parse_args()
    os.environ["SCALARGRAD_ENGINE"] = options.engine
    from scalargrad import Value, tanh

    params = [Value(0.01 * i) for i in range(20)]
    points = [(0.1 * k, 0.3 * k - 1.0) for k in range(20)]

    def step(params: list[Value]) -> Value:
        loss = params[0] * 0.0
        for (x, y), a, b in zip(points, params, params[1:]):
            loss = loss + (tanh(a * x + b) - y) ** 2
        return loss

    loss = step(params)
    tape = loss.tape
    per_step = len(tape) - len(params)
    steps, done = options.operations // per_step, 0
    print(f"{steps:,} steps of {per_step} operations, {options.engine} engine, the garbage collector as it is")
    print("  operations   ns/op  resident (MiB)  live rows")
    for tenth in range(1, 11):
        began, first = time.process_time(), done
        while done < steps * tenth // 10:
            loss = step(params)
            loss.backward()
            for p in params:
                p.data -= 0.001 * p.grad
                p.grad = 0.0
            done += 1
        pace = (time.process_time() - began) / ((done - first) * per_step) * 1e9
        print(f"{done * per_step:12,}  {pace:6.1f}  {resident() / 2**20:14.2f}  {len(tape):9,}", flush=True)


if __name__ == "__main__":
    main()
