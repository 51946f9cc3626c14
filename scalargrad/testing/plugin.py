"""What scalargrad adds to pytest: the fixture `tape`, a fresh tape for every test, and what a failed comparison says.

`pytest --fresh-tape`, or `scalargrad_fresh_tape = true` in the configuration, runs each test, with its fixtures, on a
tape of its own. `assert v == pytest.approx(6.0)` works, and so does a list of Values on the left; approx has to be on
the right, because for what is on its right it takes plain numbers only.
"""

from collections.abc import Generator, Iterator

import pytest

from scalargrad import Tape, Value

__all__ = ["pytest_addoption", "pytest_assertrepr_compare", "pytest_runtest_protocol", "tape"]


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "run each test on a fresh scalargrad tape"
    parser.getgroup("scalargrad").addoption("--fresh-tape", action="store_true", help=about)
    parser.addini("scalargrad_fresh_tape", about, type="bool", default=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if not (item.config.getoption("--fresh-tape") or item.config.getini("scalargrad_fresh_tape")):
        return (yield)
    with Tape():
        return (yield)


@pytest.fixture
def tape() -> Iterator[Tape]:
    """A fresh tape, the current one during the test."""
    with Tape() as fresh:
        yield fresh


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Under a failed comparison of Values, the last rows of their tapes: few, unless -vv asks for more."""
    tapes = {side: v.tape for side, v in (("the left", left), ("the right", right)) if type(v) is Value}
    if not tapes:
        return None
    if len(tapes) == 2 and len(set(tapes.values())) == 1:
        tapes = {"both": tapes["the left"]}
    more = config.get_verbosity(pytest.Config.VERBOSITY_ASSERTIONS) >= 2
    shown = 20 if more else 4 // len(tapes)  # pytest cuts at 8 lines or so
    lines = [f"{left!r} {op} {right!r}"]
    for whose, tape in tapes.items():
        heading, *rows = str(tape).splitlines()
        lines += [f"the last of {len(rows)} rows on the tape of {whose}:", heading, *rows[-shown:]]
    return lines
