"""The page that `play` writes, in a real browser: steps, panel, folding, search; and nothing in it that acts."""

import pytest

import scalargrad
from scalargrad import Value
from scalargrad.graph.spelling import literal
from tests.graph.browser import HOSTILE


def test_it_begins_before_the_first_row(page, number):
    assert page.step == 0
    assert page.active == []
    assert page.text(f"{number['x']} text") == "x = -3.0"
    assert page.one(number["y"]).get_attribute("aria-label") == "y = ?, grad not yet, from #5·x"


def test_stepping_shows_all_that_trace_says(page, story):
    moments = story.moments
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


def test_values_fill_in_forward_and_gradients_backward(page, story, number):
    moments = story.moments
    forward = next(step for step, m in enumerate(moments) if f"#n{m.piece}" == number["s"])
    page.scrub(forward - 1)
    assert "unknown" in page.classes(number["s"])
    page.scrub(forward)
    assert page.one(number["s"]).get_attribute("aria-label") == "s = 0.5, grad not yet, from #3 + b"
    page.scrub(len(moments) - 1)
    assert page.one(number["b"]).get_attribute("aria-label").startswith("b = 6.5, grad -0.7050")


def test_a_sum_that_grows_is_marked_until_it_is_complete(page, story, number):
    seen = []
    for step in range(len(story.moments)):
        page.scrub(step)
        texts = page.js("return [...document.querySelectorAll(arguments[0])].map(e => [e.className.baseVal, e.textContent])",
                        f"{number['x']} .gradient")  # fmt: skip
        seen += [tuple(text) for text in texts if tuple(text) not in seen[-1:]]
    first, second, third = seen
    assert first == ("gradient none", "grad not yet")
    assert second[0] == "gradient partial"
    assert third[0].split() == ["gradient"]
    assert second[1] != third[1]


def test_what_takes_part_in_a_step_is_marked(page, story, number):
    moments = story.moments
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


def test_keys(page, story):
    last = len(story.moments) - 1
    for key, step in [("\ue014", 1), ("\ue014", 2), ("\ue012", 1), ("\ue010", last), ("\ue014", last), ("\ue011", 0)]:
        page.press(key)
        assert page.step == step


def test_the_slider_takes_the_same_keys(page, story):
    page.js("document.querySelector('#scrub').focus()")
    page.press("\ue014", "\ue014", "\ue012")
    assert page.step == 1
    assert page.one("#scrub").get_attribute("aria-valuetext").startswith("step 1 of ")
    page.press("\ue010")
    assert page.step == len(story.moments) - 1


def test_space_plays_to_the_end_and_stops(page, story):
    page.js("document.querySelector('#seconds').selectedOptions[0].textContent = '0.01'")
    page.press(" ")
    page.wait(lambda: page.step == len(story.moments) - 1)
    page.wait(lambda: page.text("#play") == "Play")


def test_pause(page):
    page.click("#play")
    assert page.text("#play") == "Pause"
    assert page.one("#sentence").get_attribute("aria-live") == "off"
    page.press("\ue014")  # a step by hand ends it
    assert page.text("#play") == "Play"
    assert page.one("#sentence").get_attribute("aria-live") == "polite"


def test_a_click_shows_all_there_is_to_know_of_a_node(page, number):
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


def test_contributions_come_as_the_sweep_goes_on(page, number):
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


def test_a_folded_scope_has_the_turn_of_what_is_in_it(page, story, number):
    page.click("[data-fold=all]")
    moments = story.moments
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
