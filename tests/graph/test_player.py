"""`play`: the file that it writes, and the page in a real browser."""

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import scalargrad
from scalargrad import RenderError, StaleValueError, Value, play, sigmoid, trace
from scalargrad.graph.model import follow
from scalargrad.graph.player.story import tell
from scalargrad.graph.spelling import literal
from tests.graph.browser import HOSTILE


def make_gated():
    """sigmoid(w·x + b) · x, whose x is used twice; the weighing is a scope."""
    w, x, b = Value(2.0, label="w"), Value(-3.0, label="x"), Value(6.5, label="b")
    with scalargrad.scope("layer"):
        s = w * x + b
    s.label = "s"
    y = sigmoid(s) * x
    y.label = "y"
    return y


@pytest.fixture
def gated():
    return make_gated()


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


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return play(make_gated(), tmp_path_factory.mktemp("player") / "gated.html")


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── the story ──────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── colours ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted([_luminance(one), _luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_what_they_are_on(theme):
    css = Path(scalargrad.__file__).with_name("graph") / "player" / "player.css"
    block = re.findall(r":root \{(.*?)\}", css.read_text(encoding="utf-8"), re.S)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    grounds = ["page", "surface", "input", "constant", "result", "operation", "region", "forward-tint", "backward-tint"]
    texts = [("ink", ground) for ground in grounds]
    texts += [(text, ground) for text in ("muted", "backward") for ground in ("page", "surface", "input", "result")]
    texts += [("muted", "region"), ("muted", "forward-tint"), ("muted", "backward-tint"), ("backward", "backward-tint")]
    texts += [("backward", "region"), ("forward", "region"), ("forward", "page"), ("forward", "surface")]
    texts += [("on", "forward"), ("on", "backward")]
    assert [(t, g) for t, g in texts if contrast(colours[t], colours[g]) < 4.5] == []
    lines = [("control", "page"), ("control", "surface"), ("edge", "page"), ("outline", "page"), ("found", "page")]
    assert [(t, g) for t, g in lines if contrast(colours[t], colours[g]) < 3] == []


# ── the page in a browser ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def page(opened, file):
    return opened(file)


@pytest.fixture
def number(gated):
    """The id of the node with a label."""
    return {piece.label: f"#n{i}" for i, piece in enumerate(story_of(gated).pieces) if piece.label}


def test_it_begins_before_the_first_row(page, number):
    assert page.step == 0
    assert page.active == []
    assert page.text(f"{number['x']} text") == "x = -3.0"
    assert page.one(number["y"]).get_attribute("aria-label") == "y = ?, grad not yet, from #5·x"


def test_stepping_shows_all_that_trace_says(page, gated):
    moments = story_of(gated).moments
    for step, moment in enumerate(moments):
        assert page.step == step
        assert page.text("#sentence h2") == moment.heading
        assert [p.get_attribute("textContent") for p in page.all("#sentence p")] == list(moment.sentences)
        assert page.active == ([] if moment.piece is None else [f"n{moment.piece}"])
        page.click("[data-go=on]")
    assert page.step == len(moments) - 1
    page.click("[data-go=back]")
    assert page.step == len(moments) - 2
    page.click("[data-go=first]")
    assert page.step == 0


def test_values_fill_in_forward_and_gradients_backward(page, gated, number):
    moments = story_of(gated).moments
    forward = next(step for step, m in enumerate(moments) if f"#n{m.piece}" == number["s"])
    page.scrub(forward - 1)
    assert "unknown" in page.classes(number["s"])
    page.scrub(forward)
    assert page.one(number["s"]).get_attribute("aria-label") == "s = 0.5, grad not yet, from #3 + b"
    page.scrub(len(moments) - 1)
    gated.backward()
    assert page.one(number["b"]).get_attribute("aria-label").startswith("b = 6.5, grad -0.7050")


def test_a_sum_that_grows_is_marked_until_it_is_complete(page, gated, number):
    seen = []
    for step in range(len(story_of(gated).moments)):
        page.scrub(step)
        texts = page.js("return [...document.querySelectorAll(arguments[0])].map(e => [e.className.baseVal, e.textContent])",
                        f"{number['x']} .gradient")  # fmt: skip
        seen += [tuple(text) for text in texts if tuple(text) not in seen[-1:]]
    first, second, third = seen
    assert first == ("gradient none", "grad not yet")
    assert second[0] == "gradient partial"
    assert third[0].split() == ["gradient"]
    assert second[1] != third[1]


def test_what_takes_part_in_a_step_is_marked(page, gated, number):
    moments = story_of(gated).moments
    page.scrub(next(step for step, m in enumerate(moments) if m.phase == "backward" and f"#n{m.piece}" == number["s"]))
    assert "touched" in page.classes(number["b"])
    assert "touched" not in page.classes(number["y"])
    assert len(page.all(".arrow.active")) == 2
    assert page.one(number["s"]).get_attribute("aria-current") == "step"


def test_an_operand_that_was_not_chosen_gets_nothing(opened):
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    page = opened(scalargrad.maximum(a, b))
    page.press("\ue010")  # End
    assert page.one("#n0").get_attribute("aria-label") == "a = 1.0, grad not reached"
    assert page.one("#n1").get_attribute("aria-label") == "b = 2.0, grad 1.0"
    assert len(page.all(".arrow.stopped")) == 1


def test_keys(page, gated):
    last = len(story_of(gated).moments) - 1
    for key, step in [("\ue014", 1), ("\ue014", 2), ("\ue012", 1), ("\ue010", last), ("\ue014", last), ("\ue011", 0)]:
        page.press(key)
        assert page.step == step


def test_the_slider_takes_the_same_keys(page, gated):
    page.js("document.querySelector('#scrub').focus()")
    page.press("\ue014", "\ue014", "\ue012")
    assert page.step == 1
    assert page.one("#scrub").get_attribute("aria-valuetext").startswith("step 1 of ")
    page.press("\ue010")
    assert page.step == len(story_of(gated).moments) - 1


def test_space_plays_to_the_end_and_stops(page, gated):
    page.js("document.querySelector('#seconds').selectedOptions[0].textContent = '0.01'")
    page.press(" ")
    page.wait(lambda: page.step == len(story_of(gated).moments) - 1)
    page.wait(lambda: page.text("#play") == "Play")


def test_pause(page):
    page.click("#play")
    assert page.text("#play") == "Pause"
    assert page.one("#sentence").get_attribute("aria-live") == "off"
    page.press("\ue014")  # a step by hand ends it
    assert page.text("#play") == "Play"
    assert page.one("#sentence").get_attribute("aria-live") == "polite"


def test_a_click_shows_all_there_is_to_know_of_a_node(page, gated, number):
    page.press("\ue010")
    page.click(f"{number['s']} .box")
    told = page.one("#panel").text
    for part in ["s", "result of add", "#3 + b", "0.5", "layer", "d(#3 + b)/db = 1", "from #5", "#5 = σ(s)"]:
        assert part in told
    assert "selected" in page.classes(number["s"])
    page.press("\ue00c")  # Escape
    assert not page.all(".node.selected")


def test_enter_does_the_same_and_the_panel_leads_on(page, number):
    page.js("document.querySelector(arguments[0]).focus()", number["x"])
    page.press("\ue007")
    assert page.text("#panel-title") == "x"
    (consumer,) = [e for e in page.all("#panel .link") if e.text == "y = #5·x"]
    consumer.click()
    assert page.text("#panel-title") == "y"
    assert page.focused == number["y"][1:]


def test_contributions_come_as_the_sweep_goes_on(page, gated, number):
    page.click(f"{number['x']} .box")
    assert "2 still to come" in page.text("#panel")
    page.press("\ue010")
    assert "still to come" not in page.text("#panel")
    assert "so x: " in page.text("#panel")


def test_a_scope_folds_into_a_box_and_unfolds(page, number):
    page.click("[data-scope]")
    assert not page.all(number["s"])
    assert page.text(".fold .name") == "▸ layer"
    assert page.one("[data-scope]").get_attribute("aria-expanded") == "false"
    assert len(page.all(".arrow")) == 4  # x into it, it into σ; and that and x into the last
    page.click(".fold .box:last-of-type")
    assert not page.all(".fold")
    assert page.all(number["s"])


def test_a_folded_scope_has_the_turn_of_what_is_in_it(page, gated, number):
    page.click("[data-fold=all]")
    moments = story_of(gated).moments
    page.scrub(next(step for step, m in enumerate(moments) if f"#n{m.piece}" == number["s"]))
    assert "active" in page.classes(".fold")
    page.click("[data-fold=none]")
    assert page.active == [number["s"][1:]]


def test_nothing_that_is_folded_stands_on_something_else(opened):
    x, total = Value(1.0, label="x"), Value(0.0, label="total")
    for k in range(4):
        with scalargrad.scope("outer"), scalargrad.scope(f"part {k}"):
            part = (x * float(k)).sin() + x
        total = total + part
    page = opened(total)
    for _ in range(4):
        page.js("[...document.querySelectorAll('[data-scope][aria-expanded=true]')].at(-1).click()")
        boxes = page.js(
            "return [...document.querySelectorAll('.node .box:not(.behind)')].map(e => "
            "['x', 'y', 'width', 'height'].map(k => Number(e.getAttribute(k))))"
        )
        for k, (x0, y0, w0, h0) in enumerate(boxes):
            for x1, y1, w1, h1 in boxes[:k]:
                assert x0 + w0 <= x1 or x1 + w1 <= x0 or y0 + h0 <= y1 or y1 + h1 <= y0


def test_what_is_large_begins_folded(opened):
    total = Value(0.0)
    for k in range(10):
        with scalargrad.scope("outer"), scalargrad.scope(f"part {k}"):
            total = total + (Value(float(k)).sin() * 2.0).cos()
    page = opened(total)
    assert len(page.all(".fold")) == 10
    page.click("[data-fold=none]")
    assert not page.all(".fold")


def test_the_key_f_folds_the_scope_of_the_node(page, number):
    page.js("document.querySelector(arguments[0]).focus()", number["s"])
    page.press("f")
    assert len(page.all(".fold")) == 1
    page.press("\ue007")  # the focus is on the box now
    assert not page.all(".fold")


def test_search(page, number):
    page.press("/")
    assert page.focused == "search"
    page.press("lay")
    assert [e.text.split()[0] for e in page.all("#hits li")] == ["w", "b", "#3", "s"]
    assert [f"#{e.get_attribute('id')}" for e in page.all(".node.found")] == [
        *(number["w"], number["b"], "#n3", number["s"])
    ]
    page.press("\ue013", "\ue007")  # up, which goes to the last, Enter
    assert page.text("#panel-title") == "s"
    assert page.one("#hits").get_property("hidden")


def test_an_exact_label_is_found_first(page):
    page.press("/", "s")
    assert page.all("#hits li")[0].text.split()[0] == "s"


def test_nothing_found(page):
    page.press("/", "zz")
    assert page.text("#hits") == "nothing found"
    page.press("\ue00c")
    assert page.one("#search").get_property("value") == ""


def test_a_search_unfolds_what_it_leads_to(page, number):
    page.click("[data-fold=all]")
    page.press("/", "s", "\ue007")
    assert page.all(number["s"])
    assert page.focused == number["s"][1:]


def test_help(page):
    page.press("?")
    assert page.one("#about").is_displayed()
    page.press("\ue014")
    assert page.step == 0
    page.press("\ue00c")
    assert not page.one("#about").is_displayed()


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_acts(label, opened):
    x = Value(1.0, label=label)
    with scalargrad.scope(label):
        y = x.sin()
    y.label = label
    page = opened(y * 2.0)
    page.press("\ue010", "/")
    page.press("sin", "\ue007")
    assert page.text("#n0 text").startswith(literal(label))
    page.click("[data-scope]")
    assert page.text(".fold .name").startswith("▸ " + literal(label)[:20])
    assert not page.all("img")
    assert not page.js("return document.querySelectorAll('script').length > 2")


def test_no_request_gets_out(page):
    blocked = page.browser.execute_async_script(
        "const done = arguments[0], seen = [];"
        "document.addEventListener('securitypolicyviolation', (e) => { seen.push(e.effectiveDirective);"
        " if (seen.length === 2) done(seen.sort()); });"
        "new Image().src = 'http://127.0.0.1:9/'; fetch('http://127.0.0.1:9/').catch(() => 0);"
    )
    assert blocked == ["connect-src", "img-src"]
    assert all("Content Security Policy" in entry["message"] for entry in page.complaints())


def test_no_text_can_become_markup(page):
    failed = page.js("try { document.body.innerHTML = '<b>b</b>'; } catch (e) { return e.name; }")
    assert failed == "TypeError"
    assert all("TrustedHTML" in entry["message"] for entry in page.complaints())


# ── for everyone ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_that_can_be_operated_has_a_role_and_a_name(page, number):
    page.click(f"{number['s']} .box")
    tree = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n.get("ignored")]
    operable = ("button", "slider", "combobox", "searchbox", "link", "option", "image", "dialog")
    assert [role for role, name in found if role in operable and not name.strip()] == []
    assert {"button", "slider", "combobox", "link", "main", "banner", "complementary"} <= {role for role, _ in found}
    assert ("slider", "Step") in found


def test_tab_goes_through_the_page_as_it_is_read(page):
    order = []
    for _ in range(30):
        page.press("\ue004")
        order.append(page.focused)
    wanted = ["Skip the drawing", "search", "help", "n0", "n1", "n3", "+", "Fit", "scrub", "«", "play", "»", "seconds"]
    assert [order.index(name) for name in wanted] == sorted(order.index(name) for name in wanted)
    assert order.index("Fold all") > order.index("seconds")


def test_the_sentence_is_announced(page):
    assert page.one("#sentence").get_attribute("aria-live") == "polite"


def test_a_phone_shows_it_all_and_every_target_is_large_enough(opened, file, number):
    page = opened(file, width=375, height=812)
    page.click(f"{number['s']} .box")
    assert page.js("const e = document.documentElement; return e.scrollWidth <= e.clientWidth")
    small = page.js(
        "return [...document.querySelectorAll('button, select, input')].filter(e => e.checkVisibility()).filter(e => {"
        " const r = e.getBoundingClientRect(); return r.width < 40 || r.height < 40; }).map(e => e.outerHTML)"
    )
    assert small == []


def test_who_asks_for_less_motion_gets_none(opened, file):
    for motion, name in [("reduce", "none"), ("no-preference", "flow")]:
        page = opened(file, **{"prefers-reduced-motion": motion})
        page.scrub(1)
        style = "return getComputedStyle(document.querySelector('.arrow.active path')).animationName"
        assert page.js(style) == name


def test_it_is_dark_where_the_system_is(opened, file):
    colours = []
    for theme in ("light", "dark"):
        page = opened(file, **{"prefers-color-scheme": theme})
        colours.append(page.js("return getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 28)"]


def test_zoom(page):
    width = "return document.querySelector('#view svg').getBoundingClientRect().width"
    before = page.js(width)
    page.press("+")
    assert page.js(width) > before
    page.click("[data-zoom=fit]")
    assert page.js(width) <= page.js("return document.querySelector('#view').clientWidth")
    page.press("-")
    assert page.js(width) < before


def test_the_row_that_has_its_turn_is_in_view(opened):
    y = Value(1.0)
    for _ in range(25):
        y = y.sin()
    page = opened(y, width=375, height=812)
    for step in (1, 12, 25, 40):
        page.scrub(step)
        inside = page.js(
            "const v = document.querySelector('#view').getBoundingClientRect(),"
            " n = document.querySelector('.node.active .box').getBoundingClientRect();"
            "return v.left <= n.left && n.right <= v.right && v.top <= n.top && n.bottom <= v.bottom"
        )
        assert inside


# ── not part of the import ─────────────────────────────────────────────────────────────────────────────────────────


def test_importing_the_package_reads_none_of_it():
    import subprocess

    check = "import sys, scalargrad; print([m for m in sys.modules if m.startswith('scalargrad.graph.player.')])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
