"""Pictures of what was recorded: `draw(y)` shows how y was computed, and how its gradient flows back."""

from scalargrad.graph.picture import Graph, draw

__all__ = ["Graph", "draw"]
