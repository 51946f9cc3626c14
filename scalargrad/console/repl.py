"""The REPL: IPython where it is installed, else Python's standard console, with everything imported.

After each input, the Values in it that were assigned to variables get the variables' names as labels.
"""

import code
import importlib
import sys
from types import CodeType
from typing import Any

import scalargrad
from scalargrad.engine import ENGINE

__all__ = ["namespace", "open_repl"]


def open_repl() -> int:
    """Run a REPL until it is left, and return the exit status."""
    try:
        ipython = importlib.import_module("IPython.terminal.ipapp")
    except ImportError:
        ipython = None
    if ipython is None:  # not within the except clause, or each error in the REPL would be shown as caused by it
        _standard(namespace())
    else:
        _ipython(ipython.TerminalIPythonApp, namespace())
    return 0


def namespace() -> dict[str, Any]:
    """The names that a REPL starts with: all of scalargrad's, `draw` and `nn`.

    >>> namespace()["sigmoid"] is scalargrad.sigmoid
    True
    """
    names = {name: getattr(scalargrad, name) for name in scalargrad.__all__}
    graph, nn = map(importlib.import_module, ("scalargrad.graph", "scalargrad.nn"))  # which the command has no use for
    return {"scalargrad": scalargrad, **names, "draw": graph.draw, "nn": nn}


def _banner() -> str:
    return (
        f"scalargrad {scalargrad.__version__}, {ENGINE} engine. Everything is imported: Value, sigmoid, draw, nn …\n"
        "Try:  x = Value(3.0); y = x**2 + sin(x); y.backward(); x.grad"
    )


class _Console(code.InteractiveConsole):
    def runcode(self, code: CodeType) -> None:
        super().runcode(code)
        scalargrad.label(self.locals)


def _standard(names: dict[str, Any]) -> None:
    console = _Console({"__name__": "__console__", **names})
    if sys.stdin.isatty():
        _complete_by_tab(console.locals)
    console.interact(banner=_banner(), exitmsg="")


def _complete_by_tab(names: dict[str, Any]) -> None:
    try:
        import readline
        import rlcompleter
    except ImportError:  # on Windows
        return
    readline.set_completer(rlcompleter.Completer(names).complete)
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")


def _ipython(application: Any, names: dict[str, Any]) -> None:
    app = application.instance(user_ns=names)
    app.config.TerminalInteractiveShell.banner1 = _banner() + "\n"
    app.initialize([])
    app.shell.events.register("post_run_cell", lambda _: scalargrad.label(app.shell.user_ns))
    app.start()
