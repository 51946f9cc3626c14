"""Module: its parameters, their names, saving and loading, copying."""

import copy
import json
import math
import pickle
import threading

import pytest

from scalargrad import TapeError, Value, tanh
from scalargrad.nn import MLP, Linear, Module, Neuron, ReLU, Sequential


class Nested(Module):
    def __init__(self):
        self.first = Value(1.0)
        self.neuron = Neuron(1, rng=0)
        self.table = {"a": [Value(2.0)], "b": (Value(3.0), 4.0, "text")}
        self.name = "no parameter"
        self.last = Value(5.0)


def test_parameters_are_found_in_the_order_in_which_they_were_set():
    assert [path for path, _ in Nested().named_parameters()] == [
        "first",
        "neuron.w.0",
        "neuron.b",
        "table.a.0",
        "table.b.0",
        "last",
    ]


def test_parameters_are_the_named_ones_without_their_names():
    model = Nested()
    assert all(x is y for x, (_, y) in zip(model.parameters(), model.named_parameters(), strict=True))


def test_a_path_leads_through_the_model():
    model = MLP(2, [3, 1], rng=0)
    assert dict(model.named_parameters())["layers.0.neurons.2.w.1"] is model.layers[0].neurons[2].w[1]


def test_shared_parameters_are_listed_once():
    shared = Linear(2, 2, rng=0)
    model = Sequential(shared, ReLU(), shared)
    model.again = shared.W
    assert len(model.parameters()) == 6


def test_equal_numbers_are_distinct_parameters():
    assert len(Linear([[1.0, 1.0]], [1.0, 1.0]).parameters()) == 4


def test_intermediates_and_private_attributes_are_no_parameters():
    model = Module()
    model.x = Value(1.0)
    model.y = model.x * 2
    model._z = Value(3.0)
    assert model.named_parameters() == [("x", model.x)]


def test_a_module_that_refers_to_itself_has_its_parameters_once():
    model = Nested()
    model.neuron.parent = model
    model.table["self"] = model.table
    assert len(model.parameters()) == 6


def test_zero_grad_forgets():
    model = Neuron(2, rng=0)
    model([1.0, 1.0]).backward()
    assert model.b.has_grad
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 3
    assert not model.b.has_grad


def test_the_update_loop_of_micrograd_descends():
    model = MLP(2, [4, 1], activation="tanh", rng=1)
    losses = []
    for _ in range(20):
        loss = (model([1.0, -1.0]) - 1) ** 2 + (model([0.5, 0.5]) + 1) ** 2
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.05 * p.grad
        losses.append(loss.data)
    assert losses[-1] < losses[0] / 10


def test_a_module_as_micrograd_users_write_it():
    class Pair(Module):
        def __init__(self):
            self.n = [Neuron(1, rng=0), Neuron(1, rng=1)]

        def __call__(self, x):
            return self.n[0](x) + self.n[1](x)

        def parameters(self):
            return [p for n in self.n for p in n.parameters()]

    model = Pair()
    model([2.0]).backward()
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 4
    assert model.forward([2.0]) == model([2.0]).data


def test_a_module_without_compute_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Half is to define compute\(self, x\)"):
        type("Half", (Module,), {})()(1.0)


# ── saving and loading ──────────────────────────────────────────────────────────────────────────────────────────────


def test_state_goes_through_json():
    model, other = MLP(2, [3, 1], rng=0), MLP(2, [3, 1], rng=1)
    other.load_state_dict(json.loads(json.dumps(model.state_dict())))
    assert other.state_dict() == model.state_dict()
    assert other([1.0, 2.0]) == model([1.0, 2.0])


def test_state_dict_is_plain():
    assert Linear([[1.0], [2.0]], [3.0]).state_dict() == {"W.0.0": 1.0, "W.1.0": 2.0, "b.0": 3.0}


def test_infinities_and_nan_go_through_json():
    model = Linear([[math.inf]], [math.nan])
    other = Linear([[0.0]], [0.0])
    other.load_state_dict(json.loads(json.dumps(model.state_dict())))
    assert other.W[0][0] == math.inf
    assert math.isnan(other.b[0].data)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"W.0.0": 1.0}, ValueError, "the state has no b.0"),
        ({"W.0.0": 1.0, "b.0": 2.0, "b.1": 3.0}, ValueError, "the state has b.1, which this lacks"),
        ({"W.0.0": 1.0, "b.0": "2"}, TypeError, "the state of b.0 is a real number, not '2'"),
        ({"W.0.0": 1.0, "b.0": None}, TypeError, "the state of b.0 is a real number, not None"),
        ({"W.0.0": 1.0, "b.0": 1j}, TypeError, "the state of b.0 is a real number"),
        ({"W.0.0": 1.0, "b.0": 10**400}, TypeError, "the state of b.0 is a real number"),
        ([1.0, 2.0], TypeError, "a state is a dict"),
    ],
)
def test_a_wrong_state_changes_nothing(state, error, message):
    model = Linear([[5.0]], [6.0])
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert model.state_dict() == {"W.0.0": 5.0, "b.0": 6.0}


# ── copying ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "model",
    [MLP(2, [3, 1], rng=0), MLP(2, [2, 1], activation="leaky_relu", rng=0), Sequential(Linear(2, 3, rng=0), ReLU())],
    ids=str,
)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_has_the_numbers_and_parameters_of_its_own(model, copied):
    twin = copied(model)
    assert repr(twin) == repr(model)
    assert twin.state_dict() == model.state_dict()
    assert twin.forward([1.0, -2.0]) == model.forward([1.0, -2.0])
    assert not set(twin.parameters()) & set(model.parameters())


def test_a_copy_shares_what_the_original_shares():
    shared = Linear(2, 2, rng=0)
    assert len(copy.deepcopy(Sequential(shared, shared)).parameters()) == 6


def test_a_model_that_ran_forward_still_copies():
    model = Linear(2, 1, rng=0)
    model.forward([1.0, 2.0])
    twin = copy.deepcopy(model)
    with pytest.raises(RuntimeError, match=r"answers a Linear\.forward"):
        twin.backward([1.0])
    assert model.backward([1.0]) == [w[0].data for w in model.W]


def test_a_copied_model_trains_in_another_thread():
    model, seen = Neuron(1, activation=tanh, rng=0), {}

    def work():
        try:
            model.forward([1.0])
        except TapeError as error:
            seen["error"] = str(error)
        twin = copy.deepcopy(model)
        seen["forward"] = twin.forward([1.0])
        seen["backward"] = twin.backward()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "deepcopy" in seen["error"]
    assert seen["forward"] == model.forward([1.0])
    assert seen["backward"] == model.backward()
