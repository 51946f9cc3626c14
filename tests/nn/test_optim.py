"""The optimizers, against PyTorch's."""

import math

import pytest

from scalargrad import Value
from scalargrad.nn import MLP, SGD, Adam

GRADIENTS = [[0.5, -1.5], [0.25, 3.0], [-4.0, 0.125], [1.0, 1.0]]


# The expected numbers are torch 2.13's in float64: torch.optim.SGD and Adam from [1, -2], with p.grad set to each of
# the GRADIENTS in turn and a step() after each.
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda ps: SGD(ps, lr=0.1), [1.2249999999999999, -2.2625]),
        (lambda ps: SGD(ps, lr=0.1, momentum=0.9), [1.4203000000000001, -2.4209]),
        (lambda ps: Adam(ps, lr=0.1), [0.8884930364774306, -2.007948633029412]),
        (lambda ps: Adam(ps, lr=0.1, betas=(0.5, 0.9), eps=0.1), [0.9534602060041479, -2.0496218388394314]),
    ],
)
def test_four_steps_are_those_of_pytorch(make, expected):
    ps = [Value(1.0), Value(-2.0)]
    optimizer = make(ps)
    for gradients in GRADIENTS:
        for p, gradient in zip(ps, gradients, strict=True):
            p.grad = gradient
        optimizer.step()
    assert [p.data for p in ps] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_defaults_are_those_of_the_signature(make):
    x = Value(1.0)
    x.grad = 2.0
    make([x]).step()
    assert x.data == pytest.approx({SGD: 1 - 0.01 * 2, Adam: 1 - 0.001 * 2 / (2 + 1e-8)}[make], rel=1e-15)


@pytest.mark.parametrize("make", [lambda ps: SGD(ps, lr=0.02, momentum=0.8), lambda ps: Adam(ps, lr=0.2)])
def test_the_minimum_of_a_narrow_valley_is_found(make):
    x, y = Value(-1.0), Value(2.0)
    optimizer = make([x, y])
    for _ in range(300):
        optimizer.zero_grad()
        ((x - 1) ** 2 + 10 * (y - x) ** 2).backward()
        optimizer.step()
    assert (x.data, y.data) == pytest.approx((1.0, 1.0), abs=1e-3)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_zero_grad_forgets(make):
    x = Value(1.0)
    x.grad = 2.0
    make([x]).zero_grad()
    assert not x.has_grad


@pytest.mark.parametrize("make", [lambda ps: SGD(ps, momentum=0.9), Adam])
def test_a_parameter_that_was_not_reached_stays(make):
    x, y = Value(1.0), Value(1.0)
    optimizer = make([x, y])
    (x * 3).backward()
    optimizer.step()
    optimizer.zero_grad()
    optimizer.step()
    assert x.data < 1.0
    assert y.data == 1.0


def test_lr_can_be_changed_between_steps():
    x = Value(1.0)
    optimizer = SGD([x], lr=0.5)
    x.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert x.data == 0.25


def test_a_generator_of_parameters_is_kept():
    model = MLP(1, [1], rng=0)
    optimizer = SGD(p for p in model.parameters())
    assert optimizer.parameters == model.parameters()


@pytest.mark.parametrize("make", [SGD, Adam])
@pytest.mark.parametrize(
    ("parameters", "keywords", "error", "message"),
    [
        ([], {}, ValueError, "an optimizer without parameters"),
        ([1.0], {}, TypeError, "a parameter is a Value that is an input, not 1.0"),
        ([Value(1.0) * 2], {}, TypeError, "a parameter is a Value that is an input, not Value"),
        ([Value(1.0)] * 2, {}, ValueError, "given twice"),
        ([Value(1.0)], {"lr": 0.0}, ValueError, "lr is positive, not 0.0"),
        ([Value(1.0)], {"lr": -1}, ValueError, "lr is positive, not -1"),
        ([Value(1.0)], {"lr": math.nan}, ValueError, "lr is positive, not nan"),
        ([Value(1.0)], {"lr": "fast"}, TypeError, "lr is a real number, not 'fast'"),
    ],
)
def test_what_optimizers_refuse(make, parameters, keywords, error, message):
    with pytest.raises(error, match=message):
        make(parameters, **keywords)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD([Value(1.0)], momentum=1.0), "momentum is from 0 to below 1, not 1.0"),
        (lambda: SGD([Value(1.0)], momentum=-0.1), "momentum is from 0 to below 1"),
        (lambda: Adam([Value(1.0)], betas=(1.0, 0.9)), "the first of betas is from 0 to below 1"),
        (lambda: Adam([Value(1.0)], betas=(0.9, -1)), "the second of betas is from 0 to below 1"),
        (lambda: Adam([Value(1.0)], eps=-1e-8), "eps is not negative"),
    ],
)
def test_what_one_optimizer_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_model_in_place_of_its_parameters_is_refused_with_the_way_out(optimizer):
    with pytest.raises(TypeError, match=r"model\.parameters\(\)"):
        optimizer(MLP(2, [3]))


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_an_optimizer_shows_what_it_is(optimizer):
    assert repr(optimizer([Value(1.0)], lr=0.5)) == f"<{optimizer.__name__} of 1 parameter(s), lr=0.5>"
