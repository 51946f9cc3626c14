"""Side-by-side measurements of scalargrad and its peers. `SCALARGRAD_BUILD=native pip install -e ".[bench]"`, then `python -m benchmarks`.

A new problem is one function on generic numbers in problems.py, a new peer one small file in peers/.
"""
