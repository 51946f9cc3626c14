"""The tape: rows in the order of recording, which tape is the current one, and how it reads."""

import copy
import pickle
import re
from html import unescape

import pytest

from scalargrad import Tape, TapeError, Value, current_tape, gradients, scope
from scalargrad import sum as sum_of

# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_tape_is_empty_and_true():
    assert len(Tape()) == 0
    assert Tape()


def test_rows_stand_in_the_order_of_recording(tape):
    x, y = Value(2.0), Value(3.0)
    p = x * y
    q = p + x
    assert [id(row) for row in tape] == [id(row) for row in (x, y, p, q)]


def test_an_index_counts_from_either_end(tape):
    x = Value(2.0)
    y = x + 1.0
    assert tape[0] is x
    assert tape[-1] is y


def test_a_slice_is_a_list_of_rows(tape):
    x = Value(2.0)
    y = x + 1.0
    z = y * y
    assert [id(row) for row in tape[1:3]] == [id(y), id(z)]
    assert [id(row) for row in tape[::-1]] == [id(z), id(y), id(x)]
    assert tape[3:] == []


def test_an_index_beyond_the_end_is_an_index_error(tape):
    x = Value(2.0)
    assert len(tape) == 1
    with pytest.raises(IndexError):
        tape[1]
    assert x.data == 2.0


def test_a_row_tells_its_operands_and_local_derivatives(tape):
    x, y = Value(2.0), Value(3.0)
    p = x * y
    assert [id(v) for v in p.operands] == [id(x), id(y)]
    assert p.local_derivatives == (3.0, 2.0)
    assert p.rule.name == "mul"


def test_a_constant_operand_is_kept_as_a_number(tape):
    x = Value(2.0)
    p = 5 * x
    assert p.operands[0] == 5.0
    assert type(p.operands[0]) is float
    assert list(tape) == [x, p]  # it has no row


def test_the_index_grows_along_the_tape(tape):
    x = Value(2.0)
    rows = [x, x + 1.0, x * x, Value(3.0)]
    indices = [row.index for row in rows]
    assert indices == sorted(set(indices))


def test_an_operation_of_many_operands_is_one_row(tape):
    xs = [Value(float(i)) for i in range(1000)]
    total = sum_of(xs)
    assert len(tape) == 1001
    assert len(total.operands) == 1000


def test_recording_while_iterating_is_harmless(tape):
    x = Value(1.0)
    kept = [row + 1.0 for row in tape]
    assert len(tape) == 2
    assert kept[0].operands[0] is x


# ── printing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_print_shows_a_line_for_each_row_under_a_heading(tape):
    x = Value(2.0, label="x")
    y = x * 3.0
    lines = str(tape).splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:3] == ["row", "operation", "operands"]
    assert lines[1].split()[:3] == ["#0", "input", "2"]
    assert "mul" in lines[2]
    assert "#0, 3" in lines[2]
    assert y.data == 6.0


def test_print_is_aligned(tape):
    x = Value(2.0, label="x")
    y = (x * 123456.0).exp() if x.data > 5 else x * 123456.0
    heading, *rows = str(tape).splitlines()
    column = heading.index("gradient")
    assert {row[column : column + 7] for row in rows} == {"not yet"}
    assert y.data == 246912.0


def test_before_a_pass_the_gradient_reads_not_yet(tape):
    x = Value(2.0)
    y = x * x
    assert str(tape).count("not yet") == 2
    y.backward()
    assert "not yet" not in str(tape)


def test_a_zero_gradient_is_not_not_yet(tape):
    x = Value(2.0)
    y = 0.0 * x
    y.backward()
    assert "not yet" not in str(tape)


def test_what_was_not_chosen_has_no_local_derivative(tape):
    from scalargrad import where

    x = Value(2.0)
    y = where(True, x, 5.0)
    assert "-, 1, -" in str(tape)
    assert y.data == 2.0


def test_labels_and_scopes_are_shown(tape):
    with scope("mlp"), scope("layer"):
        x = Value(2.0, label="weight")
    assert "weight" in str(tape)
    assert "mlp/layer" in str(tape)
    assert x.scope == ("mlp", "layer")


def test_a_label_of_many_lines_stays_on_its_line(tape):
    x = Value(2.0, label="a\nb\tc")
    assert len(str(tape).splitlines()) == 2
    assert x.label == "a\nb\tc"


def test_a_long_tape_prints_its_ends_and_a_count(tape):
    x = Value(2.0)
    rows = [x + i for i in range(5000)]
    lines = str(tape).splitlines()
    assert len(lines) < 100
    assert any("more rows" in line for line in lines)
    assert lines[-1].startswith("#5000")
    assert len(rows) == 5000


def test_an_empty_tape_prints_its_heading():
    assert str(Tape()).startswith("row")


def test_a_notebook_shows_the_same_as_a_table(tape):
    x = Value(2.0, label="x")
    y = x * 3.0
    rows = re.findall(r"<tr>(.*?)</tr>", tape._repr_html_())
    cells = [[unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)] for row in rows]
    printed = [re.split(r"\s{2,}", line.strip()) for line in str(tape).splitlines()]
    assert [[cell for cell in row if cell] for row in cells] == printed
    assert y.data == 6.0


def test_a_label_is_text_in_a_notebook_too(tape):
    x = Value(2.0, label="<script>&")
    assert "&lt;script&gt;&amp;" in tape._repr_html_()
    assert x.label == "<script>&"


def test_a_long_tape_is_cut_in_a_notebook_too(tape):
    x = Value(2.0)
    rows = [x + i for i in range(5000)]
    assert "4,941 more rows" in tape._repr_html_()
    assert tape._repr_html_().count("<tr>") == 62
    assert len(rows) == 5000


def test_repr_tells_the_number_of_rows(tape):
    x = Value(2.0)
    y = x + 1.0
    assert repr(tape) == "<Tape of 2 rows>"
    assert y.data == 3.0


# ── the current tape ────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_always_a_current_tape():
    assert isinstance(current_tape(), Tape)
    assert current_tape() is current_tape()


def test_a_new_input_goes_to_the_current_tape():
    with Tape() as t:
        x = Value(2.0)
    y = Value(3.0)
    assert [id(row) for row in t] == [id(x)]
    assert id(y) in {id(row) for row in current_tape()}


def test_tapes_nest():
    before = current_tape()
    with Tape() as outer:
        with Tape() as inner:
            assert current_tape() is inner
        assert current_tape() is outer
    assert current_tape() is before


def test_a_tape_can_be_entered_again():
    before = current_tape()
    t = Tape()
    with t:
        x = Value(2.0)
        with t:
            y = Value(3.0)
        z = Value(4.0)
    assert [id(row) for row in t] == [id(x), id(y), id(z)]
    assert current_tape() is before


def test_an_exception_leaves_the_tape():
    before = current_tape()
    with pytest.raises(KeyError), Tape():
        raise KeyError
    assert current_tape() is before


def test_the_tape_is_left_when_a_value_raises_inside():
    before = current_tape()
    with pytest.raises(ZeroDivisionError), Tape():
        1 / Value(0.0)
    assert current_tape() is before


def test_operands_decide_where_an_operation_is_recorded():
    with Tape() as t:
        x = Value(2.0)
    with Tape() as other:
        y = x * 3.0
    assert [id(row) for row in t] == [id(x), id(y)]
    assert len(other) == 0


def test_values_outlive_the_block_and_still_sweep():
    with Tape():
        x = Value(2.0)
        y = x * x
    (y + 1.0).backward()
    assert x.grad == 4.0


def test_a_generator_left_suspended_leaves_no_tape_behind():
    def on_its_own_tape():
        with Tape():
            yield Value(1.0)

    before = current_tape()
    generator = on_its_own_tape()
    x = next(generator)
    with Tape() as t:
        generator.close()  # not in the order of entering
        assert current_tape() is t
    assert current_tape() is before
    assert x.data == 1.0


# ── mixing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def strangers():
    with Tape():
        x = Value(2.0)
    with Tape():
        y = Value(3.0)
    return x, y


def test_an_operation_on_two_tapes_is_refused_with_the_way_out(strangers):
    x, y = strangers
    with pytest.raises(TapeError, match=r"two tapes.*detach\(\)"):
        x + y


def test_the_way_out_works(strangers):
    x, y = strangers
    with Tape():
        a, b = x.detach(), y.detach()
        assert gradients(a * b, [a, b]) == [3.0, 2.0]


def test_mixing_is_refused_in_an_operation_of_many_operands(strangers):
    x, y = strangers
    with pytest.raises(TapeError, match="two tapes"):
        sum_of([x, 1.0, x, y])


def test_mixing_leaves_both_tapes_as_they_were():
    with Tape() as s:
        x = Value(2.0)
    with Tape() as t:
        y = Value(3.0)
    with pytest.raises(TapeError):
        x * y
    assert (len(s), len(t)) == (1, 1)


def test_comparing_across_tapes_is_fine(strangers):
    x, y = strangers
    assert x < y
    assert x // y == 0.0


# ── not to be copied ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_tape_refuses_to_be_copied(again):
    with pytest.raises(TypeError, match="a Tape does not copy or pickle"):
        again(Tape())
