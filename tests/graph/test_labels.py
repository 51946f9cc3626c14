"""Labels are shown as they are, whatever is in them, and never act."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import Value, gate
from scalargrad.graph import draw
from scalargrad.graph.spelling import literal

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    *("<b>", "<<b>bold</b>>", "<", "a\n", "\n", '"x"', '"', '\\"', "\\", "\\\\", "\\N", "\\G\\L\\l\\r\\n", "N", "node"),
    *("&", "a&b", "&amp;", "&lt;b&gt;", "&#65;", "{a|b}", "<f0>", "]]>", "<!--", "--", "->", ";}", "/*", "//", "#x"),
    *("\0", "\x01\x1b[31m\x7f", "\ufffe", "\ud800", "\u202eabc", "a  b", " ", "%s", "漢字", "🎉", "e\u0301", "x₁"),
    *("\\" * 60, "&" * 60, '"' * 60, "<" + "x" * 60 + ">", "\n" * 60),
]


def shown(svg):
    """The texts in the first box of an SVG, and the tooltip of that."""
    node = next(g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.findtext(f"{SVG}title") == "n0")
    link = node.find(f".//{SVG}a")
    tooltip = None if link is None else link.get("{http://www.w3.org/1999/xlink}title")
    return [text.text.replace("\xa0", " ") for text in node.iter(f"{SVG}text")], tooltip


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_comes_out_as_literal_text(label, any_graphviz):
    assert shown(draw(Value(1.0, label=label)).svg())[0] == [f"{literal(label)} = 1.0", "grad not yet"]


@pytest.mark.parametrize("label", [label for label in HOSTILE if len(label) == 60])
def test_a_label_that_is_cut_is_whole_in_the_tooltip_of_the_svg(label, any_graphviz):
    assert shown(draw(Value(1.0, label=label)).svg())[1] == literal(label, width=None)


def test_a_label_of_10_000_characters_leaves_the_picture_small(any_graphviz):
    svg = draw(Value(1.0, label="x" * 10_000)).svg()
    assert float(re.search(r'<svg width="([\d.]+)pt"', svg)[1]) < 400
    assert shown(svg)[1] == "x" * 10_000


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.one_of(st.sampled_from('\\"<>&;nNGlr{}|\n#x '), st.characters()), min_size=1))
def test_any_text_comes_out_as_literal_text(label):
    assert shown(draw(Value(1.0, label=label)).svg())[0] == [f"{literal(label)} = 1.0", "grad not yet"]


@pytest.mark.parametrize("label", HOSTILE)
def test_the_text_picture_has_a_line_for_each_node(label):
    x = Value(1.0, label=label)
    assert len(str(draw(x.sin())).splitlines()) == 2


def test_the_name_of_a_gate_is_quoted_too(any_graphviz):
    def double(x):
        return 2 * x

    double.__name__ = '<b>"\\N&'
    svg = draw(gate(derivatives=lambda x: 2.0)(double)(Value(1.0))).svg()
    assert '<b>"\\N&' in [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
