"""What Hypothesis calls when it is imported (entry point `hypothesis`), so that it knows Values.

It stands outside of the package, so that a scalargrad that cannot be imported does not break `import hypothesis`.
"""


def register() -> None:
    """Let `st.from_type(Value)` and `@given(v=infer)` work; the strategies are loaded when they are asked for."""
    try:
        from scalargrad.engine import Value
    except Exception:  # it says why where it is itself imported, not in the tests of other people
        return
    from hypothesis import strategies as st

    st.register_type_strategy(Value, lambda _: _values())


def _values() -> object:
    from scalargrad.testing.strategies import values

    return values()
