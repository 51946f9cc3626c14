"""A neuron, gate by gate: how a gradient travels backward.

At the end you will have seen that no gate knows the whole expression. Going backward, each one reads the gradient of
its own output, multiplies it by its local derivatives, and hands the products on. That is all there is to it.

    python examples/01_neuron.py            the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

from scalargrad import Value, draw, label, sigmoid

picture = Path(*sys.argv[1:2] or ["pictures"], "01_neuron.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# A neuron weighs its inputs x and y with a and b, adds c, and squeezes the sum to between 0 and 1:
# sigmoid(a·x + b·y + c). Built from gates, it is one gate to a line: numbers go in, one number comes out. (A gate is
# any operation here. Later, the word is kept for operations that you make yourself.)

a, b, c = Value(1), Value(2), Value(-3)
x, y = Value(-1), Value(3)

ax = a * x
by = b * y
t = ax + by
s = t + c
f = sigmoid(s)

label(locals())  # every Value now carries the name of its variable
gates = [ax, by, t, s, f]

# Every gate already knows how much its output changes when one of its operands does: its local derivatives.
# A product changes by the *other* operand, a sum by 1, a sigmoid by sigmoid · (1 - sigmoid).

print("forward: each gate computes its output, and its local derivatives\n")
for gate in gates:
    formula = gate.rule.text(*(v.label for v in gate.operands))
    slopes = ", ".join(f"d{gate.label}/d{v.label} = {d:.4g}" for v, d in zip(gate.operands, gate.local_derivatives))
    print(f"  {gate.label:>2} = {formula:10} = {gate.data:<8.4g} {slopes}")
assert f.data == 0.8807970779778823

# Backward, the gates are met in the opposite order. f starts with a gradient of 1: it changes as fast as itself.

f.backward()

print("\nbackward: each gate reads the gradient of its output, and hands it on times its local derivatives\n")
handed_on = {f: 1.0}
for gate in reversed(gates):
    read = gate.grad
    assert read == handed_on[gate]  # the very number that the gate before has handed on: nothing comes in between
    print(f"  {gate.rule.symbol} reads {gate.label}.grad = {read:.4f}")
    for v, slope in zip(gate.operands, gate.local_derivatives):
        handed_on[v] = read * slope
        print(f"        times {slope:7.4f}, and hands on {v.label}.grad = {handed_on[v]:.4f}")
        assert v.grad == handed_on[v]

assert [round(v.grad, 4) for v in (a, b, c, x, y)] == [-0.1050, 0.3150, 0.1050, 0.1050, 0.2100]
draw(f).save(picture)

# A gradient says in which direction to push. Push all five inputs a little that way, and the neuron fires more:

for v in (a, b, c, x, y):
    v.data += 0.01 * v.grad
after = sigmoid(a * x + b * y + c)

print(f"\none step of +0.01 · gradient on all five inputs: {f.data:.6f} becomes {after.data:.6f}")
assert after.data == 0.8825501816218984
print(f"picture: {picture}")
