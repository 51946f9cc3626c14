"""`draw` and what a Graph can do."""

import numpy as np
import pytest

from scalargrad import RenderError, Value
from scalargrad.graph import draw


@pytest.mark.parametrize(
    "give", [lambda y, z: draw(y, z), lambda y, z: draw([y, z]), lambda y, z: draw(np.array([y, z]))]
)
def test_several_roots_share_one_picture(give):
    x = Value(1.0)
    assert give(x.sin(), x.cos()).source == draw(x.sin(), x.cos()).source


@pytest.mark.parametrize("y", [2.0, None, "y", [2.0], [[Value(1.0)]], {"y": 1}])
def test_what_is_not_a_value_is_refused(y):
    with pytest.raises(TypeError, match="draw takes Values"):
        draw(y)


@pytest.mark.parametrize("ys", [(), ([],)])
def test_at_least_one_value_is_needed(ys):
    with pytest.raises(TypeError, match="at least one Value"):
        draw(*ys)


def test_a_picture_shows_the_values_as_they_were_when_it_was_drawn():
    x = Value(1.0)
    graph = draw(x)
    x.data = 2.0
    assert "1.0" in graph.source


def test_repr_says_how_to_see_it():
    assert repr(draw(Value(1.0))) == "<Graph of 1 node(s): print it, or save it as .svg, .png, .pdf or .dot>"


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".dot", b"digraph")])
def test_the_suffix_tells_the_format(suffix, start, any_graphviz, neuron, tmp_path):
    assert draw(neuron).save(tmp_path / f"y{suffix}").read_bytes().startswith(start)


def test_a_suffix_may_be_in_capitals(tmp_path):
    assert draw(Value(1.0)).save(tmp_path / "Y.DOT").read_text().startswith("digraph")


def test_a_path_may_be_a_string(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(Value(1.0)).save("y.dot")
    assert (tmp_path / "y.dot").exists()


@pytest.mark.parametrize("name", ["y.bmp", "y", "y.", ".png"])
def test_another_suffix_is_refused_with_the_list(name, tmp_path):
    with pytest.raises(ValueError, match=r"one of \.svg, \.png, \.pdf, \.dot"):
        draw(Value(1.0)).save(tmp_path / name)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*missing"):
        draw(Value(1.0)).save(tmp_path / "missing" / "y.svg")


def test_a_file_is_replaced(tmp_path):
    (tmp_path / "y.dot").write_text("old")
    draw(Value(1.0)).save(tmp_path / "y.dot")
    assert (tmp_path / "y.dot").read_text().startswith("digraph")


def test_a_picture_that_fails_leaves_the_old_file(fake_dot, tmp_path):
    fake_dot("sys.exit(1)")
    (tmp_path / "y.svg").write_text("old")
    with pytest.raises(RenderError):
        draw(Value(1.0)).save(tmp_path / "y.svg")
    assert (tmp_path / "y.svg").read_text() == "old"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "y.dot").mkdir()
    with pytest.raises(OSError, match="directory"):
        draw(Value(1.0)).save(tmp_path / "y.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["y.dot"]


# ── notebooks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_notebook_shows_svg(any_graphviz, neuron):
    bundle = draw(neuron)._repr_mimebundle_()
    assert bundle == {"image/svg+xml": draw(neuron).svg(), "text/plain": str(draw(neuron))}


def test_a_notebook_without_a_renderer_shows_text_and_why(nothing, neuron):
    bundle = draw(neuron)._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert bundle["text/plain"].startswith(str(draw(neuron)))
    assert "scalargrad-tape[draw]" in bundle["text/plain"]


def test_ipython_shows_the_picture(any_graphviz, neuron, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # it warns where another one is activated
    formats, _ = InteractiveShell.instance().display_formatter.format(draw(neuron))
    assert formats["image/svg+xml"].startswith("<?xml")
