"""What was recorded, shown: `draw(y)` as a picture, `trace(y)` as the story of its backward pass, `play(y, path)` both."""

from scalargrad.graph.picture import Graph, draw
from scalargrad.graph.player import animate, play
from scalargrad.graph.trace import trace

__all__ = ["Graph", "animate", "draw", "play", "trace"]
