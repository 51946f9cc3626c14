"""Patterns of the backward flow: plus hands on, times swaps, max routes, and shares add up.

At the end you will be able to read most gradients off a picture without a calculation: four patterns explain them.

    python examples/04_patterns.py          the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

from scalargrad import Value, draw, label, maximum

picture = Path(*sys.argv[1:2] or ["pictures"], "04_patterns.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# One small expression has all four patterns in it. Note that x is used twice.

x, y, z, w = Value(3), Value(-4), Value(2), Value(-1)

product = x * y
larger = maximum(z, w)
both = product + larger
f = x * both

label(locals())
f.backward()
draw(f).save(picture)
print(f"f = x · (x · y + max(z, w)) = {f.data:g}   at x = 3, y = -4, z = 2, w = -1\n")

# Plus is a distributor. Whatever it adds, a change of an operand changes the sum by just as much: so it hands its
# gradient on to all of its operands, unchanged, and does not look at their values.

print(f"plus hands the gradient on     both {both.grad:g}  →  product {product.grad:g}, larger {larger.grad:g}")
assert product.grad == larger.grad == both.grad == 3

# Times is a swapper. Each operand gets the gradient times the value of the *other* one: y gets 3 · x. So a small
# number beside a large one gets the large gradient: this is why people scale their data before they train on it.

print(f"times swaps the inputs         product {product.grad:g}  →  y {product.grad:g} · x = {y.grad:g}")
assert y.grad == product.grad * x.data == 9

# Max is a switch. The larger operand gets all of the gradient, as if it were alone. The other one is not reached: a
# small change of w would not change f at all. (`has_grad` tells it from a gradient that came out as 0.)

print(f"max routes it                  larger {larger.grad:g}  →  z {z.grad:g}, and w is not reached")
assert z.grad == larger.grad == 3
assert not w.has_grad

# Where the way forks forward, the shares come together backward. x reaches f on two ways, through the product and
# directly. Each way hands a share of the gradient to x, and what x gets is their sum.

through_product = product.grad * y.data
directly = f.grad * both.data

print(f"used twice, shares add up      {through_product:g} through product, {directly:g} directly  →  x {x.grad:g}")
assert x.grad == through_product + directly == -22

# Trust, but nudge. Move x by a hair, and see how fast f moves: it is the slope that the shares added up to.

h = 1e-6


def f_at(x):
    return x * (x * -4 + max(2, -1))


slope = (f_at(3 + h) - f_at(3 - h)) / (2 * h)
print(f"\nnudged: f moves {slope:.4f} times as fast as x")
assert abs(slope - x.grad) < 1e-6
print(f"picture: {picture}")
