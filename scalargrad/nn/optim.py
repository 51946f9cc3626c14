"""Optimizers: how parameters are adjusted, once their gradients are known."""

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any

from scalargrad.engine import Value
from scalargrad.nn.nests import number

__all__ = ["SGD", "Adam", "Optimizer"]


class Optimizer:
    """What the optimizers share: the parameters, and how fast to go (`lr`, which may be set between steps)."""

    _first: tuple[float, ...]  # what is known of a parameter before its first step

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        if not isinstance(parameters, Iterable):
            raise TypeError(f"an optimizer takes a list of parameters, as model.parameters() is, not {parameters!r}")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer without parameters has nothing to do: give model.parameters()")
        for parameter in self.parameters:
            if not isinstance(parameter, Value) or parameter.rule is not None:
                raise TypeError(f"a parameter is a Value that is an input, not {parameter!r}")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("a parameter was given twice, and would be adjusted twice")
        if not number("lr", lr) > 0:
            raise ValueError(f"lr is positive, not {lr!r}")
        self.lr = lr
        self._states = [self._first] * len(self.parameters)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.parameters):,} parameter(s), lr={self.lr!r}>"

    def zero_grad(self) -> None:
        """Forget the gradients, before the next backward pass."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Adjust each parameter by its gradient. One that no backward pass has reached stays as it is."""
        for i, parameter in enumerate(self.parameters):
            if parameter.has_grad:
                direction, self._states[i] = self._direction(parameter.grad, self._states[i], sqrt)
                parameter.data -= self.lr * direction

    def _direction(self, grad: Any, state: tuple[Any, ...], sqrt: Callable[[Any], Any]) -> tuple[Any, tuple[Any, ...]]:
        """Against which direction to go, and what is known then; of one parameter, or of all of them as arrays."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent: p -= lr * v, where v = momentum * v + p.grad, and at first p.grad.

    That is momentum as PyTorch has it. Raises ValueError if there are no parameters, one is given twice, lr is not
    positive, or momentum not from 0 to below 1; TypeError if a parameter is not an input.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> for _ in range(50):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).backward()
    ...     optimizer.step()
    >>> round(x, 4)
    1.0
    """

    _first = (0.0,)  # the velocity

    def __init__(self, parameters: Iterable[Value], lr: float = 0.01, momentum: float = 0.0) -> None:
        super().__init__(parameters, lr)
        self.momentum = _fraction("momentum", momentum)

    def _direction(self, grad: Any, state: tuple[Any, ...], sqrt: Callable[[Any], Any]) -> tuple[Any, tuple[Any, ...]]:
        velocity = self.momentum * state[0] + grad
        return velocity, (velocity,)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1): p -= lr * m / (√v + eps), for moving means m of p.grad and v of its square.

    `betas` are the shares that the old mean keeps in m and in v; both are divided by what they lack for starting at 0.
    Raises ValueError if there are no parameters, one is given twice, lr is not positive, a beta not from 0 to below 1
    or eps negative; TypeError if a parameter is not an input.

    >>> x = Value(3.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x**2).backward()
    >>> optimizer.step()
    >>> round(x, 6)
    2.9
    """

    _first = (0.0, 0.0, 0)  # the means m and v, and how many steps it took

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.betas = _fraction("the first of betas", betas[0]), _fraction("the second of betas", betas[1])
        if not number("eps", eps) >= 0:
            raise ValueError(f"eps is not negative: {eps!r} is")
        self.eps = eps

    def _direction(self, grad: Any, state: tuple[Any, ...], sqrt: Callable[[Any], Any]) -> tuple[Any, tuple[Any, ...]]:
        (b1, b2), (m, v, t) = self.betas, state
        m, v, t = b1 * m + (1 - b1) * grad, b2 * v + (1 - b2) * grad * grad, t + 1
        return m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + self.eps), (m, v, t)


def _fraction(name: str, share: float) -> float:
    if not 0 <= number(name, share) < 1:
        raise ValueError(f"{name} is from 0 to below 1, not {share!r}")
    return share
