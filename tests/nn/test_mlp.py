"""Neuron, Layer, MLP: micrograd's numbers, names and order."""

import math
import random

import micrograd.nn
import numpy as np
import pytest

import scalargrad
from scalargrad import Tape, Value
from scalargrad.nn import MLP, Layer, Module, Neuron, mse


def same_seed(make):
    random.seed(1337)
    return make()


@pytest.fixture
def both():
    """The same model in micrograd and here, drawn from the same seed."""
    return same_seed(lambda: micrograd.nn.MLP(2, [16, 16, 1])), same_seed(lambda: MLP(2, [16, 16, 1]))


def test_parameters_are_those_of_micrograd(both):
    theirs, ours = both
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert len(ours.parameters()) == 337


def test_repr_is_that_of_micrograd(both):
    theirs, ours = both
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("x", [[1.0, -2.0], [0.3, 0.7], [-1.5, 0.0]])
def test_output_and_gradients_are_those_of_micrograd_up_to_rounding(both, x):
    theirs, ours = both
    (expected := theirs(x)).backward()
    (y := ours(x)).backward()
    assert y.data == pytest.approx(expected.data, rel=1e-12)
    assert [p.grad for p in ours.parameters()] == pytest.approx([p.grad for p in theirs.parameters()], rel=1e-9)


def test_training_is_that_of_micrograd_up_to_rounding(both):
    xs, ys = [[2.0, 3.0], [3.0, -1.0], [0.5, 1.0]], [1.0, -1.0, -1.0]
    losses = []
    for model in both:
        for _ in range(5):
            loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys, strict=True))
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data -= 0.001 * p.grad
        losses.append(loss.data)
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_the_parts_have_their_micrograd_names():
    model = MLP(3, [4, 2], rng=0)
    neuron = model.layers[0].neurons[0]
    assert (len(neuron.w), neuron.b, neuron.nonlin) == (3, 0.0, True)
    assert [layer.neurons[0].nonlin for layer in model.layers] == [True, False]
    assert [p.label for p in neuron.parameters()] == ["w0", "w1", "w2", "b"]


def test_a_neuron_is_three_rows_however_many_weights():
    with Tape() as tape:
        neuron = Neuron(50, rng=0)
        before = len(tape)
        out = neuron([1.0] * 50)
    assert len(tape) - before == 3
    assert out.rule.name == "relu"


def test_one_output_is_a_value_and_several_are_a_list():
    assert isinstance(MLP(2, [3, 1], rng=0)([1.0, 2.0]), Value)
    assert len(MLP(2, [3, 2], rng=0)([1.0, 2.0])) == 2


def test_a_layer_of_one_neuron_can_stand_in_the_middle():
    model = MLP(1, [1, 1, 2], activation="linear", rng=0)
    a, b = (layer.neurons[0].w[0].data for layer in model.layers[:2])
    assert model([2.0])[0] == a * 2.0 * b * model.layers[2].neurons[0].w[0].data


def test_layers_can_be_changed_for_whatever_is_called():
    model = MLP(1, [1, 1], rng=0)
    model.layers = [model.layers[1], lambda x: x * 3, scalargrad.tanh, Layer(1, 2, rng=0)]
    first, _, _, last = model.layers
    assert model([2.0]) == last(scalargrad.tanh(first([2.0]) * 3))


def test_without_layers_it_gives_what_it_was_given():
    model = MLP(1, [1], rng=0)
    model.layers.clear()
    assert model([2.0]) == [2.0]


def test_a_layer_may_get_a_call_of_its_own_later(monkeypatch):
    model, called = MLP(1, [1, 1], rng=0), []
    model([2.0])
    monkeypatch.setattr(
        Layer, "__call__", lambda layer, x: called.append(layer) or Module.__call__(layer, x), raising=False
    )
    model([2.0])
    assert called == model.layers


def test_layers_may_be_anything_to_go_over():
    class Reversed(MLP):
        layers = property(
            lambda self: iter(self.__dict__["layers"]), lambda self, layers: vars(self).update(layers=layers)
        )

    assert Reversed(1, [2, 1], rng=0)([2.0]) == MLP(1, [2, 1], rng=0)([2.0])


def test_an_error_in_one_layer_leaves_every_scope():
    model = MLP(1, [1, 1, 1], activation=lambda x: scalargrad.log(-abs(x)), rng=0)
    with pytest.raises(ValueError, match="log"):
        model([2.0])
    assert Value(1.0).scope == ()
    assert model.layers[2]([2.0]).scope == ("Layer", "neurons.0")


@pytest.mark.parametrize("x", [(1.0, 2.0), np.array([1.0, 2.0]), [Value(1.0), 2], iter([1.0, 2.0])], ids=type)
def test_the_input_is_any_row_of_numbers(x):
    assert MLP(2, [3, 1], rng=0)(x) == MLP(2, [3, 1], rng=0)([1.0, 2.0])


# ── activations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("activation", "function", "name"),
    [
        ("relu", scalargrad.relu, "ReLU"),
        ("tanh", scalargrad.tanh, "Tanh"),
        ("sigmoid", scalargrad.sigmoid, "Sigmoid"),
        ("leaky_relu", scalargrad.leaky_relu, "LeakyReLU"),
        ("gelu", scalargrad.gelu, "GELU"),
        ("softplus", scalargrad.softplus, "Softplus"),
        ("linear", float, "Linear"),
        (None, float, "Linear"),
        (scalargrad.sin, math.sin, "sin"),
    ],
)
def test_an_activation_is_applied_after_the_bias(activation, function, name):
    neuron = Neuron(1, activation=activation)
    neuron.w[0].data, neuron.b.data = 2.0, -3.0
    assert neuron([1.0]) == function(-1.0)
    assert repr(neuron) == f"{name}Neuron(1)"


def test_an_activation_goes_to_all_layers_but_the_last():
    text = repr(MLP(1, [1, 1, 1], activation="tanh", rng=0))
    assert text == "MLP of [Layer of [TanhNeuron(1)], Layer of [TanhNeuron(1)], Layer of [LinearNeuron(1)]]"


def test_a_layer_hands_its_keywords_to_its_neurons():
    assert repr(Layer(2, 1, nonlin=False)) == "Layer of [LinearNeuron(2)]"
    assert repr(Layer(2, 1, activation="gelu")) == "Layer of [GELUNeuron(2)]"


# ── where the weights come from ─────────────────────────────────────────────────────────────────────────────────────


def test_a_seed_a_generator_and_the_global_one_draw_alike():
    random.seed(7)
    models = [MLP(2, [3, 1]), MLP(2, [3, 1], rng=7), MLP(2, [3, 1], rng=random.Random(7))]
    assert models[0].state_dict() == models[1].state_dict() == models[2].state_dict()


def test_an_rng_leaves_the_global_generator_alone():
    state = random.getstate()
    MLP(2, [3, 1], rng=0)
    assert random.getstate() == state


def test_the_neurons_of_a_seeded_layer_differ():
    layer = Layer(2, 2, rng=0)
    assert layer.neurons[0].w[0] != layer.neurons[1].w[0]


def test_numpys_generators_draw_too():
    assert Neuron(2, rng=np.random.default_rng(0)).w[0] == np.random.default_rng(0).uniform(-1, 1)


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", [Neuron(2, rng=0), Layer(2, 2, rng=0), MLP(2, [1], rng=0)], ids=str)
def test_a_row_of_the_wrong_length_raises(model):
    with pytest.raises(ValueError, match=r"Neuron\(2\) takes 2 number\(s\), not 3"):
        model([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Neuron(0), ValueError, "nin is 1 at least, not 0"),
        (lambda: Neuron(2.0), TypeError, "nin is an int, not 2.0"),
        (lambda: Layer(2, -1), ValueError, "nout is 1 at least, not -1"),
        (lambda: MLP(2, []), ValueError, "nouts is empty"),
        (lambda: Neuron(2, activation="swish"), ValueError, "'swish' is not one of relu, tanh, sigmoid"),
        (lambda: Neuron(2, activation=3), TypeError, "a name or a function, not 3"),
        (lambda: Neuron(2, rng="seed"), TypeError, r"rng is a random\.Random or an int, not 'seed'"),
    ],
)
def test_a_wrong_size_or_keyword_raises(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_mlp_takes_part_in_a_loss():
    model = MLP(2, [3, 1], rng=0)
    xs = [[0.0, 1.0], [1.0, 0.0]]
    loss = mse([model(x) for x in xs], [1.0, 0.0])
    assert loss.data == pytest.approx(((model(xs[0]).data - 1) ** 2 + model(xs[1]).data ** 2) / 2)


def test_layer_sizes_that_are_no_list_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"as \[16, 16, 1\], not 3"):
        MLP(2, 3)
