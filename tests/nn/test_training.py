"""fit: the same training by the engine and from Programs."""

import random
import subprocess
import sys

import numpy as np
import pytest

from scalargrad import ProgramError, Value, dot, no_grad, tanh, where
from scalargrad.nn import (
    MLP,
    SGD,
    Adam,
    Linear,
    Module,
    ReLU,
    Sequential,
    binary_cross_entropy,
    fit,
    hinge,
    mse,
    softmax_cross_entropy,
)

DRAW = random.Random(7)
XS = [[DRAW.uniform(-1, 1), DRAW.uniform(-1, 1)] for _ in range(12)]
SIDES = [1 if x[0] * x[1] > 0 else -1 for x in XS]


def trained(compile, loss, ys, *, make=lambda: MLP(2, [3, 1], rng=5), optimizer=SGD, xs=XS, **options):
    """Losses, and then data and gradient of each parameter."""
    model = make()
    losses = fit(
        model, xs, ys, loss, optimizer(model.parameters()), compile=compile, **{"steps": 6, "rng": 1} | options
    )
    return losses, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]


def assert_both_agree(*args, **options):
    for found, expected in zip(trained(True, *args, **options), trained(False, *args, **options), strict=True):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


# ── the engine ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_the_loop_that_one_would_write():
    model, by_hand = MLP(2, [3, 1], rng=5), MLP(2, [3, 1], rng=5)
    losses = fit(model, XS, SIDES, hinge, SGD(model.parameters(), lr=0.1), steps=5)
    optimizer = SGD(by_hand.parameters(), lr=0.1)
    for expected in losses:
        loss = hinge([by_hand(x) for x in XS], SIDES)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.data == expected
    assert model.state_dict() == by_hand.state_dict()


def test_batches_are_drawn_by_rng():
    assert trained(False, hinge, SIDES, batch=4, rng=1) == trained(False, hinge, SIDES, batch=4, rng=random.Random(1))
    assert trained(False, hinge, SIDES, batch=4, rng=1) != trained(False, hinge, SIDES, batch=4, rng=2)


@pytest.mark.parametrize("compile", [False, True])
def test_each_sees_every_step_sets_lr_and_ends_the_training(compile):
    model = MLP(2, [3, 1], rng=5)
    optimizer = SGD(model.parameters(), lr=0.1)
    told = []

    def each(step, loss):
        with no_grad():
            told.append((step, loss, model(XS[0]).data))
        if step == 1:
            optimizer.lr = 1e-300  # nothing moves any more
        return step == 3

    losses = fit(model, XS, SIDES, hinge, optimizer, steps=10, compile=compile, each=each)
    assert [(step, loss) for step, loss, _ in told] == [*enumerate(losses)]
    assert len(losses) == 4
    assert told[0][2] != told[1][2] == told[2][2] == told[3][2]


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize(
    ("xs", "ys", "batch", "message"),
    [
        ([], [], None, "one example at least"),
        (XS, SIDES[1:], None, "a target for each: not 12 and 11"),
        (XS, SIDES, 13, "a batch of 13 is more than the 12 examples"),
        (XS, SIDES, 0, "batch is 1 at least, not 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(compile, xs, ys, batch, message):
    with pytest.raises(ValueError, match=message):
        trained(compile, hinge, ys, xs=xs, batch=batch)


# ── from Programs ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda ps: SGD(ps, lr=0.1),
        lambda ps: SGD(ps, lr=0.1, momentum=0.9),
        lambda ps: Adam(ps, lr=0.05, betas=(0.5, 0.9)),
    ],
)
@pytest.mark.parametrize("batch", [None, 5])
def test_programs_train_as_the_engine_does(optimizer, batch):
    assert_both_agree(hinge, SIDES, optimizer=optimizer, batch=batch)


def logits(predictions, targets):
    return binary_cross_entropy(predictions, targets, logits=True)


@pytest.mark.parametrize(
    ("loss", "ys", "make"),
    [
        (mse, [x[0] - 2 * x[1] for x in XS], lambda: MLP(2, [3, 1], activation="tanh", rng=5)),
        (mse, [[x[0], x[1] ** 2] for x in XS], lambda: MLP(2, [3, 2], rng=5)),
        (logits, [max(side, 0) for side in SIDES], lambda: MLP(2, [3, 1], rng=5)),
        (logits, [0.5 * side + 0.5 for side in SIDES], lambda: MLP(2, [3, 1], rng=5)),
        (softmax_cross_entropy, [i % 3 for i in range(12)], lambda: MLP(2, [4, 3], rng=5)),
        (
            softmax_cross_entropy,
            [[i % 2, 1 - i % 2] for i in range(12)],
            lambda: Sequential(Linear(2, 2, rng=5), ReLU()),
        ),
    ],
)
def test_every_loss_is_compiled_with_its_kind_of_targets(loss, ys, make):
    assert_both_agree(loss, ys, make=make, batch=7)


def test_arrays_are_examples_too():
    xs, ys = np.array(XS), np.array(SIDES)
    assert trained(True, hinge, ys, xs=xs)[0] == pytest.approx(trained(True, hinge, SIDES)[0], rel=1e-12)


def test_a_weight_decay_is_part_of_the_loss():
    model = MLP(2, [3, 1], rng=5)
    ps, other = model.parameters(), MLP(2, [3, 1], rng=5)
    found = fit(model, XS, SIDES, lambda p, t: hinge(p, t) + 0.1 * dot(ps, ps), SGD(ps, lr=0.1), steps=5, compile=True)
    qs = other.parameters()
    expected = fit(other, XS, SIDES, lambda p, t: hinge(p, t) + 0.1 * dot(qs, qs), SGD(qs, lr=0.1), steps=5)
    assert found == pytest.approx(expected, rel=1e-12)


class Branching(Module):
    """Goes another way for each quadrant, and knows a parameter that is only there in one."""

    def __init__(self):
        self.w, self.rare, self.never = [Value(0.5), Value(-0.25)], Value(1.0), Value(3.0)

    def compute(self, x):
        total = dot(self.w, x)
        if x[0] > 0.0:
            total = -total
        if x[1] > 0.0:
            total = total * self.rare
        return tanh(total) if total > 0.1 else total


@pytest.mark.parametrize("optimizer", [SGD, lambda ps: Adam(ps, lr=0.1)])
def test_examples_may_go_different_ways(optimizer):
    assert_both_agree(mse, [0.5 * x[0] for x in XS], make=Branching, optimizer=optimizer, steps=20, batch=2)


@pytest.mark.parametrize("compile", [False, True])
def test_what_no_example_reaches_stays_and_has_no_gradient(compile):
    model = Branching()
    fit(model, XS, SIDES, mse, Adam(model.parameters(), lr=0.1), steps=3, compile=compile)
    assert model.never.data == 3.0
    assert not model.never.has_grad
    assert model.rare.has_grad


@pytest.mark.parametrize("compile", [False, True])
def test_parameters_that_the_optimizer_does_not_have_are_frozen(compile):
    model = MLP(2, [3, 1], rng=5)
    frozen = [p.data for p in model.layers[0].parameters()]
    losses = fit(model, XS, SIDES, hinge, SGD(model.layers[1].parameters(), lr=0.1), steps=4, compile=compile)
    assert losses[-1] < losses[0]
    assert [p.data for p in model.layers[0].parameters()] == frozen


def test_training_goes_on_where_it_stopped():
    whole, parts = MLP(2, [3, 1], rng=5), MLP(2, [3, 1], rng=5)
    losses = fit(whole, XS, SIDES, hinge, Adam(whole.parameters(), lr=0.1), steps=6)
    optimizer = Adam(parts.parameters(), lr=0.1)
    found = fit(parts, XS, SIDES, hinge, optimizer, steps=3, compile=True)
    found += fit(parts, XS, SIDES, hinge, optimizer, steps=3)
    assert found == pytest.approx(losses, rel=1e-12)


def test_more_ways_than_are_worth_it_are_left_to_the_engine():
    class Grid(Module):
        def __init__(self):
            self.w = Value(0.5)

        def compute(self, x):
            return self.w * round(x)  # another way for each whole number

    xs = [float(i) for i in range(100)]
    with pytest.warns(RuntimeWarning, match="goes more than 64 ways"):
        found = trained(True, mse, xs, make=Grid, xs=xs, optimizer=lambda ps: SGD(ps, lr=1e-5))
    assert found == trained(False, mse, xs, make=Grid, xs=xs, optimizer=lambda ps: SGD(ps, lr=1e-5))


def test_a_loss_that_is_no_mean_is_refused():
    with pytest.raises(ValueError, match="takes a loss that is the mean over the examples"):
        trained(True, lambda ps, ts: sum((p - t) ** 2 for p, t in zip(ps, ts, strict=True)), SIDES)


def test_a_loss_that_is_a_mean_at_first_only_is_refused_later():
    class Slope(Module):
        def __init__(self):
            self.w = Value(0.0)

        def compute(self, x):
            return self.w * x

    def root_mean_square(ps, ts):  # where all errors are as large, that is their mean
        return mse(ps, ts) ** 0.5

    def train(steps):
        model = Slope()
        optimizer = SGD(model.parameters(), lr=0.01)
        return fit(model, [1.0, 2.0, 3.0], [1.0, 1.0, 1.0], root_mean_square, optimizer, steps=steps, compile=True)

    assert len(train(9)) == 9
    with pytest.raises(ValueError, match="takes a loss that is the mean over the examples"):
        train(10)


def test_a_model_that_draws_by_chance_is_refused():
    chance = random.Random(1)
    with pytest.raises(ValueError, match="does the same whenever it is called"):
        trained(True, mse, SIDES, make=lambda: Chancy(chance))


class Chancy(Module):
    def __init__(self, chance):
        self.w, self._chance = Value(1.0), chance

    def compute(self, x):
        return self.w * self._chance.random()


@pytest.mark.parametrize("compile", [False, True])
def test_what_the_model_raises_is_raised(compile):
    class Root(Module):
        def __init__(self):
            self.w = Value(0.5)

        def compute(self, x):
            return (self.w * x) ** 0.5

    model = Root()
    with pytest.raises(ValueError, match="outside its domain"):
        fit(model, [1.0, 2.0, -1.0], [1.0, 1.0, 1.0], mse, SGD(model.parameters()), steps=2, compile=compile)
    assert model.w.data == 0.5


def test_examples_of_several_forms_are_refused():
    with pytest.raises(TypeError, match="example 1 is not like example 0: at x there is a list of 3 where a list of 2"):
        trained(True, mse, [1.0, 2.0], xs=[[1.0, 2.0], [1.0, 2.0, 3.0]])


def test_what_an_optimizer_divides_by_zero_raises_as_it_does_by_itself():
    model = Branching()
    with pytest.raises(ZeroDivisionError):
        fit(
            model,
            [[-1.0, 0.0]],
            [0.0],
            lambda p, t: 0.0 * p[0],
            Adam(model.parameters(), eps=0.0),
            steps=1,
            compile=True,
        )


def test_an_optimizer_of_ones_own_takes_its_own_steps():
    class Signs(SGD):
        def step(self):
            for p in self.parameters:
                if p.has_grad:
                    p.data -= self.lr * (1 if p.grad > 0 else -1 if p.grad < 0 else 0)

    assert_both_agree(hinge, SIDES, optimizer=lambda ps: Signs(ps, lr=0.01))


def test_where_may_choose_between_parameters():
    class Choice(Module):
        def __init__(self):
            self.left, self.right = Value(0.5), Value(0.25)

        def compute(self, x):
            return where(x[0] > 0.0, self.left, self.right) * x[1]

    assert_both_agree(mse, [x[0] for x in XS], make=Choice)


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from scalargrad import ProgramError
from scalargrad.nn import MLP, SGD, fit, mse
model = MLP(1, [1], rng=0)
fit(model, [[1.0]], [1.0], mse, SGD(model.parameters()), steps=1)
try:
    fit(model, [[1.0]], [1.0], mse, SGD(model.parameters()), steps=1, compile=True)
except ProgramError as error:
    assert "NumPy" in str(error)
else:
    raise AssertionError
"""


def test_without_numpy_it_says_so_and_the_engine_trains():
    assert issubclass(ProgramError, RuntimeError)
    done = subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_NUMPY], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
