"""The player is for everyone: colours that stand out, names for a screen reader, keys, a phone, less motion."""

import re
from pathlib import Path

import pytest

import scalargrad
from scalargrad import Value

# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────────────────────────


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
