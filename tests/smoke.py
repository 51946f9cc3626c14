"""What an installed wheel is tried with: `python -I tests/smoke.py ENGINE`, away from the source tree.

Needs nothing but the package, and prints where it was found. -I keeps the folder it is run from out of the way.
"""

import sys
from math import cos, isclose

import scalargrad
from scalargrad import Value, engine, grad, nn, sin


def main() -> None:
    assert sys.argv[1] == engine.ENGINE, f"the {engine.ENGINE} engine runs: {engine.REASON}"

    x, y = Value(2.0, label="x"), Value(3.0)
    z = x * sin(y) + x**2 / y
    z.backward()
    assert isclose(y.grad, 2.0 * cos(3.0) - 4.0 / 9.0), y.grad
    assert grad(grad(lambda x: x**3))(2.0) == 12.0

    model = nn.MLP(2, [3, 1], rng=0)
    model([1.0, -2.0]).backward()
    assert any(p.grad for p in model.parameters())
    assert "x" in str(scalargrad.current_tape())
    assert scalargrad.draw(z).source.startswith("digraph")

    print(scalargrad.__file__)


if __name__ == "__main__":
    main()
