from concurrent.futures import ThreadPoolExecutor

import pytest

collect_ignore = ["jax_reference.py"]  # it needs JAX, which the tests do not


@pytest.fixture
def elsewhere():
    """A function that does some work in a thread of its own, and hands back the result or raises the exception."""

    def do(work):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()

    return do
