"""Files that appear complete or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

__all__ = ["destination", "write"]


def destination(path: str | os.PathLike[str], suffixes: Sequence[str] = (), kind: str = "a file") -> Path:
    """The path, if its directory is there and its suffix one of these, if any. Raises OSError and ValueError.

    >>> destination("y.txt", [".html", ".htm"], "a player")
    Traceback (most recent call last):
        ...
    ValueError: y.txt: the suffix of a player is one of .html, .htm
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no directory {path.parent}")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"{path}: the suffix of {kind} is one of {', '.join(suffixes)}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a file in it")
    return path


def write(path: Path, content: bytes) -> None:
    """Write all of it or nothing: into a new file next to it, which then takes its name."""
    unfinished = path.with_name(f".{uuid4()}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
