"""Losses: one number that tells how far predictions are from their targets, the mean over all that was given.

Each takes Values or plain numbers, and gives a Value or a plain number. Targets are plain numbers; those of mse and hinge
may be Values too.
"""

from typing import Any

from scalargrad.engine import Value
from scalargrad.functions import dot, log, log1p, logsumexp, relu, softplus, sum
from scalargrad.nn.nests import as_lists, number, pairs, shape

__all__ = ["binary_cross_entropy", "hinge", "mse", "softmax_cross_entropy"]


def mse(predictions: Any, targets: Any) -> Any:
    """The mean squared error: the mean of (prediction - target)² over all numbers of two nests of the same shape.

    Here a target may be a Value too. Raises ValueError if the shapes differ, or nothing is given.

    >>> mse([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 0.0]])
    4.0
    """
    errors = [p - t for p, t in _some("mse", predictions, targets)]
    return dot(errors, errors) / len(errors)


def hinge(scores: Any, targets: Any) -> Any:
    """The mean of max(0, 1 - target * score): nothing where a score is on the side of its target, 1 or -1, by 1 at least.

    A number or a nest of them, and targets of the same shape; a target may be a Value too. Raises ValueError if the
    shapes differ, nothing is given, or a target is neither 1 nor -1.

    >>> hinge([2.0, 0.5, 0.5], [1, 1, -1])
    0.6666666666666666
    """
    terms = []
    for score, target in _some("hinge", scores, targets):
        sign = target if isinstance(target, Value) else number("a target", target)
        if abs(sign) != 1:
            raise ValueError(f"a target of hinge is 1 or -1, not {target!r}")
        terms.append(relu(1 - sign * score))
    return sum(terms) / len(terms)


def binary_cross_entropy(predictions: Any, targets: Any, *, logits: bool = False) -> Any:
    """The mean of -(t log p + (1 - t) log(1 - p)), p being the predicted and t the given probability of "yes".

    With `logits=True` the predictions are scores s, of which p is sigmoid(s). Prefer that: it does not overflow and
    loses no digits, whereas sigmoid(40.0) is 1.0 already, which a target of 0 makes an infinite loss.

    A number or a nest of them, and targets of the same shape. Raises ValueError if the shapes differ, nothing is given,
    a probability is not from 0 to 1, or the loss is infinite.

    >>> binary_cross_entropy([0.5, 0.75], [1, 1])
    0.4904146265058631
    >>> binary_cross_entropy([1000.0, -1000.0], [1, 1], logits=True)
    500.0
    """
    weights, logs = [], []
    given = _some("binary_cross_entropy", predictions, targets)
    for prediction, target in given:
        yes = number("a target", target)
        if not 0 <= yes <= 1:
            raise ValueError(f"a target of binary_cross_entropy is from 0 to 1, not {target!r}")
        if not logits and not 0 <= prediction <= 1:
            raise ValueError(f"a probability is from 0 to 1, not {prediction!r}; for scores, say logits=True")
        if not logits and ((prediction == 0 and yes != 0) or (prediction == 1 and yes != 1)):
            advice = "give the score that it was made of, with logits=True"
            raise ValueError(f"the loss of {prediction!r} for a target of {target!r} is infinite; {advice}")
        if yes != 0:
            weights.append(-yes)
            logs.append(-softplus(-prediction) if logits else log(prediction))
        if yes != 1:
            weights.append(yes - 1)
            logs.append(-softplus(prediction) if logits else log1p(-prediction))
    return dot(weights, logs) / len(given)


def softmax_cross_entropy(scores: Any, targets: Any) -> Any:
    """The mean over the batch of -log(softmax(row)[target]), computed without overflow.

    `scores` is one row and `targets` the index of its class, or a batch of rows and as many indices. A one-hot row
    (zeros, and a 1 in the place of the class) may stand for the index. Raises ValueError if the lengths do not fit, an
    index is not that of a score, or a row is not one-hot; TypeError if a target is neither an int nor such a row.

    >>> softmax_cross_entropy([[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]], [2, 0])
    0.40515568357736775
    >>> softmax_cross_entropy([0.3, 2.9, 4.0], [0, 0, 1])
    0.30571446481245207
    """
    scores, targets = as_lists(scores), as_lists(targets)
    if not isinstance(scores, list) or not scores:
        raise ValueError("softmax_cross_entropy takes a row of scores, or a batch of rows")
    if not any(isinstance(row, list) for row in scores):
        scores, targets = [scores], [targets]
    if not isinstance(targets, list) or len(targets) != len(scores):
        raise ValueError(f"one target for each row: scores are {shape(scores)}, targets {shape(targets)}")
    losses = [_cross_entropy(row, _index(target, row)) for row, target in zip(scores, targets, strict=True)]
    return sum(losses) / len(losses)


def _cross_entropy(row: Any, index: int) -> Any:
    """The logsumexp of the leads over the target's score. Rather than logsumexp(row) - row[index], which is fewer rows
    of the tape, but where the prediction is a good one, value and gradient would be differences that lose all digits."""
    if len(row) == 1:
        return row[0] - row[0]  # certain; and still a Value if the score is one
    return logsumexp([score - row[index] if i != index else 0.0 for i, score in enumerate(row)])


def _index(target: Any, row: Any) -> int:
    """The place in the row that the target means."""
    if not isinstance(row, list) or not row or any(isinstance(score, list) for score in row):
        raise ValueError(f"a row of scores is a list of numbers, not {row!r}")
    if isinstance(target, list):
        if len(target) != len(row):
            raise ValueError(f"a one-hot target of length {len(target)} for {len(row)} scores")
        if any(isinstance(x, bool) or x not in (0, 1) for x in target) or target.count(1) != 1:
            raise ValueError(f"a one-hot target is zeros and a single 1, not {target!r}")
        return target.index(1)
    if not isinstance(target, int) or isinstance(target, bool):
        raise TypeError(f"a target is the int index of a class or a one-hot row, not {target!r}")
    if not 0 <= target < len(row):
        raise ValueError(f"target {target} is none of the {len(row)} classes, which count from 0")
    return target


def _some(loss: str, predictions: Any, targets: Any) -> list[tuple[Any, Any]]:
    both = pairs(predictions, targets)
    if not both:
        raise ValueError(f"{loss} of nothing is undefined: give one prediction at least")
    return both
