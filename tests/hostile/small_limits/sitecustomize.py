"""Loaded by a server under test that has this folder in its PYTHONPATH, with the limits that its environment names.

`TEST_SECONDS`: every limit on the time of a connection. `TEST_DESCRIPTORS`: files that may be open.
"""

import functools
import os
import resource

from mcp_errortracking import asgi
from mcp_errortracking.server.http import serving
from mcp_errortracking.server.http.protocol import TimedProtocol

if "TEST_DESCRIPTORS" in os.environ:
    number = int(os.environ["TEST_DESCRIPTORS"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

if "TEST_SECONDS" in os.environ:
    seconds = float(os.environ["TEST_SECONDS"])
    for limit in ("header_seconds", "idle_seconds", "stalled_seconds", "linger_seconds"):
        setattr(TimedProtocol, limit, seconds)
    asgi.HttpLimits = functools.partial(asgi.HttpLimits, body_time=seconds)  # pyright: ignore
    serving.GRACE_SECONDS = seconds  # pyright: ignore
