"""The layers on Values: what they compute, and what they refuse."""

import math
import random

import numpy as np
import pytest

import scalargrad
from scalargrad import Value
from scalargrad.nn import (
    MLP,
    Add,
    Affine,
    Linear,
    Mul,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
    mse,
    softmax_cross_entropy,
)

X, W, B = [[-1, -2], [-1, -2]], [[2, -3], [2, -3]], [-3, -5]


def grads(nest):
    return [grads(x) for x in nest] if isinstance(nest, list) else nest.grad


# ── Linear ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_linear_with_sigmoid_and_mean_squared_error():
    """The node of a well-known exercise: cost and gradients as its readers know them."""
    x, layer = [[Value(v) for v in row] for row in X], Linear(W, B)
    cost = mse(Sigmoid()(layer(x)), [[1, 2], [3, 4]])
    cost.backward()
    assert cost.data == 5.035887390259722
    assert grads(layer.W) == [
        [pytest.approx(0.0002467434751871481, rel=1e-13), pytest.approx(0.03564309756903322, rel=1e-13)],
        [pytest.approx(0.0004934869503742962, rel=1e-13), pytest.approx(0.07128619513806644, rel=1e-13)],
    ]
    assert grads(layer.b) == [pytest.approx(-0.0002467434751871481), pytest.approx(-0.03564309756903322)]
    # by hand: dX = dY Wᵀ, where dY = (y - t) y (1 - y) / 2
    ys, ts = [1 / (1 + math.exp(9)), 1 / (1 + math.exp(-4))], [[1, 2], [3, 4]]
    for i in (0, 1):
        dy = [(y - t) * y * (1 - y) / 2 for y, t in zip(ys, ts[i], strict=True)]
        assert grads(x)[i] == pytest.approx([2 * dy[0] - 3 * dy[1]] * 2, rel=1e-10)


def test_linear_is_a_matrix_product_plus_a_row():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    assert np.allclose(Linear(w, b).forward(x), x @ w + b, rtol=1e-14)


def test_affine_is_the_same_thing():
    assert Affine is Linear


def test_a_single_row_gives_a_single_row():
    layer = Linear(W, B)
    assert layer(X)[0] == layer(X[0])


def test_deeper_rows_are_flattened():
    layer = Linear(6, 2, rng=0)
    flat = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]
    assert layer([[row[:3], row[3:]] for row in flat]) == layer(flat)


def test_linear_draws_row_by_row_within_its_bound():
    layer, rng = Linear(4, 3, rng=5), random.Random(5)
    assert [w.data for row in layer.W for w in row] == [rng.uniform(-0.5, 0.5) for _ in range(12)]
    assert layer.b == [0.0, 0.0, 0.0]


def test_linear_without_rng_draws_from_the_global_generator():
    random.seed(5)
    assert Linear(4, 3).state_dict() == Linear(4, 3, rng=5).state_dict()


@pytest.mark.parametrize("layer", [Linear(2, 3, bias=False, rng=0), Linear([[1, 2, 3], [4, 5, 6]])])
def test_linear_without_bias(layer):
    assert repr(layer) == "Linear(2, 3, bias=False)"
    assert len(layer.parameters()) == 6
    assert layer([0.0, 0.0]) == [0.0, 0.0, 0.0]


def test_values_given_are_the_parameters():
    w, b = Value(2.0), Value(3.0)
    assert Linear([[w]], [b]).named_parameters() == [("W.0.0", w), ("b.0", b)]
    assert Linear([[w]], [b]).parameters()[0] is w


def test_numbers_given_are_labelled():
    assert [p.label for p in Linear([[1, 2]], [3, 4]).parameters()] == ["W[0][0]", "W[0][1]", "b[0]", "b[1]"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0, 3.0], r"Linear\(2, 2\) takes 2 number\(s\) in a row, not 3: x is \(3\)"),
        ([[1.0, 2.0], [3.0]], r"takes 2 number\(s\) in a row, not 1: x is \(2, …\)"),
        ([[[1.0], [2.0], [3.0]]], r"in a row, not 3: x is \(1, 3, 1\)"),
        ([], r"in a row, not 0: x is \(0\)"),
        (1.0, r"in a row, not 1: x is \(\)"),
    ],
)
def test_rows_of_the_wrong_length_raise(x, message):
    with pytest.raises(ValueError, match=message):
        Linear(2, 2, rng=0)(x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2], [3]], [1, 2]), ValueError, r"W is a matrix .* not of shape \(2, …\)"),
        (([1, 2],), ValueError, r"W is a matrix .* not of shape \(2\)"),
        (([],), ValueError, r"W is a matrix .* not of shape \(0\)"),
        (([[]],), ValueError, r"W is a matrix .* not of shape \(1, 0\)"),
        (([[[1]]],), ValueError, r"W is a matrix .* not of shape \(1, 1, 1\)"),
        (([[1, 2]], [1]), ValueError, r"each column of W: not shape \(1\) where W has \(1, 2\)"),
        (([[1, 2]], 1), ValueError, r"each column of W: not shape \(\)"),
        (([["1"]],), TypeError, r"the parameter W\[0\]\[0\] is a real number, not '1'"),
        ((2,), TypeError, "nout is an int, not None"),
        ((2, 0), ValueError, "nout is 1 at least"),
    ],
)
def test_matrices_that_are_none_raise(arguments, error, message):
    with pytest.raises(error, match=message):
        Linear(*arguments)


def test_keywords_of_the_one_form_do_not_go_with_the_other():
    with pytest.raises(TypeError, match=r"go with Linear\(nin, nout\)"):
        Linear([[1.0]], [1.0], bias=False)


# ── the others ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("layer", "function"), [(ReLU(), scalargrad.relu), (Sigmoid(), scalargrad.sigmoid), (Tanh(), scalargrad.tanh)]
)
def test_elementwise_layers_keep_the_nest(layer, function):
    x = [[-1.5, 0.0], [[2.0], 0.5]]
    expected = [[function(-1.5), function(0.0)], [[function(2.0)], function(0.5)]]
    assert layer(x) == expected
    assert layer([Value(-1.5), Value(2.0)]) == [function(-1.5), function(2.0)]
    assert layer(0.5) == function(0.5)


def test_add_and_mul_work_number_by_number():
    assert Add()([1, [2]], [Value(3), [4]]) == [4, [6]]
    assert Mul()([1, [2]], [Value(3), [4]]) == [3, [8]]
    assert Mul()(Value(3), 4) == 12


@pytest.mark.parametrize("layer", [Add(), Mul()], ids=str)
def test_add_and_mul_refuse_two_shapes(layer):
    with pytest.raises(ValueError, match=r"two of the same shape, not of \(2\) and \(1\)"):
        layer([1, 2], [1])


def test_sequential_is_one_layer_after_the_other():
    first, last = Linear(2, 3, rng=0), Linear(3, 1, rng=1)
    x = [[1.0, -2.0], [0.5, 0.25]]
    assert Sequential(first, Tanh(), last)(x) == last(Tanh()(first(x)))


def test_sequential_hands_further_arguments_to_the_layers_that_take_two():
    assert Sequential(Mul(), Mul(), Add())(2.0, 3.0, 4.0, 0.5) == 24.5


def test_sequential_with_a_loss_trains():
    hidden, last = Linear(2, 8, rng=3), Linear(8, 2, rng=4)
    model = Sequential(hidden, Tanh(), last, SoftmaxWithLoss())
    x, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    for _ in range(150):
        loss = model(x, t)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= p.grad
    assert loss.data < 0.1


def test_sequential_contains_any_module():
    model = Sequential(MLP(2, [3, 2], rng=0), SoftmaxWithLoss())
    assert model([1.0, 2.0], 1) == softmax_cross_entropy(model.layers[0]([1.0, 2.0]), 1)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: Sequential(), ValueError, "one layer at least"),
        (lambda: Sequential(math.tanh), TypeError, "a layer is a Module, not <built-in"),
        (lambda: Sequential(ReLU())(1.0, 2.0), TypeError, r"Sequential\(ReLU\(\)\) takes 1 argument\(s\), not 2"),
        (lambda: Sequential(Mul())(1.0), TypeError, r"takes 2 argument\(s\), not 1"),
    ],
)
def test_sequential_refuses(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_repr_tells_the_layers():
    layers = [Linear(2, 3, rng=0), ReLU(), Sigmoid(), Tanh(), SoftmaxWithLoss()]
    assert repr(Sequential(*layers)) == "Sequential(Linear(2, 3), ReLU(), Sigmoid(), Tanh(), SoftmaxWithLoss())"
