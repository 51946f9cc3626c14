"""What a Module records is in a scope that is called like its place in the Module that calls it."""

import copy
import pickle

import pytest

from scalargrad import Tape, Value, no_grad, scope
from scalargrad.nn import MLP, Layer, Module, Neuron


class Twice(Module):
    def __init__(self):
        self.factor = Value(2.0)

    def compute(self, x):
        return self.factor * x


class Pair(Module):
    def __init__(self):
        self.first, self.others = Twice(), {"a": [Twice()]}

    def compute(self, x):
        return self.others["a"][0](self.first(x)) + 1


@pytest.fixture(autouse=True)
def tape():
    with Tape() as t:
        yield t


def scopes_of(y):
    return [row.scope for row in y.tape if row.rule is not None]


def test_a_row_of_a_neuron_knows_its_layer_and_its_place_there():
    y = MLP(1, [2, 1], rng=0)([1.0])
    neurons = [("MLP", "layers.0", "neurons.0"), ("MLP", "layers.0", "neurons.1"), ("MLP", "layers.1", "neurons.0")]
    assert scopes_of(y) == [neuron for neuron in neurons for _ in range(3 if neuron[1] == "layers.0" else 2)]


def test_the_name_is_the_attribute_path():
    y = Pair()(3.0)
    assert scopes_of(y) == [("Pair", "first"), ("Pair", "others.a.0"), ("Pair",)]


def test_a_module_called_by_nobody_goes_by_its_class():
    y = Neuron(1)([1.0])
    assert set(scopes_of(y)) == {("Neuron",)}


def test_a_module_that_is_no_attribute_goes_by_its_class():
    class Caller(Module):
        def compute(self, x):
            return Twice()(x)

    y = Caller()(1.0)
    assert scopes_of(y) == [("Caller", "Twice")]


def test_the_scope_around_comes_first():
    with scope("epoch"):
        y = Twice()(3.0)
        z = y + 1
    assert (y.scope, z.scope) == (("epoch", "Twice"), ("epoch",))


def test_a_scope_within_comes_last():
    class Inner(Module):
        def compute(self, x):
            with scope("inside"):
                x = +x
            return -x

    y = Inner()(Value(1.0))
    assert scopes_of(y) == [("Inner", "inside"), ("Inner",)]


def test_a_layer_without_neurons_leaves_the_scope_as_it_was():
    class Net(Module):
        def __init__(self):
            self.layer = Layer(1, 1)
            self.layer.neurons.clear()

        def compute(self, x):
            self.layer([x])
            return x * 2.0

    assert scopes_of(Net()(Value(1.0))) == [("Net",)]


def test_an_exception_leaves_the_scope():
    layer = Layer(2, 3)
    with pytest.raises(ValueError, match="takes 2"):
        layer([1.0])
    assert Value(1.0).scope == ()
    assert layer([1.0, 2.0])[2].scope == ("Layer", "neurons.2")


def test_another_part_in_the_same_place_has_the_same_name():
    pair = Pair()
    pair(1.0)
    pair.first = Twice()
    y = pair(1.0)
    assert scopes_of(y)[0] == ("Pair", "first")


def test_a_neuron_exchanged_in_a_layer_is_called():
    layer = Layer(1, 2, nonlin=False)
    layer([1.0])
    layer.neurons[1] = Neuron(1, nonlin=False)
    layer.neurons[1].w[0].data = 7.0
    assert [layer([1.0])[1].data, layer([1.0])[1].scope] == [7.0, ("Layer", "neurons.1")]


def test_a_neuron_with_a_call_of_its_own_is_called_by_it():
    class Loud(Neuron):
        def __call__(self, x):
            return super().__call__(x) + 100

    layer = Layer(1, 2, nonlin=False, rng=0)
    before = layer([1.0])[1].data
    layer.neurons[1] = loud = Loud(1, nonlin=False)
    loud.w = Layer(1, 2, nonlin=False, rng=0).neurons[1].w
    assert layer([1.0])[1].data == before + 100


def test_a_mode_that_a_neuron_enters_and_leaves_counts_for_its_rows_only():
    def activation(total):
        with no_grad():
            factor = total * 0 - 1
        return factor * total

    ys = Layer(1, 2, activation=activation)([1.0])
    assert [y.scope for y in ys] == [("Layer", "neurons.0"), ("Layer", "neurons.1")]
    assert all(len(y.operands) == 2 for y in ys)


def test_a_scope_that_is_left_later_stays_around_what_follows():
    def generator():
        with scope("generator"):
            yield

    pending = generator()

    class Starts(Module):
        def compute(self, x):
            next(pending)
            return +x

    y = Starts()(Value(1.0))
    z = -y
    pending.close()
    w = -z
    assert [y.scope, z.scope, w.scope] == [("Starts", "generator"), ("generator",), ()]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_has_names_of_its_own(copied):
    model = MLP(1, [2, 1])
    model([1.0])
    y = copied(model)([1.0])
    assert scopes_of(y)[0] == ("MLP", "layers.0", "neurons.0")


def test_a_list_that_holds_itself_is_looked_through_once():
    pair = Pair()
    pair.loop = []
    pair.loop.append(pair.loop)
    assert pair(1.0).scope == ("Pair",)
