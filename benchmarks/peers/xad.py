"""xad: a C++ tape behind Python objects. It is AGPL: installed and measured here, nothing else."""

from typing import Any

import xad.adj_1st
import xad.math

from benchmarks.peers import TapePeer, mathematics


class Xad(TapePeer):
    name = package = "xad"
    m = mathematics(xad.math)

    def inputs(self, x: list[float]) -> list[Any]:
        self.tape = xad.adj_1st.Tape()
        self.tape.activate()
        vs = [xad.adj_1st.Real(a) for a in x]
        self.tape.registerInputs(vs)
        self.tape.newRecording()
        return vs

    def sweep(self, y: Any) -> None:
        self.tape.registerOutput(y)
        y.derivative = 1.0
        self.tape.computeAdjoints()

    def value(self, y: Any) -> float:
        return y.value

    def read(self, vs: list[Any]) -> list[float]:
        gradient = [v.derivative for v in vs]
        self.tape.deactivate()
        return gradient


PEERS = [Xad()]
