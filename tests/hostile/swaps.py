"""A process that swaps two entries of a folder again and again:

python swaps.py PATH OTHER_PATH
"""

import ctypes
import os
import sys

_RENAMEAT2 = getattr(ctypes.CDLL(None), "renameat2", None)
_HERE, _EXCHANGE = -100, 2


def exchange(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> None:
    """Swaps two entries; in one step where the system can."""
    if _RENAMEAT2 and not _RENAMEAT2(_HERE, os.fsencode(path), _HERE, os.fsencode(other), _EXCHANGE):
        return
    aside = f"{os.fspath(path)}.aside"
    os.rename(path, aside)
    os.rename(other, path)
    os.rename(aside, other)


if __name__ == "__main__":
    print("ready", flush=True)
    while True:
        exchange(sys.argv[1], sys.argv[2])
