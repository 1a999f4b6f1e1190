"""The identity of a process, by which another can find out that it ended.

It is known on Linux: the boot, the namespace of process ids, the id, and the start, since ids are used again. Elsewhere
it is empty, and nothing is known of it.
"""

import os
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_START = 19
"""Place of the start in /proc/<id>/stat, after the name of the program; the state is the first."""
_ENDED = ("Z", "X", "x")


@cache
def _of_system() -> str:
    """Return what all processes have in common that see each other; empty if it is not known."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except (OSError, ValueError, AttributeError):
        return ""


def this_process() -> str:
    """Return the identity of this process; empty if it is not known."""
    number = os.getpid()
    start = _start_of(number)
    return f"{system}/{number}/{start}" if (system := _of_system()) and start else ""


def has_ended(identity: object) -> bool:
    """True if it is certain that a process has ended."""
    system = _of_system()
    if not system or not isinstance(identity, str):
        return False
    rest, _, start = identity.rpartition("/")
    seen, _, number = rest.rpartition("/")
    if seen != system or not (number.isascii() and number.isdigit() and len(number) < 10):
        return False
    return _start_of(int(number)) != start


def _start_of(number: int) -> str:
    """Return when a running process started, in ticks since the boot; empty if there is none of this id."""
    try:
        facts = (_PROC / str(number) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return facts[_START] if len(facts) > _START and facts[0] not in _ENDED else ""
