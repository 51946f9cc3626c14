"""What was recorded, shown.

`draw` makes a picture of it, `trace` tells the story of its backward pass, `explain` why a gradient is what it is, and
`play` and `animate` step through it all.
"""

from scalargrad.graph.explain import explain
from scalargrad.graph.picture import Graph, draw
from scalargrad.graph.player import animate, play
from scalargrad.graph.trace import trace

__all__ = ["Graph", "animate", "draw", "explain", "play", "trace"]
