"""Nests: how the layers take lists of lists apart and put them together."""

import numpy as np
import pytest

from scalargrad import nn
from scalargrad.nn.nests import alike, as_lists, fill, leaves, on_each, shape


@pytest.mark.parametrize("nest", [1.0, [], [[]], [1, [2, [3]], 4], [[1, 2], [3, 4]]])
def test_a_nest_filled_with_its_own_leaves_is_itself(nest):
    assert fill(nest, iter(leaves(nest))) == nest


def test_a_number_of_numpy_is_a_number():
    assert as_lists(np.array(2.0)) == 2.0
    assert as_lists([np.array([1, 2]), (np.float64(3.0),)]) == [[1, 2], [3.0]]


@pytest.mark.parametrize(("nest", "text"), [([], "(0)"), ([[], []], "(2, 0)"), ([[1], 2], "(2, …)"), (1, "()")])
def test_shapes_for_messages(nest, text):
    assert shape(nest) == text


def test_alike_is_about_form_alone():
    assert alike([1, [2]], [3, [4]])
    assert not alike([1, 2], [1, [2]])
    assert not alike([1], [1, 2])


def test_on_each_keeps_the_form():
    assert on_each(str, [1, [2]]) == ["1", ["2"]]


def test_what_is_public_is_there():
    assert nn.__all__ == sorted(nn.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(nn, name) for name in nn.__all__)
