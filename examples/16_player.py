"""A page to step through: the forward and the backward pass of a neuron, row by row.

At the end you will have a file to open in a browser, and to send to somebody else. In it you can go through the
computation at your own pace, forward and then backward, and ask each number where it comes from.

    python examples/16_player.py            the files go into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

from scalargrad import Value, animate, label, play, scope, sigmoid, trace

folder = Path(*sys.argv[1:2] or ["pictures"])
folder.mkdir(parents=True, exist_ok=True)

# The neuron of the first example, with one difference: x is used twice. It is weighed as before, and is added once more
# to the result, as in a network with a shortcut. What is recorded in a scope can be folded into one box.

a, b, c = Value(1.0), Value(2.0), Value(-3.0)
x, y = Value(-1.0), Value(3.0)

with scope("weigh"):
    ax = a * x
    by = b * y
    s = ax + by + c
f = sigmoid(s)
out = f + x
label(locals())

# What the page will say on the way back is what `trace` says. Look at x: its gradient comes in two parts, which add up.
# As long as only one of them is there, the page shows it in italics.

story = trace(out)
print(story)
parts = [part for step in story.steps for part in step.contributions if part.name == "x"]
assert [round(part.after, 4) for part in parts] == [1.0, 1.105]
assert str(parts[-1]).endswith("so x: 1 + 0.105 = 1.105")

# The page is one file, which needs no network. In it, the arrow keys go step by step, and a click on a number tells all
# there is to know of it; `?` tells the rest. It shows what backward() would do, and leaves all gradients as they are.

page = play(out, folder / "16_player.html")
assert not any(v.has_grad for v in (a, b, c, x, y))
print(f"\nopen it in a browser: {page}")

# The same steps as a picture that moves by itself, for slides, or for a README.

moving = animate(out, folder / "16_player.svg", seconds=2.0)
print(f"a picture that moves: {moving}")
