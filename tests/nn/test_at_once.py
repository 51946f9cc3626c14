"""The neurons of a Layer, which the native engine records at once: as if each were called."""

import math

import pytest

from scalargrad import Tape, TapeError, Value, debug, no_grad, sin
from scalargrad.nn import Layer, Neuron


class OneByOne(Layer):
    def _recorder(self, neurons, around):
        return lambda xs: []


def rows(tape):
    """All that can be told of them but their lines."""
    number = {row: i for i, row in enumerate(tape)}
    return [
        (
            number[row],
            row.rule,
            row.scope[1:],  # the first is the class
            row.data.hex(),
            row.label,
            row.grad.hex(),
            [number.get(x, x) if type(x) is Value else x.hex() for x in row.operands],
            [d if d is None else d.hex() for d in row.local_derivatives],
        )
        for row in tape
    ]


def account(kind, use, **kwargs):
    """What a use of a fresh layer leaves, or with which message it fails."""
    with Tape() as tape:
        layer = kind(2, 3, rng=0, **kwargs)
        try:
            ys = use(layer)
        except Exception as error:
            return type(error), str(error), rows(tape), Value(0.0).scope
        for y in ys:
            if type(y) is Value:
                y.backward()
        return [type(y) for y in ys], rows(tape), Value(0.0).scope


def of_plain_numbers(layer):
    return layer([0.5, -2.0])


def of_values(layer):
    return layer([Value(0.5, label="x"), Value(-2.0)])


def of_both(layer):
    return layer((Value(0.5), 3.0))


def of_whole_numbers(layer):
    return layer([1, -2])


def of_nothing_finite(layer):
    return layer([math.inf, math.nan])


def of_another_tape(layer):
    with Tape():
        x = Value(1.0)
    return layer([1.0, x])


def of_text(layer):
    return layer([1.0, "2"])


def of_too_few(layer):
    return layer([1.0])


def without_gradients(layer):
    with no_grad():
        return layer([0.5, -2.0])


def to_find_faults(layer):
    with debug():
        return [y for y in layer([0.5, -2.0]) if "test_at_once" not in y.line]


def with_biases_that_are_numbers(layer):
    layer.neurons[0].b, layer.neurons[1].b = 0.25, 2
    return layer([0.5, -2.0])


def with_weights_that_are_numbers(layer):
    layer.neurons[0].w[1], layer.neurons[1].w, layer.neurons[2].w[0] = 0.25, [1.0, 2.0], 2
    return layer([0.5, -2.0])


def with_weights_on_another_tape(layer):
    with Tape():
        layer.neurons[1] = Neuron(2, rng=1)
    return layer([0.5, -2.0])


def with_weights_of_both_tapes(layer):
    with Tape():
        layer.neurons[1].w[1] = Value(3.0)
    return layer([0.5, -2.0])


def with_more_weights(layer):
    layer.neurons[1].w.append(Value(3.0))
    return layer([0.5, -2.0])


def with_a_neuron_twice(layer):
    layer.neurons[2] = layer.neurons[0]
    return layer([0.5, -2.0])


def with_activations_of_their_own(layer):
    layer.neurons[1].activation = sin
    layer.neurons[2].nonlin = False
    return layer([0.5, -2.0])


def again_on_its_own_results(layer):
    return layer(layer([0.5, -2.0])[:2])


USES = [
    *(of_plain_numbers, of_values, of_both, of_whole_numbers, of_nothing_finite, of_another_tape, of_text, of_too_few),
    *(without_gradients, to_find_faults, with_biases_that_are_numbers, with_weights_that_are_numbers),
    *(with_weights_on_another_tape, with_weights_of_both_tapes, with_more_weights, with_a_neuron_twice),
    *(with_activations_of_their_own, again_on_its_own_results),
]


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_a_layer_leaves_the_rows_that_its_neurons_leave_one_by_one(use):
    assert account(Layer, use) == account(OneByOne, use)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "softplus", "linear", sin])
@pytest.mark.parametrize("use", [of_plain_numbers, of_values, of_nothing_finite], ids=lambda use: use.__name__)
def test_whatever_the_activation(activation, use):
    assert account(Layer, use, activation=activation) == account(OneByOne, use, activation=activation)


def test_a_large_step_fails_as_it_does_one_by_one():
    def overflow(layer):
        layer.neurons[1].w[0].data = 1e308
        return layer([1e308, 1.0])

    for activation in ("tanh", "relu", "softplus"):
        ours, theirs = (account(kind, overflow, activation=activation) for kind in (Layer, OneByOne))
        assert ours == theirs


def test_a_tape_without_room_for_the_rows_refuses_them():
    for kind in (Layer, OneByOne):
        with Tape(max_rows=9 + 4) as tape:
            layer = kind(2, 3, rng=0)
            with pytest.raises(TapeError, match="max_rows=13"):
                layer([1.0, 2.0])
            assert len(tape) == 9
            assert Value(1.0).scope == ()


def test_results_that_are_dropped_leave_no_rows():
    with Tape() as tape:
        layer, kept = Layer(2, 3, rng=0), []
        before = len(tape)
        for i in range(3000):
            ys = layer([0.5, i / 1000])
            if i % 7 == 0:
                kept.append(ys[i % 3])
        del ys
        assert len(tape) - before == 3 * len(kept)
        for i, y in enumerate(kept):
            assert y.scope == ("Layer", f"neurons.{7 * i % 3}")
            assert y == layer.neurons[7 * i % 3]([0.5, 7 * i / 1000])


# ── what is changed between two calls counts ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def layer():
    layer = Layer(1, 2, nonlin=False)
    for neuron in layer.neurons:
        neuron.w[0].data = 3.0
    assert layer([1.0]) == [3.0, 3.0]
    return layer


def test_a_weight_put_in_the_place_of_another(layer):
    layer.neurons[1].w[0] = Value(5.0)
    assert layer([1.0]) == [3.0, 5.0]


def test_weights_put_in_the_place_of_others(layer):
    layer.neurons[1].w = [Value(5.0)]
    assert layer([1.0]) == [3.0, 5.0]


def test_a_bias_put_in_the_place_of_another(layer):
    layer.neurons[1].b = Value(5.0)
    assert layer([1.0]) == [3.0, 8.0]


def test_an_activation_put_in_the_place_of_another(layer):
    layer.neurons[1].nonlin = True
    layer.neurons[1].activation = lambda total: total * 2.0
    assert layer([1.0]) == [3.0, 6.0]


def test_a_compute_of_its_own_and_its_end(layer):
    layer.neurons[1].compute = lambda x: 7.0
    assert layer([1.0]) == [3.0, 7.0]
    del layer.neurons[1].compute
    assert layer([1.0]) == [3.0, 3.0]


def test_another_compute_of_all_neurons(layer, monkeypatch):
    monkeypatch.setattr(Neuron, "compute", lambda self, x: 7.0)
    assert layer([1.0]) == [7.0, 7.0]


def test_a_neuron_of_another_class(layer):
    class Loud(Neuron):
        def compute(self, x):
            return super().compute(x) + 100

    layer.neurons[1] = Loud(1, nonlin=False)
    layer.neurons[1].w[0].data = 4.0
    assert layer([1.0]) == [3.0, 104.0]


def test_the_scope_around_it(layer):
    class Net(Layer):
        def compute(self, x):
            return super().compute(x)

    net = Net(1, 1)
    net.inner = layer
    net.compute = lambda x: net.inner(x)
    assert [y.scope for y in net([1.0])] == [("Net", "inner", "neurons.0"), ("Net", "inner", "neurons.1")]
    assert [y.scope for y in layer([1.0])] == [("Layer", "neurons.0"), ("Layer", "neurons.1")]
