collect_ignore = ["jax_reference.py"]  # it needs JAX, which the tests do not
