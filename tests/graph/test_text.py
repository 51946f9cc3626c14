"""The picture in text."""

from scalargrad import Value, exp, sum, tanh
from scalargrad.graph import draw
from scalargrad.graph.fold import fold
from scalargrad.graph.model import read
from scalargrad.graph.text import text


def test_a_neuron(neuron):
    assert str(draw(neuron)).splitlines() == [
        "[5] σ  out = 0.6225, grad 1.0",
        "└─(0.2350)─ [4] +  0.5, grad 0.2350",
        "   ├─(1.0)─ [3] *  -6.0, grad 0.2350",
        "   │  ├─(-3.0)─ [0] w = 2.0, grad -0.7050",
        "   │  └─(2.0)─ [1] x = -3.0, grad 0.4700",
        "   └─(1.0)─ [2] b = 6.5, grad 0.2350",
    ]


def test_what_is_shared_is_shown_once_and_referred_to():
    shared = exp(Value(1.0))
    assert str(draw(shared * shared)).splitlines() == [
        "[2] *  7.389, grad not yet",
        "├─(2.718)─ [1] exp  2.718, grad not yet",
        "│  └─(2.718)─ [0] 1.0, grad not yet",
        "└─(2.718)─ [1] above",
    ]


def test_a_number_in_the_text_is_that_in_the_dot(neuron):
    assert "[5] σ  out" in str(draw(neuron))
    assert 'n5 [label="out' in draw(neuron).source


def test_each_root_is_shown():
    x = Value(1.0, label="x")
    assert str(draw(x.sin(), x.cos())).count("[0] x = 1.0") == 1
    assert [line[:3] for line in str(draw(x.sin(), x.cos())).splitlines() if line[0] == "["] == ["[1]", "[2]"]


def test_a_root_inside_another_is_not_repeated():
    x = Value(1.0)
    assert str(draw(x.sin(), x)) == str(draw(x.sin()))


def test_deep_down_the_tree_starts_again_at_the_left():
    x = Value(0.5)
    for _ in range(60):
        x = -x
    assert [line for line in str(draw(x)).splitlines() if "below" in line or line[0] == "["] == [
        "[60] -  0.5, grad not yet",
        f"{' ' * 60}└─(-1.0)─ [39] below",
        "[39] -  -0.5, grad not yet",
        f"{' ' * 60}└─(-1.0)─ [18] below",
        "[18] -  0.5, grad not yet",
    ]


def test_every_node_of_a_deep_expression_is_shown_once():
    x = Value(0.5)
    for _ in range(60):
        x = tanh(x)
    shown = str(draw(x))
    assert all(shown.count(f"[{i}] tanh") == 1 for i in range(1, 61))


def test_a_huge_expression_is_cut_and_says_by_how_much():
    shown = str(draw(sum([Value(1.0) for _ in range(1_000)]), max_nodes=2_000)).splitlines()
    assert len(shown) == 201
    assert shown[-1] == "… and 801 of 1,001 nodes more"


def test_what_fits_exactly_is_not_cut():
    x = Value(1.0)
    assert text(fold(read([x.sin()])), limit=2).splitlines()[-1] == "└─(0.5403)─ [0] 1.0, grad not yet"


def test_a_chain_of_100_000_rows_is_shown():
    x = Value(0.5)
    for _ in range(100_000):
        x = tanh(x)
    assert str(draw(x, max_nodes=100_001)).splitlines()[-1].endswith("of 100,001 nodes more")
