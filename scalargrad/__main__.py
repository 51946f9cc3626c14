"""python -m scalargrad: see scalargrad.console."""

import sys

from scalargrad.console import main

if __name__ == "__main__":
    sys.exit(main())
