"""The stdio transport as a client meets it: framing, endings, and what must never be on stdout."""

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.server.stdio_process import KEY, GatedUpstream, list_rules, served

_PIPE = 2**16  # bytes that a pipe holds


def test_calls_in_flight_are_answered_when_stdin_ends() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(1), list_rules(2))
        upstream.arrived.acquire(timeout=20)
        upstream.arrived.acquire(timeout=20)
        assert server.process.stdin
        server.process.stdin.close()
        upstream.gate.set()

        answers = [server.receive(), server.receive()]

        assert {answer["id"] for answer in answers} == {1, 2}
        assert all(answer["result"]["structuredContent"]["count"] == 0 for answer in answers)
        assert server.process.wait(20) == 0


def test_a_client_that_reads_late_gets_every_answer() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        upstream.gate.set()
        server.open()
        server.send(*(list_rules(number) for number in range(400)))
        assert server.process.stdin
        server.process.stdin.close()

        answers = [server.receive() for _ in range(400)]

    assert {answer["id"] for answer in answers} == set(range(400))
    assert len(json.dumps(answers)) > _PIPE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_calls_in_flight_are_answered_after_a_signal(number: signal.Signals) -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(1))
        upstream.arrived.acquire(timeout=20)
        server.process.send_signal(number)
        upstream.gate.set()

        answer = server.receive()
        rest, log, code = server.wait()

    assert (answer["id"], answer["result"]["isError"]) == (1, False)
    assert (rest, code) == (b"", 0)
    assert b"Traceback" not in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_server_at_once(number: signal.Signals) -> None:
    with served() as server:
        server.open()
        server.process.send_signal(number)

        _, log, code = server.wait()

    assert code == 0
    assert b"Traceback" not in log


def test_a_second_signal_does_not_wait_for_calls() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(1))
        upstream.arrived.acquire(timeout=20)
        server.process.send_signal(signal.SIGTERM)
        with suppress(BrokenPipeError):  # not read any more; the pipe may be closed already
            server.send({"jsonrpc": "2.0", "id": 9, "method": "ping"})
        server.process.send_signal(signal.SIGINT)

        out, _, code = server.wait()

    assert out == b""
    assert code in (0, 130)


def test_a_cancelled_call_is_not_answered_and_its_request_is_dropped() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(1))
        upstream.arrived.acquire(timeout=20)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        server.send(cancelled, {"jsonrpc": "2.0", "id": 2, "method": "ping"})

        assert server.receive()["id"] == 2
        assert upstream.abandoned.acquire(timeout=20)
        out, _, code = server.finish()

    assert (out, code) == (b"", 0)


def test_lines_that_are_no_messages_are_answered_as_such() -> None:
    with served() as server:
        server.open()
        server.send(b"{not json", b'{"id": 7}', b"[]", b"", b'"x"')

        errors = [server.receive() for _ in range(4)]

        assert [(error["id"], error["error"]["code"]) for error in errors] == [
            (None, -32700),
            (7, -32600),
            (None, -32600),
            (None, -32600),
        ]
        server.send({"jsonrpc": "2.0", "id": 8, "method": "ping"})
        assert server.receive() == {"jsonrpc": "2.0", "id": 8, "result": {}}


def test_a_line_beyond_the_limit_is_skipped_and_the_next_one_is_read() -> None:
    with served() as server:
        server.open()
        server.send(b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * (17 << 20) + b'"}')
        error = server.receive()
        server.send({"jsonrpc": "2.0", "id": 2, "method": "ping"})

        assert (error["id"], error["error"]["code"]) == (1, -32600)
        assert server.receive()["id"] == 2


def test_the_last_line_needs_no_line_break() -> None:
    with served() as server:
        server.open()
        assert server.process.stdin
        server.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 3, "method": "ping"}).encode())

        out, _, code = server.finish()

    assert json.loads(out)["id"] == 3
    assert code == 0


def test_stdin_that_is_a_file_is_served_too(tmp_path: object) -> None:
    with open(f"{tmp_path}/empty", "w+b") as empty:
        done = subprocess.run(
            [sys.executable, "-m", "mcp_errortracking"], stdin=empty, capture_output=True, timeout=30, check=False
        )

    assert (done.returncode, done.stdout) == (0, b"")
    assert b"Traceback" not in done.stderr


def test_files_get_the_same_checks_as_pipes(tmp_path: Path) -> None:
    lines: list[Any] = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {"a": "x" * (5 << 20)}},
        {"jsonrpc": "2.0", "id": 3, "method": "ping"},
    ]
    requests, answers = tmp_path / "requests", tmp_path / "answers"
    requests.write_text("\n".join(map(json.dumps, lines)))
    with requests.open("rb") as stdin, answers.open("wb") as stdout:
        command = [sys.executable, "-m", "mcp_errortracking"]
        done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=30, check=False)

    found = [json.loads(line) for line in answers.read_text().splitlines()]
    assert {(one["id"], one.get("error", {}).get("code")) for one in found} == {
        (1, None),
        (None, -32600),
        (2, -32600),
        (3, None),
    }
    assert len(found) == 4
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize(("closed", "name"), [("<&-", b"stdin"), (">&-", b"stdout")])
def test_without_stdin_or_stdout_it_does_not_start(closed: str, name: bytes) -> None:
    command = ["sh", "-c", f'exec "$0" -m mcp_errortracking {closed}', sys.executable]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)

    assert done.returncode != 0
    assert name + b" is closed, so no MCP client can be served" in done.stderr
    assert (done.stdout, b"Traceback" in done.stderr) == (b"", False)


COPIED = """
import asyncio, sys
from mcp_errortracking.server import stdio

def unavailable(*_):
    raise NotImplementedError

stdio.is_pipe = lambda descriptor: False
for name in ("add_signal_handler", "remove_signal_handler"):
    setattr(asyncio.SelectorEventLoop, name, unavailable)
from mcp_errortracking.cli.main import main
sys.exit(main([]))
"""
"""The server where event loops handle neither pipes nor signals, as on Windows."""


@pytest.mark.parametrize("by_signal", [False, True])
def test_where_pipes_are_copied_messages_get_the_same_checks(by_signal: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COPIED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        for sent, expected in (
            ({"id": None, "method": "ping"}, (None, -32600)),
            ({"id": 2, "method": "ping", "params": {"a": "x" * (5 << 20)}}, (2, -32600)),
            ({"id": 3, "method": "ping"}, (3, None)),
        ):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **sent}).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert (answer["id"], answer.get("error", {}).get("code")) == expected
        if by_signal:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        out, log = process.communicate(timeout=30)

    assert (process.returncode, out, b"Traceback" in log) == (0, b"", False)


def test_in_a_terminal_it_says_what_it_waits_for_and_ctrl_c_ends_it() -> None:
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "mcp_errortracking", "--log-level", "info"]
        with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stderr
            assert b"Waiting for an MCP client" in process.stderr.readline()
            assert b"PostHog at https://us.posthog.com" in process.stderr.readline()
            while process.poll() is None:  # the handler is installed a moment after the line is logged
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            log = process.stderr.read()
    finally:
        os.close(ours)
        os.close(theirs)

    assert b"Traceback" not in log


def test_an_unknown_tool_is_a_protocol_error_with_near_names() -> None:
    with served() as server:
        server.open()
        call = {"name": "error-tracking-fingerprint-list", "arguments": {}}
        server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})

        error = server.receive()["error"]

    assert error["code"] == -32602
    assert "error-tracking-fingerprints-list" in error["message"]


def test_the_debug_log_shows_requests_but_no_arguments() -> None:
    with GatedUpstream() as upstream, served("--log-level", "debug", upstream=upstream.url) as server:
        upstream.gate.set()
        server.open()
        call = list_rules(1)
        call["params"]["arguments"] = {"limit": 4711}
        server.send(call)
        assert server.receive()["id"] == 1
        _, log, _ = server.finish()

    assert b"DEBUG: GET error_tracking/assignment_rules/: 200 after " in log
    assert b"4711" not in log
    assert KEY.encode() not in log


def test_the_log_and_stdout_never_hold_the_key() -> None:
    with served("--log-level", "debug") as server:
        server.open()
        server.send(list_rules(1))
        answer = server.receive()
        out, log, _ = server.finish()

    assert answer["result"]["isError"]
    assert KEY.encode() not in json.dumps(answer).encode() + out + log
