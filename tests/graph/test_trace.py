"""`trace`: the backward pass, row by row."""

import builtins
import re

import pytest
from hypothesis import given, settings

from scalargrad import StaleValueError, Value, gate, maximum, relu, sigmoid, sum, tanh, trace, where
from scalargrad.engine import sweep
from scalargrad.graph import draw
from scalargrad.testing.strategies import expressions


def lines(y, **options):
    """The lines between title and ending."""
    return str(trace(y, **options)).split("\n\n")[1].splitlines()


# ── the story ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_neuron_reads_like_this():
    a, b, c = Value(1.0, label="a"), Value(2.0, label="b"), Value(-3.0, label="c")
    x, y = Value(-1.0, label="x"), Value(3.0, label="y")
    assert str(trace(sigmoid(a * x + b * y + c))).splitlines() == [
        "backward from #9, newest row first: each adds grad · local derivative to the grad of each operand",
        "",
        "#9  σ  [σ(#8)]    grad 1     → #8 += 1 · 0.105 = 0.105 (d σ(#8)/d#8 = σ(#8)·σ(−#8) = 0.105)",
        "#8  +  [#7 + c]   grad 0.105 → #7 += 0.105 · 1 = 0.105; c += 0.105 · 1 = 0.105",
        "#7  +  [#5 + #6]  grad 0.105 → #5 += 0.105 · 1 = 0.105; #6 += 0.105 · 1 = 0.105",
        "#6  ×  [b·y]      grad 0.105 → b += 0.105 · y(3) = 0.315; y += 0.105 · b(2) = 0.21",
        "#5  ×  [a·x]      grad 0.105 → a += 0.105 · x(−1) = −0.105; x += 0.105 · a(1) = 0.105",
        "",
        "backward() adds this to the inputs: a −0.105, b 0.315, c 0.105, x 0.105, y 0.21",
    ]


def test_a_sum_of_shares_is_seen_to_grow():
    x = Value(3.0, label="x")
    assert [line.split(" → ")[1] for line in lines(3 * x + 2 * x)[1:]] == [
        "x += 1 · 2 = 2",
        "x += 1 · 3 = 3, so x: 2 + 3 = 5",
    ]


def test_the_rule_stands_next_to_its_number():
    u = Value(1.0, label="u")
    assert "(d tanh(u)/du = 1 − tanh²(u) = 0.42)" in lines(tanh(u))[0]


def test_a_label_names_the_row():
    a, x = Value(2.0, label="a"), Value(3.0, label="x")
    y = a * x
    y.label = "ax"
    assert lines(y)[0].startswith("#2  ×  [ax = a·x]  grad 1 →")


def test_the_same_label_twice_is_told_apart():
    w, v = Value(2.0, label="w"), Value(3.0, label="w")
    assert "[w#0·w#1]" in lines(w * v)[0]


def test_rows_are_numbered_as_in_pictures():
    x = Value(2.0)
    y = tanh(3.0 * x + 1.0)
    pictured = [int(n) for n in re.findall(r"\[(\d+)\] [+*t]", str(draw(y)))]
    assert [step.number for step in trace(y).steps] == pictured


def test_what_was_not_chosen_gets_nothing():
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    assert lines(maximum(a, b))[0].endswith("nothing to a, which was not chosen")


def test_rows_behind_what_was_not_chosen_are_counted():
    a, b = Value(1.0), Value(2.0)
    assert "get nothing: 2" in str(trace(where(False, tanh(tanh(a)), b)))


def test_gradients_from_before_are_told():
    x = Value(3.0, label="x")
    y = x * x
    y.backward()
    assert str(trace(y)).splitlines()[-1] == "together with what is there already: x 6 + 6 = 12"


def test_an_input_alone_has_no_steps():
    assert trace(Value(1.0)).steps == ()
    assert "backward() adds this to the inputs: #0 1" in str(trace(Value(1.0)))


def test_every_line_fits_in_100_columns():
    xs = [Value(float(i), label="a rather long label") for i in range(9)]
    y = tanh(sum(xs)) * xs[0] * xs[0] + relu(xs[1] - xs[2]).gelu()
    assert max(map(len, str(trace(y)).splitlines())) <= 100


def test_a_gate_that_cannot_be_written_shows_its_numbers():
    @gate(derivatives=lambda x: 2.0 if x > 0 else 3.0)
    def kinked(x):
        return 2.0 * x

    assert lines(kinked(Value(1.0, label="x")))[0].endswith("→ x += 1 · 2 = 2")


# ── as data ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_hands_out_what_it_says():
    a, x = Value(2.0, label="a"), Value(-1.0, label="x")
    y = a * x
    (step,) = trace(y).steps
    assert (step.row, step.number, step.symbol, step.operation, step.adjoint) == (y, 2, "*", "a·x", 1.0)
    first, second = step.contributions
    assert first.operand is a
    assert second.operand is x
    assert (first.place, first.number, first.name, first.rule, first.derivative) == (0, 0, "a", "x", -1.0)
    assert (first.adjoint, first.share, first.before, first.after) == (1.0, -1.0, None, -1.0)
    assert second.law == "d(a·x)/dx = a"
    assert str(step) == "#2  ×  [a·x]  grad 1 → a += 1 · x(−1) = −1; x += 1 · a(2) = 2"


def test_constants_get_nothing():
    (step,) = trace(2.0 * Value(3.0)).steps
    assert [contribution.place for contribution in step.contributions] == [1]


@given(expressions())
@settings(max_examples=100, deadline=None)
def test_the_steps_are_those_of_the_sweep(e):
    xs = e.values()
    y = e(*xs)
    adjoints, sums = sweep({y: 1.0}), {}
    for step in trace(y).steps:
        assert step.adjoint == adjoints[step.row]
        assert step.row is y or sums[step.row] == step.adjoint  # complete when its turn comes
        for contribution in step.contributions:
            if contribution.share is not None:
                assert contribution.before == sums.get(contribution.operand)
                sums[contribution.operand] = contribution.after
    assert all(sums.get(x) == adjoints.get(x) for x in xs if x is not y)


def test_no_gradient_is_touched():
    x = Value(3.0)
    y = x * x
    str(trace(y))
    assert not x.has_grad
    assert not y.has_grad


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_left_out_is_counted():
    x = y = Value(1.0)
    for _ in range(4862):
        y = y + 1.0
    shown = lines(y)
    assert shown[-1] == "… 4,812 more rows"
    assert len(shown) == 51
    assert len(trace(y).steps) == 4862
    assert x.data == 1.0


@pytest.mark.parametrize(("limit", "count"), [(None, 80), (7, 8), (0, 1)])
def test_the_limit_can_be_chosen(limit, count):
    y = Value(1.0)
    for _ in range(80):
        y = y + 1.0
    assert len(lines(y, limit=limit)) == count


def test_a_chain_of_100_000_rows_is_traced():
    y = Value(0.5)
    for _ in range(100_000):
        y = tanh(y)
    assert "… 99,950 more rows" in str(trace(y))


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("y", [2.0, None, [Value(1.0)]])
def test_what_is_not_a_value_is_refused(y):
    with pytest.raises(TypeError, match="trace\\(y\\) takes a Value"):
        trace(y)


def test_a_stale_expression_says_which_rows_are_out_of_date():
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = x * w + w * w
    x.data = 5.0
    with pytest.raises(StaleValueError) as caught:
        trace(y)
    assert caught.value.__notes__ == [
        "out of date are 2 of its 3 row(s): #2 = x·w is 6, and would be 15; #4 = #2 + #3 is 15, and would be 24"
    ]


@pytest.mark.parametrize(
    ("number", "note"),
    [(-1.0, "cannot be computed: log(-1.0)|math domain"), (2.0, "all of its rows come out the same")],
)
def test_a_stale_expression_that_is_beyond_its_domain_or_the_same(number, note):
    x = Value(2.0, label="x")
    y = x.log()
    x.data = number
    with pytest.raises(StaleValueError) as caught:
        trace(y)
    assert re.search(note, caught.value.__notes__[0])


# ── labels are text ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("label", ["a\nb", "\x1b[31m", "a + b", "x)·(y", "‮", "#3", "…", "max(", "\ud800", "\U000f0000"])
def test_a_label_never_acts(label):
    x = Value(3.0, label=label)
    y = 1.0 * x
    assert len(lines(y)) == 1
    assert lines(y)[0].isprintable()
    assert trace(y).steps[0].contributions[0].rule == "1"


def test_a_label_that_looks_like_a_formula_is_quoted():
    x, y = Value(3.0, label="a + b"), Value(2.0, label="c")
    assert "['a + b'·c]" in lines(x * y)[0]


def test_a_notebook_shows_a_table_in_which_labels_are_text():
    x = Value(3.0, label="<b>&")
    html = trace(tanh(x))._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html
    assert html.count("<tr>") == 2


# ── step by step ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pressed(monkeypatch):
    """A function that says what happens at each press of Enter; it returns how often that was waited for."""

    def press(*events):
        waiting, count = iter(events), []

        def answer(*_):
            count.append(None)
            event = next(waiting, "")
            if event:
                raise event
            return ""

        monkeypatch.setattr(builtins, "input", answer)
        return count

    return press


def told(capsys):
    """What was printed, but for what to press."""
    return capsys.readouterr().out.replace("(Enter: the next row; Ctrl-C: the end)\n", "")


def test_step_by_step_waits_after_each_row(pressed, capsys):
    count = pressed()
    y = tanh(Value(1.0, label="x") * 2.0)
    story = trace(y, step=True)
    assert len(count) == 2
    assert told(capsys) == f"{trace(y)}\n"
    assert repr(story) == "<Trace, told step by step>"  # a prompt does not tell it again


def test_where_nobody_can_press_enter_it_does_not_wait(pressed, capsys):
    count = pressed(EOFError)
    y = tanh(tanh(tanh(Value(1.0))))
    trace(y, step=True)
    assert len(count) == 1
    assert told(capsys) == f"{trace(y)}\n"


def test_an_interrupt_ends_it_and_nothing_else(pressed, capsys):
    pressed(KeyboardInterrupt)
    y = Value(1.0) + 1.0 + 1.0 + 1.0
    assert len(trace(y, step=True).steps) == 3
    assert capsys.readouterr().out.count("grad 1") == 1


@pytest.mark.parametrize("limit", [-1, 1.5, "10", True])
def test_a_limit_is_a_number_of_rows(limit):
    with pytest.raises(ValueError, match="limit= is how many rows are shown, or None for all, not "):
        trace(Value(1.0), limit=limit)
