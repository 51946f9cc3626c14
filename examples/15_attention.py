"""An attention head on four tokens: where does its output get its gradient from?

At the end you will know an attention head inside out: three small matrices, a table of dot products, a softmax for each
token. And you will have seen 128 operations in one picture, because they were recorded in scopes.

    python examples/15_attention.py         the picture goes into pictures/, or into the folder you name
"""

import sys
from math import sqrt
from pathlib import Path

from scalargrad import Value, dot, draw, scope, softmax

picture = Path(*sys.argv[1:2] or ["pictures"], "15_attention.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# Four tokens, each a vector of two numbers. The first and the third are alike.

words = ["red", "hot", "red", "tea"]
vectors = {"red": (1.0, 0.2), "hot": (-0.4, 0.9), "tea": (0.3, -1.0)}
tokens = [[Value(x, label=f"{word}{i}[{d}]") for d, x in enumerate(vectors[word])] for i, word in enumerate(words)]

# A token asks with its query, is found by its key, and hands on its value. Each is a matrix times the vector.


def matrix(name, numbers):
    return [[Value(x, label=f"{name}{i}{j}") for j, x in enumerate(row)] for i, row in enumerate(numbers)]


Q = matrix("Q", [[2.0, 0.0], [0.0, 2.0]])
K = matrix("K", [[1.5, 0.5], [-0.5, 1.5]])
V = matrix("V", [[1.0, -1.0], [0.5, 1.0]])


def times(name, matrix, tokens):
    """The matrix times each token. A scope has a name, and a picture can fold what is in it."""
    out = []
    with scope(name):
        for i, token in enumerate(tokens):
            with scope(f"token {i}"):
                out.append([dot(row, token) for row in matrix])
    return out


with scope("head"):
    queries, keys, values = times("queries", Q, tokens), times("keys", K, tokens), times("values", V, tokens)

    # How much token i looks at token j: the dot product of i's query and j's key, made to sum to 1 by a softmax.

    weights = []
    with scope("weights"):
        for i, query in enumerate(queries):
            with scope(f"token {i}"):
                weights.append(softmax([dot(query, key) / sqrt(2) for key in keys]))

    # What token i gets is the mean of all values, weighted so.

    outputs = []
    with scope("outputs"):
        for i, weight in enumerate(weights):
            with scope(f"token {i}"):
                outputs.append([dot(weight, [value[d] for value in values]) for d in range(2)])

print("who looks at whom:\n")
print("          " + "".join(f"{word:>8}" for word in words))
for word, row in zip(words, weights):
    print(f"  {word:>8}" + "".join(f"{weight.data:8.3f}" for weight in row))
    assert abs(sum(weight.data for weight in row) - 1) < 1e-12
assert weights[0][0].data == weights[2][2].data  # the same word asks the same, and is found as easily

# Ask one number of the last token's output where it comes from: its gradient with respect to all four tokens.

answer = outputs[3][0]
answer.label = "answer"
answer.backward()

print(f"\nthe answer, output 0 of the last token, is {answer.data:.4f}; its gradient reaches all four tokens:\n")
for word, token in zip(words, tokens):
    print(f"  {word:>8}" + "".join(f"{x.grad:9.4f}" for x in token))

# A gradient is a promise: move one number of one token by very little, and the answer moves by the gradient times that.

step = 1e-6


def answer_with(moved):
    q = [sum(w.data * x for w, x in zip(row, moved[3])) for row in Q]
    k = [[sum(w.data * x for w, x in zip(row, token)) for row in K] for token in moved]
    v = [sum(w.data * x for w, x in zip(V[0], token)) for token in moved]
    shares = softmax([(q[0] * key[0] + q[1] * key[1]) / sqrt(2) for key in k])
    return sum(share * value for share, value in zip(shares, v))


plain = [[x.data for x in token] for token in tokens]
up, down = [[list(token) for token in plain] for _ in range(2)]
up[0][1] += step
down[0][1] -= step
slope = (answer_with(up) - answer_with(down)) / (2 * step)
print(f"\nmoved a little, the second number of the first token changes it by {slope:.6f} times as much")
assert abs(slope - tokens[0][1].grad) < 1e-8

# The whole head in one picture: all that is equal shares a box, which says how often it is there.

draw([x for output in outputs for x in output], depth=2).save(picture)
print(f"\npicture: {picture}")
