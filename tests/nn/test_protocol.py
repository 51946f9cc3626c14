"""forward and backward on plain numbers: to the bit what one loss.backward() gives."""

import gc
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import StaleValueError, Tape, Value, current_tape, maximum, no_grad
from scalargrad.nn import MLP, Add, Affine, Linear, Module, Mul, ReLU, Sequential, Sigmoid, SoftmaxWithLoss, Tanh

SCORES, TARGETS = [[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]], [2, 0]


def run_by_hand(layers, x, targets):
    """The loss and dx by the layers' own forward and backward; the last layer is the loss."""
    *layers, last = layers
    for layer in layers:
        x = layer.forward(x)
    loss = last.forward(x, targets)
    dx = last.backward(1)
    for layer in reversed(layers):
        dx = layer.backward(dx)
    return loss, dx


def run_at_once(layers, x, targets):
    """The same by one backward() over one tape."""
    inputs = [[Value(v) for v in row] for row in x]
    loss = Sequential(*layers)(inputs, targets)
    loss.backward()
    return loss.data, [[v.grad for v in row] for row in inputs]


def take_grads(layers):
    """The gradients as text, so that 0.0 and -0.0 differ and nan is nan; and forget them."""
    grads = [p.grad.hex() for layer in layers for p in layer.parameters()]
    for layer in layers:
        layer.zero_grad()
    return grads


def as_text(nest):
    return [as_text(x) for x in nest] if isinstance(nest, list) else nest.hex()


# ── the numbers that are known ──────────────────────────────────────────────────────────────────────────────────────


def test_shopping():
    buying, taxing = Mul(), Mul()
    total = taxing.forward(buying.forward(2, 100), 1.1)
    d_apples, d_tax = taxing.backward(1)
    d_count, d_price = buying.backward(d_apples)
    assert total == pytest.approx(220, rel=1e-15)
    assert (d_count, d_price, d_tax) == (pytest.approx(110, rel=1e-15), 2.2, 200.0)


def test_shopping_for_two_kinds_of_fruit():
    apples, oranges, both, taxed = Mul(), Mul(), Add(), Mul()
    total = taxed.forward(both.forward(apples.forward(100, 2), oranges.forward(150, 3)), 1.1)
    d_both, d_tax = taxed.backward(1)
    d_apples, d_oranges = both.backward(d_both)
    assert total == pytest.approx(715)
    assert d_tax == 650
    assert (*apples.backward(d_apples), *oranges.backward(d_oranges)) == pytest.approx((2.2, 110, 3.3, 165))


def test_softmax_with_loss():
    layer = SoftmaxWithLoss()
    assert layer.forward(SCORES, TARGETS) == 0.40515568357736775
    for row, target, dscores in zip(SCORES, TARGETS, layer.backward(), strict=True):
        total = math.fsum(map(math.exp, row))
        expected = [(math.exp(x) / total - (i == target)) / 2 for i, x in enumerate(row)]
        assert dscores == pytest.approx(expected, rel=1e-14)


def test_backward_of_a_batch_is_two_matrix_products():
    rng = np.random.default_rng(0)
    x, w, dout = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    layer = Linear(w, [0.0, 0.0])
    layer.forward(x)
    assert np.allclose(layer.backward(dout), dout @ w.T, rtol=1e-13)
    assert np.allclose([[p.grad for p in row] for row in layer.W], x.T @ dout, rtol=1e-13)
    assert np.allclose([p.grad for p in layer.b], dout.sum(axis=0), rtol=1e-13)


# ── by hand is at once ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_textbook_network_is_equal_to_the_bit():
    layers = [Affine(2, 5, rng=0), ReLU(), Affine(5, 3, rng=1), SoftmaxWithLoss()]
    x, targets = [[0.3, -1.2], [2.0, 0.7], [-0.4, 0.1]], [2, 0, 1]
    at_once = run_at_once(layers, x, targets), take_grads(layers)
    by_hand = run_by_hand(layers, x, targets), take_grads(layers)
    assert at_once == by_hand


class Crossed(Module):
    """Its outputs feed each other, and one of its inputs is an output as it stands."""

    def compute(self, x):
        rows = []
        for row in x:
            total = row[0] * row[-1]
            rows.append([row[0], total, total * row[-1]])
        return rows


WIDTH = st.integers(1, 4)


@st.composite
def networks(draw):
    """Layers, a batch and its targets."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([1.0, 30.0, 1e-3]))
    width = first = draw(WIDTH)
    layers: list[Module] = []
    for kind in draw(st.lists(st.sampled_from(["linear", "relu", "tanh", "sigmoid", "crossed", "two"]), max_size=6)):
        if kind == "linear":
            after = draw(WIDTH)
            w = [[rng.gauss(0, spread) for _ in range(after)] for _ in range(width)]
            layers.append(Linear(w, [rng.gauss(0, spread) for _ in range(after)]))
            width = after
        elif kind == "two":
            layers.append(Sequential(Linear(width, 2, rng=rng), Tanh(), Linear(2, width, rng=rng)))
        elif kind == "crossed":
            layers.append(Crossed())
            width = 3
        else:
            layers.append({"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}[kind]())
    number = st.floats(-5, 5)
    x = draw(st.lists(st.lists(number, min_size=first, max_size=first), min_size=1, max_size=3))
    return [*layers, SoftmaxWithLoss()], x, [rng.randrange(width) for _ in x]


@settings(deadline=None)
@given(networks())
def test_any_list_of_layers_is_equal_to_the_bit(network):
    layers, x, targets = network
    (loss, dx), grads = run_at_once(layers, x, targets), take_grads(layers)
    (loss_by_hand, dx_by_hand), grads_by_hand = run_by_hand(layers, x, targets), take_grads(layers)
    assert (loss.hex(), as_text(dx), grads) == (loss_by_hand.hex(), as_text(dx_by_hand), grads_by_hand)


@settings(deadline=None)
@given(networks())
def test_gradients_add_up_by_hand_as_they_do_at_once(network):
    layers, x, targets = network
    run_at_once(layers, x, targets)
    run_at_once(layers, x, targets)
    grads = take_grads(layers)
    run_by_hand(layers, x, targets)
    run_by_hand(layers, x, targets)
    assert take_grads(layers) == grads


def test_a_parameter_of_two_layers_is_equal_up_to_rounding():
    w = Value(0.7)
    layers = [Linear([[w]], [0.1]), Tanh(), Linear([[w, 1.0]], [0.2, 0.3]), SoftmaxWithLoss()]
    run_at_once(layers, [[0.5], [0.6], [-3.1]], [0, 1, 1])
    at_once, w.grad = w.grad, None
    run_by_hand(layers, [[0.5], [0.6], [-3.1]], [0, 1, 1])
    assert w.grad == pytest.approx(at_once, rel=1e-14)


def test_a_sequential_runs_as_one_layer():
    model = Sequential(Affine(2, 5, rng=0), ReLU(), Affine(5, 3, rng=1), SoftmaxWithLoss())
    x, targets = [[0.3, -1.2], [2.0, 0.7]], [2, 0]
    expected = run_by_hand(model.layers, x, targets), take_grads([model])
    assert ((model.forward(x, targets), model.backward()), take_grads([model])) == expected


def test_an_mlp_speaks_the_protocol():
    model = MLP(2, [4, 1], rng=0)
    x = [Value(0.5), Value(-1.5)]
    (y := model(x)).backward()
    grads = take_grads([model])
    assert model.forward([0.5, -1.5]) == y.data
    assert model.backward() == [v.grad for v in x]
    assert take_grads([model]) == grads


# ── what goes in and comes out ──────────────────────────────────────────────────────────────────────────────────────


def test_results_are_plain_numbers():
    layer = Linear(2, 1, rng=0)
    assert type(layer.forward([1, 2])[0]) is float
    assert type(layer.backward([1])[0]) is float


@pytest.mark.parametrize("x", [((1, 2), (3, 4)), np.array([[1, 2], [3, 4]]), np.float32([[1, 2], [3, 4]])], ids=type)
def test_tuples_and_arrays_are_taken(x):
    layer = ReLU()
    assert layer.forward(x) == [[1.0, 2.0], [3.0, 4.0]]
    assert layer.backward(x) == [[1.0, 2.0], [3.0, 4.0]]


def test_dx_has_the_nest_of_x_where_rows_were_flattened():
    layer = Linear([[1.0], [2.0], [3.0], [4.0]])
    layer.forward([[[1, 2], [3, 4]]])
    assert layer.backward([[10.0]]) == [[[10.0, 20.0], [30.0, 40.0]]]


def test_backward_can_be_asked_for_each_row_of_the_jacobian():
    layer = Linear([[1.0, 2.0], [3.0, 4.0]])
    layer.forward([1.0, 1.0])
    assert [layer.backward([1, 0]), layer.backward([0, 1])] == [[1.0, 3.0], [2.0, 4.0]]


def test_an_input_that_does_not_matter_has_gradient_zero():
    class First(Module):
        def compute(self, x):
            return x[0]

    layer = First()
    layer.forward([1.0, 2.0])
    assert layer.backward(3.0) == [3.0, 0.0]


def test_an_output_that_does_not_depend_on_anything_gives_zeros():
    class Constant(Module):
        def compute(self, x):
            return [1.0, 2.0]

    layer = Constant()
    assert layer.forward([5.0]) == [1.0, 2.0]
    assert layer.backward([1.0, 1.0]) == [0.0]


def test_a_choice_hands_its_gradient_to_what_it_chose():
    class Largest(Module):
        def compute(self, x):
            return maximum(x[0], x[1])

    layer = Largest()
    layer.forward([1.0, 2.0])
    assert layer.backward(3.0) == [0.0, 3.0]


def test_a_layer_works_on_the_tape_of_its_parameters():
    with Tape():
        layer = Linear(2, 1, rng=0)
    with Tape() as other:
        layer.forward([1.0, 2.0])
        layer.backward([1.0])
    assert len(other) == 0
    assert layer.b[0].grad == 1.0


def test_a_layer_keeps_the_rows_of_its_latest_run_only():
    with Tape():
        layer, counts = Linear(3, 3, rng=0), []
        for _ in range(3):
            layer.forward([1.0, 2.0, 3.0])
            layer.backward([1.0, 2.0, 3.0])
            gc.collect()
            counts.append(len(current_tape()))
    assert counts[0] == counts[1] == counts[2]


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_backward_before_forward_raises():
    with pytest.raises(RuntimeError, match=r"ReLU.backward\(dout\) answers a ReLU.forward\(x\)"):
        ReLU().backward([1.0])


@pytest.mark.parametrize(
    ("dout", "shape"), [([1.0], r"\(1\)"), (1.0, r"\(\)"), ([[1.0], [1.0]], r"\(2, 1\)"), ([[1.0], 2.0], r"\(2, …\)")]
)
def test_dout_of_another_shape_raises(dout, shape):
    layer = ReLU()
    layer.forward([1.0, 2.0])
    with pytest.raises(ValueError, match=rf"dout of shape {shape} for an output of shape \(2\)"):
        layer.backward(dout)


def test_dout_of_something_else_than_numbers_raises():
    layer = ReLU()
    layer.forward([1.0])
    with pytest.raises(TypeError, match="dout is a real number, not 'one'"):
        layer.backward(["one"])


@pytest.mark.parametrize("x", [[Value(1.0)], ["1"], [None], {"x": 1.0}], ids=str)
def test_forward_takes_plain_numbers_only(x):
    with pytest.raises(TypeError, match=r"what forward\(\) takes is a real number"):
        ReLU().forward(x)


def test_the_number_of_arguments_is_checked():
    with pytest.raises(TypeError, match=r"Mul\(\) takes 2 argument\(s\), not 1"):
        Mul().forward(1.0)


def test_one_layer_in_two_places_raises_rather_than_sweeping_the_wrong_rows():
    relu = ReLU()
    layers = [Linear(2, 2, rng=0), relu, Linear(2, 2, rng=1), relu, SoftmaxWithLoss()]
    with pytest.raises(RuntimeError, match=r"ran twice, .* one layer object for each place"):
        run_by_hand(layers, [[1.0, 2.0]], [0])


def test_a_forward_without_answer_does_no_harm():
    layer = ReLU()
    layer.forward([1.0])
    layer.forward([-1.0])
    assert layer.backward([5.0]) == [0.0]


def test_a_forward_that_failed_cannot_be_answered():
    layer = Linear(2, 1, rng=0)
    layer.forward([1.0, 2.0])
    with pytest.raises(ValueError, match="in a row"):
        layer.forward([1.0])
    with pytest.raises(RuntimeError, match="answers"):
        layer.backward([1.0])


def test_without_recording_there_is_nothing_to_sweep():
    layer = ReLU()
    with no_grad():
        assert layer.forward([1.0]) == [1.0]
    with pytest.raises(RuntimeError, match=r"outside of no_grad\(\)"):
        layer.backward([1.0])
    layer.forward([1.0])
    with no_grad(), pytest.raises(RuntimeError, match=r"outside of no_grad\(\)"):
        layer.backward([1.0])


def test_a_parameter_changed_in_between_raises_and_changes_no_gradient():
    layer = Linear([[2.0]], [0.0])
    layer.forward([1.0])
    layer.W[0][0].data = 3.0
    with pytest.raises(StaleValueError, match=r"W\[0\]\[0\]"):
        layer.backward([1.0])
    assert not layer.b[0].has_grad
