"""Shopping: what does each number of a bill do to the total?

At the end you will know how to read a gradient as a price: what one apple more, one coin more on the price or a
higher tax factor would cost you. You will have found it in two ways, with Values and with layers.

    python examples/02_shopping.py          the picture goes into pictures/, or into the folder you name
"""

import sys
from math import isclose
from pathlib import Path

from scalargrad import Value, draw, label
from scalargrad.nn import Mul

picture = Path(*sys.argv[1:2] or ["pictures"], "02_shopping.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# You buy 2 apples at 100 each, and a tax factor of 1.1 is put on top. With Values, you write the bill down,
# and the tape remembers how it was made.

count, price, tax = Value(2), Value(100), Value(1.1)
apples = count * price
total = apples * tax
label(locals())
total.backward()

print(f"the bill: {count.data:g} apples × {price.data:g} × {tax.data:g} = {total.data:.2f}\n")
print(f"  one apple more        costs {count.grad:6.2f} more   price × tax")
print(f"  a price higher by 1   costs {price.grad:6.2f} more   count × tax")
print(f"  a factor higher by 1  costs {tax.grad:6.2f} more   count × price")

# Floats are not exact (2 · 100 · 1.1 is 220.00000000000003), hence isclose.

for v, expected in [(total.data, 220), (count.grad, 110), (price.grad, 2.2), (tax.grad, 200)]:
    assert isclose(v, expected)
draw(total).save(picture)

# With layers, you are the tape. A layer remembers what went in when you call forward, so that its backward can turn
# the gradient of its output into those of its inputs. You call backward in the opposite order, beginning with 1:
# the total changes as fast as itself.

buying, taxing = Mul(), Mul()
apples_too = buying.forward(2, 100)
total_too = taxing.forward(apples_too, 1.1)

d_apples, d_tax = taxing.backward(1)
d_count, d_price = buying.backward(d_apples)

print("\nthe same with two Mul layers:\n")
print(f"  buying.forward(2, 100)     {apples_too:g}")
print(f"  taxing.forward({apples_too:g}, 1.1)   {total_too:g}")
print(f"  taxing.backward(1)         {d_apples:g}, {d_tax:g}")
print(f"  buying.backward({d_apples:g})       {d_count:g}, {d_price:g}")
assert (total_too, d_count, d_price, d_tax) == (total.data, count.grad, price.grad, tax.grad)
print(f"\npicture: {picture}")
