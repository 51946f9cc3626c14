"""`animate`: an SVG or a GIF in which the steps follow each other; a browser is asked what it shows when."""

import io
import sys
from xml.etree import ElementTree

import pytest

from scalargrad import RenderError, StaleValueError, Value, animate, sigmoid
from scalargrad.graph.model import follow
from scalargrad.graph.player.story import tell
from scalargrad.graph.spelling import literal
from tests.graph.browser import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def y():
    """A root with an input used twice."""
    w, x = Value(2.0, label="w"), Value(-3.0, label="x")
    return sigmoid(w * x + 5.0) * x


def moments_of(y):
    return tell(follow(y), 400, "animate").moments


def texts(path):
    return ["".join(text.itertext()) for text in ElementTree.parse(path).iter(f"{SVG}text")]


def test_all_that_is_said_is_in_it(y, tmp_path):
    said = " ".join(texts(animate(y, tmp_path / "y.svg")))
    for moment in moments_of(y):
        for sentence in (moment.heading, *moment.sentences):
            assert all(word in said for word in sentence.split())


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_stays_text(label, tmp_path):
    y = Value(1.0, label=label).sin()
    y.label = label
    path = animate(y, tmp_path / "y.svg")
    assert f"{literal(label)} = 1.0" in texts(path)
    assert {element.tag.removeprefix(SVG) for element in ElementTree.parse(path).iter()} <= {
        *("svg", "title", "style", "g", "rect", "ellipse", "path", "polygon", "text")
    }


def test_it_names_no_other_place_and_has_no_script(y, tmp_path):
    text = animate(y, tmp_path / "y.svg").read_text(encoding="utf-8")
    assert text.count("http") == 1  # the namespace
    for word in ("script", "href", "url(", "@import"):
        assert word not in text


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_step_takes_some_time(seconds, y, tmp_path):
    with pytest.raises(ValueError, match="seconds is a number greater than 0"):
        animate(y, tmp_path / "y.svg", seconds=seconds)


@pytest.mark.parametrize("name", ["y.html", "y", ".svg"])
def test_another_suffix_is_refused(name, y, tmp_path):
    with pytest.raises(ValueError, match=r"one of \.svg, \.gif"):
        animate(y, tmp_path / name)


def test_what_play_refuses_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"animate\(y, path\) takes a Value"):
        animate(2.0, tmp_path / "y.svg")
    with pytest.raises(FileNotFoundError, match="no directory"):
        animate(Value(1.0), tmp_path / "missing" / "y.svg")
    with pytest.raises(RenderError, match=r"animate\(y, path, max_nodes=2\)"):
        animate(Value(1.0).sin(), tmp_path / "y.svg", max_nodes=1)
    x = Value(1.0)
    stale = x.sin()
    x.data = 2.0
    with pytest.raises(StaleValueError):
        animate(stale, tmp_path / "y.svg")


# ── GIF ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def image():
    return pytest.importorskip("PIL.Image")


def test_a_gif_has_a_frame_for_each_step(image, y, tmp_path):
    with image.open(io.BytesIO(animate(y, tmp_path / "y.gif", seconds=0.5).read_bytes())) as gif:
        assert gif.n_frames == len(moments_of(y))
        assert gif.info["duration"] == 500
        assert gif.info["loop"] == 0


@pytest.mark.parametrize(("module", "named"), [("PIL.Image", "Pillow"), ("resvg_py", "resvg-py")])
def test_a_gif_says_what_it_lacks(module, named, image, y, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RenderError, match=named):
        animate(y, tmp_path / "y.gif")
    assert list(tmp_path.iterdir()) == []


# ── in a browser ───────────────────────────────────────────────────────────────────────────────────────────────────

SEEN = """
const at = arguments[0];
for (const animation of document.getAnimations()) { animation.pause(); animation.currentTime = at; }
return [...document.querySelectorAll('text')].filter((e) => getComputedStyle(e.parentNode).opacity === '1')
  .map((e) => e.textContent);
"""


def test_each_step_shows_its_sentences_and_what_is_known_then(opened, y, tmp_path):
    page = opened(animate(y, tmp_path / "y.svg", seconds=2.0), **{"prefers-reduced-motion": "no-preference"})
    moments = moments_of(y)
    for step, moment in enumerate(moments):
        seen = page.js(SEEN, 2_000 * (step + 0.5))
        others = {other.heading for other in moments} - {moment.heading}
        assert moment.heading in seen
        assert not others & set(seen)
        assert sum(text.startswith("w = ") for text in seen) == 1
        assert sum(text.startswith("grad ") for text in seen) == 6  # w, x, and four results
    assert "grad 1.0" in seen
    assert "?" not in seen


def test_who_asks_for_less_motion_sees_the_end(opened, y, tmp_path):
    page = opened(animate(y, tmp_path / "y.svg"))
    assert page.js("return document.getAnimations().length") == 0
    assert "The sweep is complete" in page.js(SEEN, 0)
