"""A story as one HTML file: the page, its style and its script, and the story as JSON.

The file asks the network for nothing, and could not: its Content-Security-Policy allows this one script and this one
style, by their hashes, and nothing else. The script makes text of the story's texts, never markup.
"""

import json
import re
from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from html import escape
from pathlib import Path

from scalargrad.graph.player.story import Story

__all__ = ["html"]

_FOLDER = Path(__file__).parent
_SCRIPTS = ("story.js", "places.js", "drawing.js", "panel.js", "search.js", "player.js")
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}  # all else that could act is not ASCII, and JSON escapes that


def html(story: Story) -> str:
    """The page, complete."""
    style, script = _read("player.css"), _script()
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",  # no text can be read as markup, not even by mistake
    }
    parts = {
        "policy": escape("; ".join(f"{key} {value}" for key, value in policy.items()), quote=False),
        "title": escape(story.title),
        "style": style,
        "script": script,
        "story": _json(story),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("player.html"))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _script() -> str:
    """The files as one, with one scope that is no other's."""
    return '"use strict";\n(() => {\n' + "\n".join(map(_read, _SCRIPTS)) + "})();\n"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(story: Story) -> str:
    """As JSON that cannot end the element that it stands in."""
    return json.dumps(asdict(story), allow_nan=False, separators=(",", ":")).translate(_UNSAFE)
