"""Symbols: what they write down, and what they refuse."""

import pytest

from scalargrad.program.machine.symbols import Instructions, mathematics

pytestmark = pytest.mark.engine_free


def test_a_rule_cannot_ask_for_truth():
    into = Instructions()
    for symbol in (into.input(0), into.input(0) < 1.0):
        with pytest.raises(TypeError, match=r"m\.where"):
            bool(symbol)


def test_equal_instructions_are_written_once():
    into = Instructions()
    m, x = mathematics(into), into.input(0)
    assert (m.exp(x) + 1.0).at == (m.exp(x) + 1.0).at
    assert (x - x).at != (x + x).at
