"""The verdicts of `symbolic`, whose Rust code PostHog reads maps with. Runs in an environment that has it.

Reads paths of maps, one a line, and prints a line for each: 1 if the map is read, 0 if it is refused.
"""

import sys
from pathlib import Path

from symbolic.exceptions import SymbolicError  # type: ignore[import-not-found]
from symbolic.sourcemapcache import SourceMapCache  # type: ignore[import-not-found]


def main() -> None:
    for line in sys.stdin:
        try:
            SourceMapCache.from_bytes(b"", Path(line.rstrip("\n")).read_bytes())
        except SymbolicError:
            print(0)
        else:
            print(1)


if __name__ == "__main__":
    main()
