"""The memory and the CPU of importing what a server imports, package by package:

    python -m benchmarks.loaded MODULES ...

This is the process that `benchmarks.memory` measures: it imports the modules of one argument after the other, separated
by commas; after each it prints its CPU time in seconds, and waits for a line.
"""

import sys
import time
from importlib import import_module


def main() -> None:
    """Import the groups."""
    for group in ["", *sys.argv[1:]]:
        for name in filter(None, group.split(",")):
            import_module(name)
        print(time.process_time(), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
