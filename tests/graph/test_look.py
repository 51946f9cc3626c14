"""How a picture looks: the options of `draw`, and what is said of one that is wrong."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from scalargrad import Value, scope, sigmoid
from scalargrad.graph import draw

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["<b>x</b>", '"', "\\N\\G", "a\nb", "\0", "\u202eabc", "&amp;", "]]>", "x" * 200, "漢字"]


def edge(graph, start, end):
    return re.search(rf"^\s*{start} -> {end}( \[.*\])?$", graph.source, re.M)[0]


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_values_gradients_and_derivatives_can_be_left_out(neuron):
    assert "0.6225" not in draw(neuron, values=False).source
    assert "grad" not in draw(neuron, gradients=False).source
    assert edge(draw(neuron, derivatives=False), "n0", "n3op").strip() == "n0 -> n3op"


def test_labels_and_constants_stay(neuron):
    source = draw(neuron + 1.5, values=False, gradients=False, derivatives=False).source
    assert "[label=out" in source.replace('"', "")
    assert "1.5" in source


def test_a_result_of_which_nothing_is_shown_is_its_operation(neuron):
    graph = draw(neuron, values=False, gradients=False)
    assert "n3 [" not in graph.source
    assert edge(graph, "n3op", "n4op")


@pytest.mark.parametrize(
    ("number", "text"), [(".2f", "0.62"), (lambda x: f"about {x:.1f}", "about 0.6"), ("+.1e", "+6.2e-01")]
)
def test_numbers_are_written_as_asked(neuron, number, text):
    for shown in (draw(neuron, number=number).source, str(draw(neuron, number=number))):
        assert f"out = {text}" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_number_format_returns_is_shown_and_does_not_act(text, any_graphviz):
    ElementTree.fromstring(draw(Value(1.0) * 2.0, number=lambda x: text).svg())


@pytest.mark.parametrize("direction", ["LR", "RL", "TB", "BT"])
def test_the_direction_is_that_of_graphviz(neuron, direction):
    assert f"rankdir={direction}" in draw(neuron, direction=direction).source


def test_a_dark_picture_has_a_dark_ground(neuron, any_graphviz):
    svg = draw(neuron, theme="dark").svg()
    assert '<polygon fill="#1b1e23"' in svg
    assert 'fill="#f2f2f2"' in svg


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", HOSTILE)
def test_the_name_of_a_scope_is_shown_and_does_not_act(name, any_graphviz):
    x = Value(1.0)
    with scope(name):
        y = x * 2.0
    frames = [g for g in ElementTree.fromstring(draw(y * x).svg()).iter(f"{SVG}g") if g.get("class") == "cluster"]
    assert len(frames) == 1
    for depth in (0, 1):
        svg, text = draw(y * x, depth=depth).svg(), str(draw(y * x, depth=depth))
        ElementTree.fromstring(svg)
        assert not re.search("[\0\u202e]", svg + text)


def test_frames_are_in_one_another(any_graphviz):
    x = Value(1.0)
    with scope("outer"):
        y = x * 2.0
        with scope("inner"):
            z = y * x
    assert draw(z).svg().count('class="cluster"') == 2


# ── heat ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_heat_tells_the_sign_by_hue_and_the_magnitude_by_strength():
    x, y, z = Value(1.0), Value(1.0), Value(1.0)
    (3.0 * x - 3.0 * y + 0.1 * z).backward()
    fills = re.findall(r"^\s*n\d \[.*fillcolor=\"(#\w+)\"", draw(x, y, z, heat=True).source, re.M)
    red, _, blue = zip(*[(int(f[1:3], 16), 0, int(f[5:7], 16)) for f in fills])
    assert red[0] > blue[0]
    assert red[1] < blue[1]
    assert red[2] - blue[2] < red[0] - blue[0]


def test_heat_tells_the_magnitude_by_line_width_too(neuron):
    source = draw(neuron, heat=True).source
    (w, x) = (float(re.search(rf"^\s*{n} \[.*penwidth=([\d.]+)", source, re.M)[1]) for n in ("n0", "n1"))
    assert w > x


def test_heat_of_a_box_is_that_of_its_largest_gradient():
    x, y = Value(1.0), Value(1.0)
    with scope("a"):
        one, other = x * 2.0, y * 3.0
    (one * 0.5 - other * 4.0).backward()
    assert "grad up to -4.0" in draw(one, other, x, y, depth=0, heat=True).source


def test_no_gradient_goes_into_a_constant():
    y = Value(1.0) * 1e6
    y.backward()
    assert "penwidth" not in edge(draw(y, heat=True), "n1", "n2op")


def test_heat_has_a_legend(neuron, any_graphviz):
    svg = draw(neuron, heat=True).svg()
    legend = re.search(r"<title>legend</title>.*?</g>", svg, re.S)[0].replace("&#45;", "-")
    assert all(text in legend for text in ("gradient", "-1.0", "0.0", "1.0"))
    assert "legend" not in draw(neuron).source


def test_heat_marks_the_sign_where_gradients_are_not_written():
    x, y = Value(1.0, label="x"), Value(1.0, label="y")
    (x - y).backward()
    source = draw(x, y, heat=True, gradients=False).source
    assert r"x = 1.0\n+" in source
    assert r"y = 1.0\n-" in source


@pytest.mark.parametrize("gradient", [None, 0.0, float("nan"), float("inf"), -float("inf")])
def test_heat_can_show_any_gradient(gradient, any_graphviz):
    x = Value(1.0)
    x.grad = gradient
    assert draw(x, heat=True).svg()
    assert draw(x, Value(2.0), heat=True).svg()


def test_no_gradient_is_told_from_a_gradient_of_zero_by_its_text():
    x = Value(1.0)
    assert "not yet" in draw(x, heat=True).source


# ── highlight ───────────────────────────────────────────────────────────────────────────────────────────────────────


def strong(graph):
    names = re.findall(r"^\s*(\w+(?: -> \w+)?) \[.*penwidth=3", graph.source, re.M)
    return set(names)


def test_only_the_path_is_highlighted(neuron):
    total = neuron.operands[0]
    product = total.operands[0]
    w = product.operands[0]
    assert strong(draw(neuron, highlight=[w, product, total, neuron])) == {
        *("n0", "n3op", "n3", "n4op", "n4", "n5op", "n5"),
        *("n0 -> n3op", "n3op -> n3", "n3 -> n4op", "n4op -> n4", "n4 -> n5op", "n5op -> n5"),
    }


def test_nothing_is_highlighted_unasked(neuron):
    assert strong(draw(neuron)) == set()


def test_a_path_goes_through_the_boxes_that_its_nodes_are_in():
    x = Value(1.0)
    with scope("a"):
        y = x * x
        z = sigmoid(y)
    out = z + x
    assert strong(draw(out, depth=0, highlight=[x, y, z, out])) == {
        *("n0", "f0", "n3op", "n3"),
        *("n0 -> f0", "f0 -> n3op", "n3op -> n3"),
    }


# ── options that are wrong ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"direction": "left"}, "direction='left' is not one of LR, RL, TB, BT"),
        ({"direction": ["LR"]}, r"direction=\['LR'\] is not one of"),
        ({"theme": "blue"}, "theme='blue' is not one of light, dark"),
        ({"number": ".3q"}, "number='.3q' is not a format specification"),
        ({"number": 3}, "number= is a format specification .* not 3"),
        ({"number": lambda x: 3}, "number= returned 3 for 1.0"),
        ({"values": 1}, "values= is True or False, not 1"),
        ({"gradients": "no"}, "gradients= is True or False, not 'no'"),
        ({"derivatives": None}, "derivatives= is True or False, not None"),
        ({"heat": "red"}, "heat= is True or False, not 'red'"),
        ({"depth": -1}, "depth= is how many levels of scopes .* not -1"),
        ({"depth": 1.5}, "depth= is how many levels of scopes .* not 1.5"),
        ({"max_nodes": 0}, "max_nodes= is a whole number .* not 0"),
        ({"siblings": 16}, "siblings= is True or False, not 16"),
        ({"sums": "all"}, "sums= is True or False, not 'all'"),
        ({"collapse": "layer"}, "collapse= is a function of a scope, .* not 'layer'"),
        ({"collapse": lambda path: "yes"}, "collapse= returns True .* not 'yes'"),
        ({"highlight": 3}, "highlight= is a path, .* not 3"),
        ({"highlight": [3]}, "highlight= is a path of Values in this picture, and 3 is not in it"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_may_be(option, message):
    with scope("a"):
        x = Value(1.0)
    with pytest.raises((TypeError, ValueError), match=message):
        draw(x, **option).source  # noqa: B018


def test_a_path_has_to_be_in_the_picture_and_connected(neuron):
    with pytest.raises(ValueError, match="is not in it"):
        draw(neuron, highlight=[Value(1.0)])
    with pytest.raises(ValueError, match="does not use the Value before it"):
        draw(neuron, highlight=[neuron, neuron.operands[0]])


def test_a_single_value_is_no_path(neuron):
    with pytest.raises(TypeError, match="highlight= is a path"):
        draw(neuron, highlight=neuron)
