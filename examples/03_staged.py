"""Staged computation: a long formula is a chain of short ones.

At the end you will know how to take a formula nobody would want to differentiate on paper, and cut it into steps that
anybody can: and that it does not matter how finely you cut.

    python examples/03_staged.py            the pictures go into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

from scalargrad import Value, draw, exp, gate, label

folder = Path(*sys.argv[1:2] or ["pictures"])
folder.mkdir(parents=True, exist_ok=True)

# The formula, with σ(t) = 1 / (1 + e^-t):
#
#         x + σ(y)
#   f = ─────────────
#       σ(x) + (x+y)²
#
# Step by step, every intermediate gets a name. No step is harder than +, ·, / or exp.

x, y = Value(3), Value(-4)

minus_y = -y
exp_y = exp(minus_y)
plus_y = 1 + exp_y
sigma_y = 1 / plus_y
top = x + sigma_y

minus_x = -x
exp_x = exp(minus_x)
plus_x = 1 + exp_x
sigma_x = 1 / plus_x
both = x + y
square = both**2
bottom = sigma_x + square

f = top / bottom

label(locals())
steps = [v for v in locals().values() if type(v) is Value]
f.backward()

print("step by step:\n")
print("  name           value     df/dname")
for step in steps:
    print(f"  {step.label:8}  {step.data:10.6f}   {step.grad:10.6f}")

# x is used three times, y twice: each use hands back a share, and the shares add up.

assert f.data == 1.5456448841066441
assert (x.grad, y.grad) == (2.0595697955721652, 1.5922327514838093)
draw(f).save(folder / "03_staged_step_by_step.png")

# How fine the steps are is up to you. All of σ can be *one* gate, if you tell its derivative, and σ has a simple one:
# σ · (1 - σ). What is inside of the gate is then no longer on the tape.


def sigma_slope(t):
    return sigma(t) * (1 - sigma(t))


@gate(derivatives=sigma_slope)
def sigma(t):
    return 1 / (1 + exp(-t))


u, v = Value(3, label="x"), Value(-4, label="y")
g = (u + sigma(v)) / (sigma(u) + (u + v) ** 2)
g.label = "f"
g.backward()

print("\n            step by step          σ as one gate")
for name, fine, coarse in [("f", f.data, g.data), ("df/dx", x.grad, u.grad), ("df/dy", y.grad, v.grad)]:
    print(f"  {name:5}  {fine:.16f}   {coarse:.16f}")
    assert fine == coarse
draw(g).save(folder / "03_staged_one_gate.png")
print(f"\npictures: {folder / '03_staged_step_by_step.png'}, {folder / '03_staged_one_gate.png'}")
