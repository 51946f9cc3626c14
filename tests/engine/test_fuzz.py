"""The fuzzer itself, on so many strings; `python -m tests.engine.fuzz` goes on for as long as it is told."""

import gc
from itertools import islice

import pytest

from tests.engine import fuzz
from tests.engine.test_parity import ENGINES


@pytest.fixture(autouse=True)
def quick_collector():
    """What was there before is not looked through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("seed", range(6))
def test_random_strings_are_the_same_on_both_engines(seed):
    for string in islice(fuzz.strings(seed), 50):
        assert fuzz.difference(string) is None, string.hex()


@pytest.mark.skipif(ENGINES[0] is ENGINES[1], reason="needs the native engine")
def test_a_difference_is_found_and_the_string_made_shorter(monkeypatch):
    def method(machine, name, x, right=fuzz.Machine.method):
        return right(machine, "cos" if (name, machine.engine) == ("sin", ENGINES[1]) else name, x)

    monkeypatch.setattr(fuzz.Machine, "method", method)
    string = next(string for string in islice(fuzz.strings(5), 1000) if fuzz.difference(string))
    short = fuzz.shorter(string)
    assert fuzz.difference(short)
    assert len(short) <= len(string)
    assert any("sin" in str(step) for step in fuzz.read(short))


def test_every_kind_of_step_is_drawn():
    drawn = {step[0] for string in islice(fuzz.strings(0), 300) for step in fuzz.read(string)}
    assert drawn >= {kind(fuzz.Reader(b""), 0)[0] for kind in fuzz.KINDS}
