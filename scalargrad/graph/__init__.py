"""What was recorded, shown: `draw(y)` as a picture, `trace(y)` as the story of its backward pass."""

from scalargrad.graph.picture import Graph, draw
from scalargrad.graph.trace import trace

__all__ = ["Graph", "draw", "trace"]
