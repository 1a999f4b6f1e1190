"""The cost of an idle SSE session, beside a named peer in one run:

python -m benchmarks.sessions [--sessions N]

Every session is a real one: its stream is open, and the handshake of the protocol went over it.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.speed import environment, upstream


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _started(command: list[str], url: str, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=environment(url), stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while time.monotonic() - began < 20:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    raise SystemExit(f"does not listen: {' '.join(command)}")


def _until(stream: socket.socket, wanted: bytes) -> re.Match[bytes]:
    got = b""
    while not (found := re.search(wanted, got)):
        part = stream.recv(65536)
        if not part:
            raise SystemExit(f"the stream ended: {got!r}")
        got += part
    return found


def _session(port: int, http: httpx.Client) -> socket.socket:
    """An open stream, over which the handshake went."""
    base = f"http://127.0.0.1:{port}"
    stream = socket.create_connection(("127.0.0.1", port), timeout=20)
    stream.sendall(f"GET /sse HTTP/1.1\r\nHost: {urlsplit(base).netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
    found = _until(stream, rb"data: (\S+)\s")
    path = found[1].decode()
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    }
    first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    http.post(base + path, json=first).raise_for_status()
    _until(stream, b"serverInfo")
    http.post(base + path, json={"jsonrpc": "2.0", "method": "notifications/initialized"}).raise_for_status()
    return stream


def cost(command: list[str], url: str, port: int, sessions: int) -> float:
    """KB of the server's resident memory for one idle session."""
    process = _started(command, url, port)
    try:
        with httpx.Client(timeout=20) as http:
            warm = [_session(port, http) for _ in range(20)]
            memory = psutil.Process(process.pid).memory_info
            before = memory().rss
            open_now = [_session(port, http) for _ in range(sessions)]
            grown = memory().rss - before
            for stream in warm + open_now:
                stream.close()
        return grown / sessions / 1000
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=500)
    sessions = parser.parse_args().sessions
    ours, peer = _free_port(), _free_port()
    with upstream() as url:
        os.environ["PEER_PORT"] = str(peer)
        own = [sys.executable, "-m", "mcp_errortracking", "serve", "--transport", "sse", "--port", str(ours)]
        own += ["--max-sessions", str(4 * sessions)]  # no caller may have more than half of them
        mine = cost(own, url, ours, sessions)
        theirs = cost([sys.executable, "-m", "benchmarks.peer", "sse"], url, peer, sessions)
    print(f"| KB for one of {sessions} idle SSE sessions | mcp_errortracking | sdk-minimal | ratio |")
    print("| --- | ---: | ---: | ---: |")
    print(f"| resident memory | {mine:.0f} | {theirs:.0f} | {mine / theirs:.2f} |")


if __name__ == "__main__":
    main()
