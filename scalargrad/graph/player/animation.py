"""A story as a moving picture: an SVG in which each thing is there from one step to another, or a GIF of its frames."""

import importlib
import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from scalargrad.errors import RenderError
from scalargrad.graph.dot import SHOWN_FONT
from scalargrad.graph.player.layout import Box, Line
from scalargrad.graph.player.story import Moment, Piece, Story
from scalargrad.graph.render import raster

__all__ = ["gif", "svg"]

_CHARACTER, _LINE = 0.61, 1.42  # width and height of a character below the drawing, in sizes of the font
_NARROWEST, _WIDE = 620.0, 1_000.0  # where the drawing is wider, what is said below is larger, as it is seen from afar
_COLOURS = 64  # of a GIF: its few, and those between them at the edges of letters

_STYLE = """\
text{font:11px FONT,monospace;text-anchor:middle;fill:#1b1f24;white-space:pre}
.page{fill:#fff}.box,.op{fill:#fff;stroke:#444}.input{fill:#d6e8f7}.constant{fill:#eee;stroke-dasharray:5 2}
.op{fill:#f9e2b8}.root{stroke-width:2.5}.later{fill:#fff;stroke:#6b747e;stroke-dasharray:2 3}
.edge{fill:none;stroke:#6b747e}.stopped{stroke-dasharray:5 2}.arrow{fill:#6b747e}.label{font-size:10px}
.none{fill:#57606a}.grad{fill:#a63f00}.said{font-size:SIZEpx;text-anchor:start}.head{font-weight:bold}
.forward{stroke:#0a58a8;fill:#d2e6fb}.backward{stroke:#a63f00;fill:#ffe3cc}
.turn{stroke-width:3}.touched{stroke-width:2}.on{fill:none;stroke-width:2.5}
.head.forward{stroke:none;fill:#0a58a8}.head.backward{stroke:none;fill:#a63f00}
"""
_DARK = """\
@media(prefers-color-scheme:dark){text{fill:#e8eaed}.page{fill:#14171c}.box{fill:#1b2026;stroke:#a9b2bc}
.op{fill:#574218;stroke:#a9b2bc}.input{fill:#1d3852}.constant{fill:#2a2f36}.later{fill:#14171c;stroke:#8b95a1}
.edge{fill:none;stroke:#8b95a1}.arrow{fill:#8b95a1}.none{fill:#a8b1bc}.grad{fill:#ffb072}
.forward{stroke:#7cc0ff;fill:#123a63}.backward{stroke:#ffb072;fill:#5a2f0c}.on{fill:none}
.head.forward{fill:#7cc0ff}.head.backward{fill:#ffb072}}
@media(prefers-reduced-motion:reduce){*{animation:none!important}}
"""


@dataclass(frozen=True, slots=True)
class _Thing:
    """A piece of markup, and the steps at which it is there."""

    markup: str
    steps: range


def svg(story: Story, seconds: float) -> str:
    """The story as an SVG that moves by itself, without a script, and again from the start when it is over.

    What cannot move, or is asked not to, shows the last step.
    """
    end = len(story.moments)
    whole, styles, body = range(end), {}, []
    for thing in _things(story):
        if thing.steps == whole:
            body.append(thing.markup)
            continue
        name = f"s{thing.steps.start}-{thing.steps.stop}"
        styles[name] = _keyframes(name, thing.steps, end, seconds)
        body.append(f'<g class="{name}">{thing.markup}</g>')
    return _document(story, _STYLE + _DARK + "\n".join(styles.values()), body)


def gif(story: Story, seconds: float) -> bytes:
    """The story as a GIF, a frame for each step. Raises RenderError where there is nothing to make one with."""
    try:
        image: Any = importlib.import_module("PIL.Image")
    except ImportError:
        raise RenderError(
            'a GIF takes Pillow, which is not here: pip install pillow (or "scalargrad-tape[examples]", which brings it '
            "with matplotlib), or save as .svg, which moves as well"
        ) from None
    things, frames = list(_things(story)), []
    for step in range(len(story.moments)):
        frame = _document(story, _STYLE, [thing.markup for thing in things if step in thing.steps])
        with image.open(io.BytesIO(raster(frame, 1.0))) as opened:
            frames.append(opened.convert("RGB").quantize(_COLOURS))
    durations = [round(1_000 * seconds)] * (len(frames) - 1) + [round(2_000 * seconds)]
    written = io.BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return written.getvalue()


def _keyframes(name: str, steps: range, end: int, seconds: float) -> str:
    """To be there at these steps and no others. The last step takes the time of two."""
    first, last = (f"{100 * step / (end + 1):.4g}%" for step in (steps.start, steps.stop))
    frames = "0%{opacity:0}" * (steps.start > 0) + f"{first}{{opacity:1}}" + f"{last}{{opacity:0}}" * (steps.stop < end)
    shown = int(steps.stop == end)
    style = f"opacity:{shown};animation:{name} {seconds * (end + 1):g}s step-end infinite"
    return f".{name}{{{style}}}@keyframes {name}{{{frames}}}"


def _document(story: Story, style: str, body: list[str]) -> str:
    width, height = _size(story)
    return (
        f'<svg width="{width:g}pt" height="{height:g}pt" viewBox="0 0 {width:g} {height:g}" '
        f'xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img">\n<title>{escape(story.title)}, step by step</title>\n'
        f"<style>\n{style.replace('FONT', repr(SHOWN_FONT)).replace('SIZE', f'{_font(story):g}')}</style>\n"
        f'<rect class="page" width="{width:g}" height="{height:g}"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _size(story: Story) -> tuple[float, float]:
    lines = max(len(_said(story, moment)) for moment in story.moments)
    return max(story.width, _NARROWEST), story.height + _LINE * _font(story) * (lines + 0.5)


def _font(story: Story) -> float:
    return round(12 * max(1.0, story.width / _WIDE), 1)


def _said(story: Story, moment: Moment) -> list[str]:
    """What there is to say at a step, the heading first, as lines that are not too long."""
    columns = int((max(story.width, _NARROWEST) - 40) / (_CHARACTER * _font(story)))
    return [line for text in (moment.heading, *moment.sentences) for line in textwrap.wrap(text, columns)]


def _things(story: Story) -> Iterator[_Thing]:
    """All that is drawn, the lowest first."""
    end, moments = len(story.moments), story.moments
    computed = {moment.piece: step for step, moment in enumerate(moments) if moment.phase == "forward"}

    for i, piece in enumerate(story.pieces):
        known = range(computed.get(i, 0), end)
        for arrow in piece.arrows:
            yield _Thing(_edge(arrow.line, "edge" if arrow.flows else "edge stopped"), range(end))
            if arrow.line.label:
                x, y = arrow.line.label
                yield _Thing(_text(x, y, arrow.derivative, "label"), known)
        if piece.stem:
            yield _Thing(_edge(piece.stem, "edge"), range(end))
        yield _Thing(_shapes(piece, "root" if i == story.root else ""), known)
        if known.start:
            yield _Thing(_shapes(piece, "later"), range(known.start))

    for step, moment in enumerate(moments):
        if moment.piece is not None:
            yield _Thing("".join(_turn(story, moment)), range(step, step + 1))

    gradients = _gradients(story)
    for i, piece in enumerate(story.pieces):
        left, top, width, height = piece.box
        x, y = left + width / 2, top + height / 2
        if piece.kind == "constant":
            yield _Thing(_text(x, y + 4, piece.text), range(end))
            continue
        known = range(computed.get(i, 0), end)
        yield _Thing(_text(x, y - 3, piece.text), known)
        if known.start:
            yield _Thing(_text(x, y - 3, piece.before, "none"), range(known.start))
        for text, style, steps in gradients[i]:
            yield _Thing(_text(x, y + 10, f"grad {text}", style), steps)
        if piece.ellipse:
            left, top, width, height = piece.ellipse
            yield _Thing(_text(left + width / 2, top + height / 2 + 4, piece.symbol), range(end))

    for step, moment in enumerate(moments):
        direction = _direction(story, step)
        said = [
            _text(20, story.height + _LINE * _font(story) * (k + 0.5), line, "said" if k else f"said head {direction}")
            for k, line in enumerate(_said(story, moment))
        ]
        yield _Thing("".join(said), range(step, step + 1))


def _direction(story: Story, step: int) -> str:
    return "backward" if any(moment.phase == "seed" for moment in story.moments[: step + 1]) else "forward"


def _gradients(story: Story) -> list[list[tuple[str, str, range]]]:
    """For each piece the texts of its gradient, how they look, and when they are there."""
    end = len(story.moments)
    found: list[list[tuple[str, str, int]]] = [[("not yet", "none", 0)] for _ in story.pieces]
    for step, moment in enumerate(story.moments):
        for gradient in moment.gradients:
            found[gradient.piece].append((gradient.text, "grad", step))
    for texts in found:
        if len(texts) == 1:
            texts.append(("not reached", "none", end - 1))
    return [
        [
            (text, style, range(start, stop))
            for (text, style, start), stop in zip(texts, [*[x[2] for x in texts[1:]], end])
        ]
        for texts in found
    ]


def _turn(story: Story, moment: Moment) -> Iterator[str]:
    """The piece that has its turn, what it takes from or gives to, and the edges between."""
    assert moment.piece is not None
    piece = story.pieces[moment.piece]
    direction = "forward" if moment.phase == "forward" else "backward"
    if moment.phase != "seed":
        for arrow in piece.arrows:
            operand = story.pieces[arrow.operand]
            if direction == "forward" or (arrow.flows and operand.kind != "constant"):
                yield _edge(arrow.line, f"on {direction}", arrows=False)
                yield _rectangle(operand, f"touched {direction}")
    yield _shapes(piece, f"turn {direction}")


def _shapes(piece: Piece, style: str) -> str:
    around = f"op {style}" if style != "root" else "op"
    return (_ellipse(piece.ellipse, around) if piece.ellipse else "") + _rectangle(piece, f"box {style}")


def _rectangle(piece: Piece, style: str) -> str:
    left, top, width, height = piece.box
    kind = "" if piece.kind == "result" else f" {piece.kind}"
    names = style if "forward" in style or "backward" in style else style + kind
    round_ = 10 if piece.kind == "input" else 2
    return (
        f'<rect class="{names.strip()}" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="{round_}"/>'
    )


def _ellipse(box: Box, style: str) -> str:
    left, top, width, height = box
    x, y = left + width / 2, top + height / 2
    return f'<ellipse class="{style.strip()}" cx="{x:g}" cy="{y:g}" rx="{width / 2:g}" ry="{height / 2:g}"/>'


def _edge(line: Line, style: str, arrows: bool = True) -> str:
    numbers = [f"{number:g}" for number in line.curve]
    path = f'<path class="{style}" d="M{" ".join(numbers[:2])}C{" ".join(numbers[2:])}"/>'
    corners = " ".join(f"{number:g}" for number in line.arrow)
    return path + (f'<polygon class="arrow" points="{corners}"/>' if corners and arrows else "")


def _text(x: float, y: float, text: str, style: str = "") -> str:
    names = f' class="{style}"' if style else ""
    return f'<text{names} x="{x:g}" y="{y:g}">{escape(text, quote=False)}</text>'
