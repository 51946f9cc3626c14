"""What was compiled, kept in a directory by the content of the code. Off unless `SCALARGRAD_CACHE` names one.

A file that is damaged, foreign or not ours alone is as good as none. What is read is machine code that will be run, so
nothing is read that somebody else could have written; nothing is unpickled.
"""

import hashlib
import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from scalargrad.program.code import Code

__all__ = ["content", "kept"]

_MAGIC = b"scalargrad object 1\n"
_HEAD = len(_MAGIC) + 32 + 32  # then the key, and a sum of all that follows


def content(code: Code) -> bytes:
    """All that a Code computes, as 32 bytes: equal ones have equal content, whatever lines they come from."""
    sums = hashlib.sha256()
    sums.update(repr((code.inputs, code.shared, code.outputs)).encode())
    sums.update(struct.pack(f"<{len(code.constants)}d", *code.constants))
    sums.update(repr([(row.rule.name, row.operands, row.quiet) for row in code.rows]).encode())
    sums.update(repr([(guard.number, float(guard.expected).hex()) for guard in code.guards]).encode())
    return sums.digest()


def kept(key: bytes, make: Callable[[], bytes]) -> bytes:
    """What `make` makes, or what it made before under this key of 32 bytes."""
    directory = os.environ.get("SCALARGRAD_CACHE")
    if not directory:
        return make()
    path = Path(directory, f"{key.hex()}.object")
    found = _read(path, key)
    if found is None:
        found = make()
        _write(path, key, found)
    return found


def _read(path: Path, key: bytes) -> bytes | None:
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & 0o022):
                return None
            text = file.read()
    except OSError:
        return None
    body = text[_HEAD:]
    return body if text[:_HEAD] == _MAGIC + key + hashlib.sha256(body).digest() else None


def _write(path: Path, key: bytes, body: bytes) -> None:
    """Keep it, if that can be: at once as a whole, for ourselves."""
    temporary = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")  # of mode 0600
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + key + hashlib.sha256(body).digest() + body)
        os.replace(temporary, path)
    except OSError:  # a full disk, a directory that is not ours to write: it is only a cache
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
