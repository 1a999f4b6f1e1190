"""Work counted in steps of the interpreter: the same on every machine, and however busy it is."""

import gc
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def count_calls(function: Callable[[], Any]) -> int:
    """Return how many functions a call enters, Python's and C's."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    with _no_collection():
        sys.setprofile(note)
        try:
            function()
        finally:
            sys.setprofile(before)
    return count


def count_steps(function: Callable[[], Any]) -> int:
    """Return how many instructions of Python bytecode a call takes; what C code does in one is not counted."""
    steps = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    with _no_collection():
        sys.settrace(trace)
        try:
            function()
        finally:
            sys.settrace(before)
    return steps


@contextmanager
def _no_collection() -> Generator[None]:
    """Keep the garbage collector off: a collection runs callbacks (Hypothesis adds one) that would be counted."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
