"""How numbers and labels are written."""

import math

import pytest

from scalargrad.graph.spelling import literal, number


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (-0.105, "-0.105"),
        (12345.0, "12345.0"),
        (0.1 + 0.2, "0.3000"),
        (3.0000001, "3.000"),
        (1234.5678, "1235"),
        (123456.789, "1.235e+05"),
        (1 / 3e300, "3.333e-301"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (True, "True"),
        (None, "none"),
    ],
)
def test_a_number_is_exact_if_short_and_else_visibly_rounded(x, text):
    assert number(x) == text


def test_a_printable_label_is_left_as_it_is():
    assert literal("σ(ü) → 漢字 🎉 <b>&\\") == "σ(ü) → 漢字 🎉 <b>&\\"


@pytest.mark.parametrize("character", ["\0", "\x1b", "\n", "\r", "\x7f", "\u202e", "\ud800", "\uffff", "\u2028"])
def test_what_has_no_glyph_is_escaped(character):
    assert literal(character) == character.encode("unicode_escape").decode()


def test_a_long_label_is_cut_to_the_width():
    assert literal("x" * 10_000) == "x" * 39 + "…"


def test_escapes_count_in_the_width():
    assert len(literal("\0" * 39)) == 40
