import pytest

from scalargrad.program.machine.host import host

WIDTHS = [width for width in (2, 4, 8) if width <= host().width]


@pytest.fixture(params=WIDTHS)
def width(request, monkeypatch):
    """Each number of lanes that this processor takes at a time."""
    monkeypatch.setattr(host(), "width", request.param)
    return request.param
