"""`play`: the file that it writes, and the story in it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import scalargrad
from scalargrad import RenderError, StaleValueError, Value, play, trace
from scalargrad.graph.model import follow
from scalargrad.graph.player.story import tell
from scalargrad.graph.spelling import literal
from tests.graph.browser import HOSTILE


def story_of(y):
    return tell(follow(y), 400, "play")


class Page(HTMLParser):
    """Elements as (tag, attributes), texts of style and script elements; tags have to be closed in their order."""

    VOID = ("meta", "link", "input", "br", "img")

    def __init__(self, text):
        super().__init__()
        self.elements, self.raw, self.open = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("style", "script"):
            self.raw.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[-1][2] += data

    @property
    def policy(self):
        (found,) = [a["content"] for t, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        return dict(part.strip().split(" ", 1) for part in found.split(";"))

    @property
    def story(self):
        (found,) = [text for _, attributes, text in self.raw if attributes.get("id") == "story"]
        return json.loads(found)


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_is_html_with_every_tag_closed_and_every_id_once(file):
    page = Page(file.read_text(encoding="utf-8"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for reference in ("aria-controls", "aria-labelledby"):
            assert attributes.get(reference, ids[0]) in ids


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(file):
    page = Page(file.read_text(encoding="utf-8"))
    hashes = {
        tag: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for tag, attributes, text in page.raw
        if "type" not in attributes
    }
    assert page.policy == {
        "default-src": "'none'",
        "script-src": hashes["script"],
        "style-src": hashes["style"],
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
    }


def test_the_page_names_no_other_place(file):
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"'\s]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not [(tag, a) for tag, a in Page(text).elements if {"src", "style", "onclick", "onload"} & a.keys()]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_stays_text(label, tmp_path):
    page = Page(play(Value(1.0, label=label).sin(), tmp_path / "y.html").read_text(encoding="utf-8"))
    assert page.story["pieces"][0]["label"] == literal(label)
    assert not [tag for tag, _ in page.elements if tag == "img"]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_root_and_a_scope_with_such_a_name_do_too(label, tmp_path):
    with scalargrad.scope(label):
        y = Value(1.0).sin()
    y.label = label
    page = Page(play(y, tmp_path / "y.html").read_text(encoding="utf-8"))
    assert page.story["title"] == literal(label)
    assert page.story["pieces"][-1]["scope"] == [literal(label)]
    assert not [tag for tag, _ in page.elements if tag == "img"]


def test_the_story_is_ascii_without_what_could_end_its_element(gated, tmp_path):
    text = play(Value(1.0, label="<>&\u2028é").sin(), tmp_path / "y.html").read_text(encoding="utf-8")
    (story,) = re.findall(r'id="story">(.*?)</script>', text, re.S)
    assert story.isascii()
    assert not set("<>&") & set(story)


@pytest.mark.parametrize("x", [float("inf"), float("nan"), -0.0, 1e-300])
def test_numbers_that_json_cannot_write_are_texts(x, tmp_path):
    page = Page(play(Value(x) * 2.0, tmp_path / "y.html").read_text(encoding="utf-8"))
    assert page.story["pieces"][0]["value"] == repr(x)


def test_it_returns_the_path_and_leaves_nothing_else(tmp_path):
    assert play(Value(1.0), str(tmp_path / "y.HTM")) == tmp_path / "y.HTM"
    assert [path.name for path in tmp_path.iterdir()] == ["y.HTM"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "y.html").mkdir()
    with pytest.raises(OSError, match="directory"):
        play(Value(1.0), tmp_path / "y.html")
    assert [path.name for path in tmp_path.iterdir()] == ["y.html"]


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*missing"):
        play(Value(1.0), tmp_path / "missing" / "y.html")


@pytest.mark.parametrize("name", ["y.svg", "y", ".html"])
def test_another_suffix_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"one of \.html, \.htm"):
        play(Value(1.0), tmp_path / name)


@pytest.mark.parametrize("y", [2.0, None, [Value(1.0)]])
def test_what_is_not_a_value_is_refused(y, tmp_path):
    with pytest.raises(TypeError, match=r"play\(y, path\) takes a Value"):
        play(y, tmp_path / "y.html")


def test_a_stale_expression_is_refused_as_by_backward(tmp_path):
    x = Value(1.0, label="x")
    y = x.sin()
    x.data = 2.0
    with pytest.raises(StaleValueError, match="'x'"):
        play(y, tmp_path / "y.html")
    assert list(tmp_path.iterdir()) == []


def test_too_many_nodes_are_refused_with_the_ways_out(tmp_path):
    x = Value(1.0)
    with pytest.raises(RenderError, match=r"12 nodes.*draw\(y\).*print\(trace\(y\)\).*play\(y, path, max_nodes=12\)"):
        play(sum([x] * 10, x).sin(), tmp_path / "y.html", max_nodes=11)
    play(sum([x] * 10, x).sin(), tmp_path / "y.html", max_nodes=12)


def test_long_edges_count_as_nodes(tmp_path):
    first = y = Value(1.0)
    for _ in range(50):
        y = y.sin()
    for _ in range(45):
        y = y + first
    with pytest.raises(RenderError, match="max_nodes"):
        play(y, tmp_path / "y.html", max_nodes=142)


def test_nothing_to_draw_with(nothing, tmp_path):
    with pytest.raises(RenderError, match="nothing here can draw"):
        play(Value(1.0), tmp_path / "y.html")


def test_it_changes_no_gradient(gated, tmp_path):
    play(gated, tmp_path / "y.html")
    assert not gated.has_grad


def test_every_graphviz_gives_each_node_and_edge_its_place(any_graphviz, gated):
    story = story_of(gated * gated)
    for piece in story.pieces:
        boxes = [piece.box] + ([piece.ellipse] if piece.ellipse else [])
        for left, top, width, height in boxes:
            assert 0 < left < left + width < story.width
            assert 0 < top < top + height < story.height
        for arrow in piece.arrows:
            left, top, width, height = story.pieces[arrow.operand].box
            assert left <= arrow.line.curve[0] <= left + width + 1
            assert top - 1 <= arrow.line.curve[1] <= top + height + 1


# ── the story ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_forward_goes_in_the_order_of_recording_and_backward_as_trace_does(gated):
    moments = story_of(gated).moments
    results = [moment.piece for moment in moments if moment.phase == "forward"]
    assert results == sorted(results)
    assert [m.piece for m in moments if m.phase == "backward"] == [step.number for step in trace(gated).steps]
    assert [m.phase for m in moments if m.phase not in ("forward", "backward")] == ["start", "seed", "end"]


def test_each_step_back_says_what_trace_says(gated):
    told = [moment.sentences for moment in story_of(gated).moments if moment.phase == "backward"]
    assert told == [tuple(map(str, step.contributions)) for step in trace(gated).steps]


def test_a_gradient_is_complete_with_the_last_contribution(gated):
    story = story_of(gated)
    (x,) = [i for i, piece in enumerate(story.pieces) if piece.label == "x"]
    sums = [(g.text, g.complete) for moment in story.moments for g in moment.gradients if g.piece == x]
    gated.backward()
    (found,) = [
        v for v in (row.operand for step in trace(gated).steps for row in step.contributions) if v.label == "x"
    ][:1]
    assert [complete for _, complete in sums] == [False, True]
    assert float(sums[-1][0]) == pytest.approx(found.grad, rel=1e-3)


def test_the_end_tells_what_is_added_to_a_gradient_that_is_there_already():
    x = Value(3.0, label="x")
    y = x * x
    y.backward()
    assert story_of(y).moments[-1].sentences == (
        "backward() adds this to the inputs: x 6",
        "which have a grad already: x 6 + 6 = 12",
    )


def test_an_input_alone_has_a_story():
    assert [moment.phase for moment in story_of(Value(1.0)).moments] == ["start", "seed", "end"]


def test_an_input_that_one_scope_uses_folds_into_it():
    w, x = Value(2.0, label="w"), Value(3.0, label="x")
    with scalargrad.scope("layer"):
        with scalargrad.scope("one"):
            a = w * x
        with scalargrad.scope("other"):
            b = x * 2.0
    scopes = {piece.name: piece.scope for piece in story_of(a + b).pieces}
    assert scopes["w"] == ("layer", "one")
    assert scopes["x"] == ()  # which both use, and their scope does not
    assert scopes["2"] == ("layer", "other")


def test_what_has_many_numbers_tells_some():
    y = sum(Value(float(k), label=f"x{k}") for k in range(30))
    first, *_, last = story_of(y).moments
    assert first.sentences[0].endswith("x10 = 10, x11 = 11 … and 18 more.")
    assert last.sentences[0].endswith("x11 1 … and 18 more")


def test_equal_edges_have_a_line_each_or_share_one():
    x = Value(2.0)
    assert len(story_of(scalargrad.sum([x] * 20)).pieces[-1].arrows) == 20


# ── not part of the import ────────────────────────────────────────────────────────────────────────────────────────────


def test_importing_the_package_reads_none_of_it():
    check = "import sys, scalargrad; print([m for m in sys.modules if m.startswith('scalargrad.graph.player.')])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
