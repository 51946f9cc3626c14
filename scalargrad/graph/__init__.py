"""What was recorded, shown: as a picture (`draw`), as the story of its backward pass (`trace`), and why (`explain`)."""

from scalargrad.graph.explain import explain
from scalargrad.graph.picture import Graph, draw
from scalargrad.graph.trace import trace

__all__ = ["Graph", "draw", "explain", "trace"]
