"""PyTorch: a tensor for each scalar; and for the training step the tensors that it is made for."""

from itertools import pairwise
from typing import Any

import torch

from benchmarks.peers import Step, System, TapePeer, mathematics
from benchmarks.problems import MOONS, SIZES

torch.set_num_threads(1)


class Torch(TapePeer):
    name, package = "torch, scalars", "torch"
    m = mathematics(torch, relu=torch.relu, logsumexp=lambda xs: torch.logsumexp(torch.stack(xs), 0))

    def inputs(self, x: list[float]) -> list[Any]:
        return [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in x]

    def read(self, vs: list[Any]) -> list[float]:
        return [0.0 if v.grad is None else v.grad.item() for v in vs]

    def value(self, y: Any) -> float:
        return y.item()


class TorchTensors(System):
    """What PyTorch is made for: the whole batch at once."""

    name, package = "torch, tensors", "torch"

    def training(self, loss: Any, weights: list[float], rate: float) -> tuple[Step, Any]:
        modules: list[torch.nn.Module] = []
        for nin, nout in pairwise(SIZES):
            modules += [torch.nn.Linear(nin, nout, dtype=torch.float64), torch.nn.ReLU()]
        model, left = torch.nn.Sequential(*modules[:-1]), iter(weights)
        layers = [module for module in modules if isinstance(module, torch.nn.Linear)]
        with torch.no_grad():
            for layer in layers:  # the weights are neuron by neuron, the bias last
                for j in range(layer.out_features):
                    layer.weight[j] = torch.tensor([next(left) for _ in range(layer.in_features)], dtype=torch.float64)
                    layer.bias[j] = next(left)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        points = torch.tensor([point for point, _ in MOONS], dtype=torch.float64)
        sides = torch.tensor([float(side) for _, side in MOONS], dtype=torch.float64)

        def step(_: object) -> float:
            loss = torch.relu(1 - sides * model(points)[:, 0]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        def read() -> list[float]:
            numbers: list[float] = []
            for layer in layers:
                for row, bias in zip(layer.weight.tolist(), layer.bias.tolist()):
                    numbers += [*row, bias]
            return numbers

        return step, read


PEERS = [Torch(), TorchTensors()]
