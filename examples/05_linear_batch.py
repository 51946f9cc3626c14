"""A linear node on a batch: the gradient of a matrix product is two matrix products.

At the end you will know what D = W·X hands to W (dD·Xᵀ) and to X (Wᵀ·dD), and how to remember which is which. And you
will have seen a node that serves a whole batch add up the shares of its rows.

    python examples/05_linear_batch.py      the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

from scalargrad import Value, draw, label, matmul
from scalargrad.nn import Linear, Sigmoid, mse

picture = Path(*sys.argv[1:2] or ["pictures"], "05_linear_batch.png")
picture.parent.mkdir(parents=True, exist_ok=True)


def transposed(matrix):
    return [list(column) for column in zip(*matrix)]


def gradients_of(matrix):
    return [[v.grad for v in row] for row in matrix]


def show(name, matrix, form="10.7f"):
    print(f"  {name:10}", "  ".join("[" + " ".join(f"{x:{form}}" for x in row) + "]" for row in matrix))


# A batch is one example to a row. The linear node multiplies it by W, and adds b to each row. A sigmoid squeezes what
# comes out, and the cost is the mean of the squared distances to the targets. Both rows of this batch are the same;
# only their targets are not.

X = [[Value(-1), Value(-2)], [Value(-1), Value(-2)]]
linear = Linear([[2, -3], [2, -3]], [-3, -5])
targets = [[1, 2], [3, 4]]

sums = linear(X)
outputs = Sigmoid()(sums)
cost = mse(outputs, targets)
label(locals())
cost.backward()
draw(cost).save(picture)

dsums, dW, db, dX = map(gradients_of, (sums, linear.W, [linear.b], X))
print(f"the cost is {cost.data}, and the gradients are\n")
show("of X·W + b", dsums)
show("of W", dW)
show("of b", db)
show("of X", dX)
assert cost.data == 5.035887390259722
assert dW == [[0.0002467434751871481, 0.03564309756903322], [0.0004934869503742962, 0.07128619513806644]]
assert db == [[-0.0002467434751871481, -0.03564309756903322]]
assert dX == [[0.026847222908190863, 0.026847222908190863], [0.07958858284853451, 0.07958858284853451]]

# Where do they come from? Each row of the batch uses b, so the shares of the rows add up: b gets the column sums of
# what the node was handed. It is the same with W, but there a share is multiplied by the example that used it.

W = [[w.data for w in row] for row in linear.W]
examples = [[x.data for x in row] for row in X]
assert db[0] == [sum(column) for column in zip(*dsums)]
assert dW == matmul(transposed(examples), dsums)
assert dX == matmul(dsums, transposed(W))

# Books that put one example to a *column* write the product the other way round, D = W·X, and the rule turns round
# with it. Seed each number of D with a number of dD, and let the tape find the gradients of W and X.

w, x = [[1, -2, 0], [3, 1, -1]], [[2, 1, 0, 1], [-1, 0, 3, 2], [4, 5, -2, 0]]
W, X = ([[Value(number) for number in row] for row in matrix] for matrix in (w, x))
D = matmul(W, X)
dD = [[1, -1, 0, 2], [2, 3, 1, -1]]
for row, seeds in zip(D, dD):
    for d, seed in zip(row, seeds):
        d.backward(seed)  # the gradients of inputs add up from one backward() to the next

# There is no need to remember the rule. Times swaps the inputs, here too: W gets something made of dD and X. It must
# have the shape of W, 2 by 3, and from dD (2 by 4) and X (3 by 4) only one product has that.

print("\nD = W·X, by the tape and by the rule\n")
show("dW", gradients_of(W), "3.0f")
show("dD·Xᵀ", matmul(dD, transposed(x)), "3.0f")
show("dX", gradients_of(X), "3.0f")
show("Wᵀ·dD", matmul(transposed(w), dD), "3.0f")
assert gradients_of(W) == matmul(dD, transposed(x))
assert gradients_of(X) == matmul(transposed(w), dD)
print(f"\npicture: {picture}")
