"""Loaded by a server under test that has this folder in its PYTHONPATH: its time limits pass fast."""

from mcp_errortracking.server import issue_updates
from mcp_errortracking.server.http import app, sse
from mcp_errortracking.server.http.protocol import TimedProtocol

app.DRAIN_SECONDS = 0.5
sse.PING_SECONDS = 0.2
TimedProtocol.stalled_seconds = 0.5
issue_updates._PAUSE = 0.1
