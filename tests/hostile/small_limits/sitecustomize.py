"""Loaded by a server under test that has this folder in its PYTHONPATH, with the limits that its environment names.

`TEST_SECONDS`: every limit on the time of a connection. `TEST_DESCRIPTORS`: files that may be open.
"""

import functools
import os
import sys

if "TEST_DESCRIPTORS" in os.environ:
    import resource

    number = int(os.environ["TEST_DESCRIPTORS"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


class _Limits:
    """Sets the limits when the app is about to be imported."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name != "mcp_errortracking.asgi" or "TEST_SECONDS" not in os.environ:
            return
        from mcp_errortracking.server.http import serving, slots
        from mcp_errortracking.server.http.protocol import TimedProtocol

        seconds = float(os.environ["TEST_SECONDS"])
        for limit in ("header_seconds", "idle_seconds", "stalled_seconds", "linger_seconds"):
            setattr(TimedProtocol, limit, seconds)
        slots.HttpLimits = functools.partial(slots.HttpLimits, body_time=seconds)  # pyright: ignore
        serving.GRACE_SECONDS = seconds  # pyright: ignore


sys.meta_path.insert(0, _Limits())  # pyright: ignore[reportArgumentType]
