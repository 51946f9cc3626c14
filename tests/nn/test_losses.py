"""The losses: their values and gradients, against PyTorch and mpmath, and what they refuse."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import Tape, Value
from scalargrad.nn import binary_cross_entropy, hinge, mse, softmax_cross_entropy


def loss_and_grads(loss, xs, *targets, **keywords):
    nest = [[Value(v) for v in x] if isinstance(x, list) else Value(x) for x in xs]
    y = loss(nest, *targets, **keywords)
    y.backward()
    return y.data, [[v.grad for v in x] if isinstance(x, list) else x.grad for x in nest]


# The expected numbers are torch 2.13's in float64: torch.nn.functional.mse_loss, binary_cross_entropy,
# binary_cross_entropy_with_logits and cross_entropy, and (1 - t * x).clamp(min=0).mean() for hinge.
@pytest.mark.parametrize(
    ("loss", "xs", "targets", "keywords", "expected", "grads"),
    [
        (mse, [[0.5, 2.5], [1.0, -4.0]], [[1.0, 2.0], [3.0, 4.0]], {}, 17.125, [[-0.25, 0.25], [-1.0, -4.0]]),
        (hinge, [0.25, 0.5, 2.0], [1, -1, 1], {}, 0.75, [-0.3333333333333333, 0.3333333333333333, 0.0]),
        (
            *(binary_cross_entropy, [0.9, 0.2, 0.6], [1.0, 0.0, 0.25], {}),
            *(0.3811428406063833, [-0.3703703703703704, 0.4166666666666666, 0.4861111111111111]),
        ),
        (
            *(binary_cross_entropy, [2.0, 3.0, -1.5], [1.0, 0.0, 0.25], {"logits": True}),
            *(1.2506428801998224, [-0.0397343073407059, 0.31752470894081114, -0.022524825397881216]),
        ),
        (
            *(softmax_cross_entropy, [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0], [4.0, 4.0, -7.0]], [1, 0, 2], {}),
            5.068297367052193,
            [
                [0.030010191056793478, -0.25175717631506744, 0.2217469852582739],
                [-0.2926827825634237, 0.18218312908872653, 0.11049965347469716],
                [0.16666527486989013, 0.16666527486989013, -0.3333305497397803],
            ],
        ),
    ],
)
def test_values_and_gradients_are_those_of_pytorch(loss, xs, targets, keywords, expected, grads):
    y, dxs = loss_and_grads(loss, xs, targets, **keywords)
    assert y == pytest.approx(expected, rel=1e-14)
    assert np.array(dxs) == pytest.approx(np.array(grads), rel=1e-13)


@pytest.mark.parametrize("loss", [mse, hinge, binary_cross_entropy])
def test_a_single_number_is_a_batch_of_one(loss):
    assert loss(0.25, 1) == loss([0.25], [1]) == loss([[0.25]], [[1]])


@pytest.mark.parametrize("loss", [mse, hinge, binary_cross_entropy])
def test_plain_numbers_give_a_plain_number(loss):
    assert type(loss([0.25, 0.5], [1, 1])) is float
    assert type(softmax_cross_entropy([0.25, 0.5], 1)) is float


@pytest.mark.parametrize("loss", [mse, hinge, binary_cross_entropy])
@pytest.mark.parametrize(("xs", "ts"), [([1.0, 1.0], [1.0]), ([[1.0]], [1.0]), (1.0, [1.0])])
def test_two_shapes_raise(loss, xs, ts):
    with pytest.raises(ValueError, match="two of the same shape, not of"):
        loss(xs, ts)


@pytest.mark.parametrize("loss", [mse, hinge, binary_cross_entropy])
def test_nothing_raises(loss):
    with pytest.raises(ValueError, match=f"{loss.__name__} of nothing is undefined"):
        loss([], [])


def test_arrays_are_taken():
    assert mse(np.array([1.0, 2.0]), np.array([1, 4])) == 2.0
    assert softmax_cross_entropy(np.zeros((2, 4)), np.array([1, 2])) == math.log(4)


def test_mse_also_takes_targets_with_a_gradient():
    p, t = Value(3.0), Value(1.0)
    mse(p, t).backward()
    assert (p.grad, t.grad) == (4.0, -4.0)


def test_a_target_of_hinge_may_be_a_value():
    score, target = Value(0.5), Value(-1.0)
    loss = hinge(score, target)
    loss.backward()
    assert (loss.data, score.grad, target.grad) == (1.5, 1.0, -0.5)
    with pytest.raises(ValueError, match="a target of hinge is 1 or -1"):
        hinge(score, Value(0.5))


@pytest.mark.parametrize(("target", "error"), [(0, ValueError), (0.5, ValueError), ("1", TypeError)])
def test_hinge_takes_targets_of_1_and_minus_1(target, error):
    with pytest.raises(error, match="target"):
        hinge([1.0], [target])


# ── binary cross-entropy ────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.sampled_from([0, 1, 0.25]))
def test_binary_cross_entropy_of_scores_is_accurate_everywhere(score, target):
    with mpmath.workdps(60):
        s, t = mpmath.mpf(score), mpmath.mpf(target)
        loss = t * _softplus(-s) + (1 - t) * _softplus(s)
        slope = (1 - t) * _sigmoid(s) - t * _sigmoid(-s)
    y, (dx,) = loss_and_grads(binary_cross_entropy, [score], [target], logits=True)
    assert y == pytest.approx(float(loss), rel=1e-14, abs=1e-307)
    assert dx == pytest.approx(float(slope), rel=1e-14, abs=1e-15 if target == 0.25 else 1e-307)


def _softplus(s):
    return mpmath.log1p(mpmath.exp(-abs(s))) + max(s, 0)


def _sigmoid(s):
    return 1 / (1 + mpmath.exp(-s)) if s > -1e5 else mpmath.mpf(0)


def test_probabilities_and_scores_agree():
    scores, targets = [0.3, -2.0, 1.7], [1, 0, 0.5]
    probabilities = [1 / (1 + math.exp(-s)) for s in scores]
    expected = binary_cross_entropy(scores, targets, logits=True)
    assert binary_cross_entropy(probabilities, targets) == pytest.approx(expected, rel=1e-14)


def test_a_certain_and_true_probability_costs_nothing():
    assert binary_cross_entropy([0.0, 1.0], [0, 1]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        (1.5, 1, r"a probability is from 0 to 1, not 1.5; for scores, say logits=True"),
        (-0.5, 1, "a probability is from 0 to 1"),
        (math.nan, 1, "a probability is from 0 to 1, not nan"),
        (0.0, 1, "the loss of 0.0 for a target of 1 is infinite; give the score .* logits=True"),
        (1.0, 0, "the loss of 1.0 for a target of 0 is infinite"),
        (0.0, 0.5, "infinite"),
        (0.5, 2, "a target of binary_cross_entropy is from 0 to 1, not 2"),
    ],
)
def test_binary_cross_entropy_refuses(prediction, target, message):
    with pytest.raises(ValueError, match=message):
        binary_cross_entropy([prediction], [target])


# ── softmax cross-entropy ───────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.lists(st.floats(-800, 800), min_size=1, max_size=5), st.data())
def test_softmax_cross_entropy_is_accurate_and_does_not_overflow(row, data):
    target = data.draw(st.integers(0, len(row) - 1))
    with mpmath.workdps(800):  # exp(-800) has 347 zeros
        powers = [mpmath.exp(mpmath.mpf(x) - mpmath.mpf(row[target])) for x in row]
        total = mpmath.fsum(powers)
        loss, shares = mpmath.log(total), [p / total - (i == target) for i, p in enumerate(powers)]
    y, (grads,) = loss_and_grads(softmax_cross_entropy, [row], [target])
    assert y == pytest.approx(float(loss), rel=1e-14, abs=1e-15)
    assert grads == pytest.approx([float(s) for s in shares], rel=1e-12, abs=1e-307)


def test_the_gradient_of_a_confident_prediction_keeps_its_digits():
    _, (grads,) = loss_and_grads(softmax_cross_entropy, [[50.0, 0.0]], [0])
    assert grads == pytest.approx([-math.exp(-50), math.exp(-50)], rel=1e-14)


def test_one_hot_targets_are_the_same_as_integers():
    scores = [[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]]
    expected = loss_and_grads(softmax_cross_entropy, scores, [2, 0])
    assert loss_and_grads(softmax_cross_entropy, scores, [[0, 0, 1], [1, 0, 0]]) == expected
    assert loss_and_grads(softmax_cross_entropy, scores, np.eye(3)[[2, 0]]) == expected


def test_a_single_class_is_certain_and_a_value_still():
    assert loss_and_grads(softmax_cross_entropy, [[3.0], [4.0]], [0, 0]) == (0.0, [[0.0], [0.0]])


def test_a_row_is_a_batch_of_one():
    assert softmax_cross_entropy([1.0, 2.0], 1) == softmax_cross_entropy([[1.0, 2.0]], [1])
    assert softmax_cross_entropy([1.0, 2.0], [0, 1]) == softmax_cross_entropy([[1.0, 2.0]], [[0, 1]])


def test_all_in_one_go_leaves_few_rows():
    with Tape() as tape:
        scores = [[Value(1.0), Value(2.0), Value(3.0)], [Value(1.0), Value(2.0), Value(3.0)]]
        loss = softmax_cross_entropy(scores, [0, 1])
    assert len(tape) == 6 + 2 * (2 + 1) + 2  # inputs; differences and a logsumexp for each row; sum and mean
    assert loss.rule.name == "div"


@pytest.mark.parametrize(
    ("scores", "targets", "error", "message"),
    [
        ([1.0, 2.0], 2, ValueError, "target 2 is none of the 2 classes, which count from 0"),
        ([1.0, 2.0], -1, ValueError, "target -1 is none of the 2 classes"),
        ([1.0, 2.0], True, TypeError, "int index of a class or a one-hot row, not True"),
        ([1.0, 2.0], 1.0, TypeError, "int index of a class or a one-hot row, not 1.0"),
        ([1.0, 2.0], None, TypeError, "int index of a class"),
        ([1.0, 2.0], [1], ValueError, "a one-hot target of length 1 for 2 scores"),
        ([1.0, 2.0], [0, 0], ValueError, "zeros and a single 1, not"),
        ([1.0, 2.0], [1, 1], ValueError, "zeros and a single 1, not"),
        ([1.0, 2.0], [0.5, 0.5], ValueError, "zeros and a single 1, not"),
        ([1.0, 2.0], [True, False], ValueError, "zeros and a single 1, not"),
        ([[1.0], [2.0]], [0], ValueError, r"one target for each row: scores are \(2, 1\), targets \(1\)"),
        ([[1.0], [2.0]], 0, ValueError, "one target for each row"),
        ([[[1.0]]], [0], ValueError, "a row of scores is a list of numbers, not"),
        ([[1.0], 2.0], [0, 0], ValueError, "a row of scores is a list of numbers, not"),
        ([[]], [0], ValueError, "a row of scores is a list of numbers, not"),
        ([], [], ValueError, "takes a row of scores, or a batch of rows"),
        (1.0, 0, ValueError, "takes a row of scores, or a batch of rows"),
    ],
)
def test_softmax_cross_entropy_refuses(scores, targets, error, message):
    with pytest.raises(error, match=message):
        softmax_cross_entropy(scores, targets)
