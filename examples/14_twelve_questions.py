"""Twelve questions about backpropagation, each answered by one line at the prompt.

At the end you will know what to type when a gradient surprises you. `trace(y)` tells the backward pass row by row,
`explain(y, x)` along which paths a gradient came about, or which row stopped it; and the tape prints as a table.

    python examples/14_twelve_questions.py      the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

import scalargrad
from scalargrad import StaleValueError, Tape, Value, debug, draw, explain, label, relu, sigmoid

picture = Path(*sys.argv[1:2] or ["pictures"], "14_twelve_questions.png")
picture.parent.mkdir(parents=True, exist_ok=True)


def ask(question: str, line: str) -> str:
    """Print a question, the line that answers it, and the answer, as the prompt of `python -m scalargrad` would."""
    print(f"\n{question}\n\n>>> {line}")
    try:
        found = eval(line, vars(scalargrad) | globals())
        answer = "" if found is None else str(found)
    except StaleValueError as error:
        answer = "\n".join([f"StaleValueError: {error}", *error.__notes__])
    print(answer)
    return answer


# Each use of a number hands a share back to it, and the shares are summed: that is the += in every backward pass.

a = Value(3.0, label="a")
answer = ask("1. Why do gradients add? (b = a + a)", "trace(a + a)")
assert "so a: 1 + 1 = 2" in answer

# A gate reads the gradient of its own output, and multiplies it by each of its local derivatives. That is all.

w, x = Value(-2.0, label="w"), Value(0.5, label="x")
answer = ask("2. How does the gradient get from a gate's output to its inputs?", "trace(w * x)")
assert "w += 1 · x(0.5) = 0.5; x += 1 · w(−2) = −2" in answer

# How much the output of one gate changes when one of its own operands does, all else left alone. The rule says it as a
# formula; the tape keeps it as a number.

u = Value(1.0, label="u")
answer = ask(
    "3. What is a local derivative here?", "trace(tanh(u)).steps[0].contributions[0].law, tanh(u).local_derivatives"
)
assert "d tanh(u)/du = 1 − tanh²(u)" in answer

# t is used twice, by a row and by the row after that. Its own turn comes when both have handed on their shares: a row
# is recorded after all that it uses, so going from the newest row to the oldest always works.

t = 2 * x
t.label = "t"
answer = ask("4. Why does the order of the sweep matter?", "trace(t * tanh(t))")
assert answer.index("so t: ") < answer.index("[t = 2·x]")

# Inputs accumulate, so that the gradients of several losses can be summed. The last line tells what one more
# backward() would do now.

loss = x * x
loss.backward()
answer = ask("5. What happens on a second backward()?", "trace(loss)")
assert "x 1 + 1 = 2" in answer

# For that very reason: a gradient from before is still there when the next one comes. `x.grad = None` starts anew.

answer = ask("6. Why zero the gradients?", "trace(x * 10.0)")
assert "x 1 + 10 = 11" in answer

# The gradient of p is zero, because 0 · p does not depend on it. That of q was not asked for yet.

with Tape() as tape:
    p, q = Value(4.0, label="p"), Value(5.0, label="q")
(0.0 * p).backward()
ask("7. Is this zero a real zero or 'not yet'?", "print(tape)")
assert (p.grad, p.has_grad) == (q.grad, not q.has_grad) == (0.0, True)

# Of the three uses of x, the one by way of the square makes up three quarters of the gradient.

x, y = Value(3.0), Value(-4.0)
top, bottom = x + sigmoid(y), sigmoid(x) + (x + y) ** 2
f = top / bottom
label(locals())
answer = ask("8. Which path dominates?", "explain(f, x)")
assert "76.9 %  x ─(1)→ " in answer

# The square root is infinitely steep at 0, and its gradient was multiplied by 0.

z = Value(0.0, label="z")
answer = ask("9. Where did this nan come from?", "explain(5.0 + 0.0 * sqrt(z), z)")
assert "0 · inf = nan" in answer

# What a relu is given was negative, so it hands nothing back, and w will not learn. Recorded within debug(), the row
# knows its source line as well.

with debug():
    neuron = relu(w * 3.0 + 1.0)
answer = ask("10. Why is my neuron dead?", "explain(neuron, w)")
assert "is off" in answer
assert "14_twelve_questions.py:" in answer

# A gradient is a promise about small steps. What is left over shrinks with the square of the step.

answer = ask("11. What changes when I move the input a little?", "explain(f, x, move=0.01)")
assert abs(explain(f, x, move=0.01).moved.actual - 0.01 * explain(f, x).gradient) < 0.00015

# All that was computed from the old number. So nothing is computed from a mixture of old and new numbers: it raises.

x.data = 5.0
answer = ask("12. What did my change to the data after recording break?", "explain(f, x)")
assert "labelled 'x'" in answer
assert "out of date are" in answer

g = sigmoid(w * u)
g.backward()
draw(g).save(picture)
print(f"picture: {picture}")
