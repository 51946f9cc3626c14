"""`play` and `animate`: step by step through the forward and the backward pass, in a browser or as a moving picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scalargrad.engine import Value
from scalargrad.engine.messages import not_a_number
from scalargrad.files import destination, write

if TYPE_CHECKING:  # who does not ask does not wait for it
    from scalargrad.graph.player.story import Story

__all__ = ["animate", "play"]


def play(y: Value, path: str | os.PathLike[str], *, max_nodes: int = 400) -> Path:
    """Write a page on which to step through the computation of y and its backward pass, and return the path.

    The page is one HTML file that needs no network: the graph, in which values and gradients fill in as they become
    known, the sentences of `trace`, a panel for each node that is clicked, search, and scopes to fold. It shows what
    `y.backward()` would do, and changes no `.grad`.

    The file appears complete or not at all. Raises TypeError for what is not a Value, StaleValueError as `backward`
    does, ValueError for a suffix other than .html, OSError where the file cannot be written, and RenderError as `draw`
    does: if nothing here can draw, or there are more than max_nodes nodes.

    >>> x = Value(3.0, label="x")
    >>> play(x * x, "square.html")  # doctest: +SKIP
    PosixPath('square.html')
    >>> play(x * x, "square.txt")
    Traceback (most recent call last):
        ...
    ValueError: square.txt: the suffix of a player is one of .html, .htm
    """
    path, story = _told(y, path, (".html", ".htm"), "play", max_nodes)
    from scalargrad.graph.player.page import html

    write(path, html(story).encode())
    return path


def animate(y: Value, path: str | os.PathLike[str], *, seconds: float = 1.5, max_nodes: int = 400) -> Path:
    """Write the same steps as a moving picture, so many seconds for each, and return the path.

    An .svg moves wherever a browser shows it, also as an image in a README; whoever asks for less motion sees its end.
    A .gif takes resvg-py and Pillow, which the extras `draw` and `examples` bring, and raises RenderError without.
    Raises as `play` does besides, and ValueError unless seconds > 0.

    >>> animate(Value(3.0).sin(), "sin.mp4")
    Traceback (most recent call last):
        ...
    ValueError: sin.mp4: the suffix of a moving picture is one of .svg, .gif
    """
    if not 0 < seconds < float("inf"):
        raise ValueError(f"seconds is a number greater than 0, not {seconds!r}")
    path, story = _told(y, path, (".svg", ".gif"), "animate", max_nodes)
    from scalargrad.graph.player import animation

    write(
        path, animation.gif(story, seconds) if path.suffix.lower() == ".gif" else animation.svg(story, seconds).encode()
    )
    return path


def _told(
    y: Value, path: str | os.PathLike[str], suffixes: tuple[str, ...], name: str, max_nodes: int
) -> tuple[Path, Story]:
    if type(y) is not Value:
        raise TypeError(not_a_number(f"{name}(y, path) takes a Value", y))
    path = destination(path, suffixes, {"play": "a player", "animate": "a moving picture"}[name])
    from scalargrad.graph.again import follow_or_tell
    from scalargrad.graph.player.story import tell

    return path, tell(follow_or_tell(y), max_nodes, name)
