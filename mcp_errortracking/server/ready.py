"""Answers to a client's first requests, ready before the MCP SDK is imported, which takes most of a start.

The answers to `initialize`, `server/discover` and `tools/list` are constants of a version and a selection of tools, on
file in `ready.json`: what the SDK answers, written by `python -m mcp_errortracking.server.ready_file`. Only requests of
the usual form are answered here. The first other message, and all that follow, are left to the SDK.
"""

import json
import os
import selectors
import signal
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_errortracking.server.pipes import is_pipe
from mcp_errortracking.server.selection import OfferedTools, can_run
from mcp_errortracking.server.tool_list import listed_tools
from mcp_errortracking.system.stop_signals import STOP_SIGNALS

if TYPE_CHECKING:
    from mcp_errortracking.server.confirmation.argument import Mode

READY = Path(__file__).with_name("ready.json")
_MOST_REPLAYED = 10
_MAX_LINE = 16 * 1024
_MAX_BRACKETS = 100
_MAX_ID = 1000
_MAX_TOOLS = 100
"""Tools in one page of tools/list."""
_PIECE = 64 * 1024
_META = tuple(f"io.modelcontextprotocol/{name}" for name in ("protocolVersion", "clientInfo", "clientCapabilities"))
"""The keys in `_meta` that a request of the 2026 era has."""
_CLIENT = {"name", "version", "title", "description", "websiteUrl"}
_CAPABILITIES: dict[str, tuple[Any, ...]] = {
    "roots": ({}, {"listChanged": True}, {"listChanged": False}),
    "sampling": ({}, {"context": {}}, {"tools": {}}, {"context": {}, "tools": {}}),
    "elicitation": ({}, {"form": {}}, {"url": {}}, {"form": {}, "url": {}}),
}
"""The usual values of a client's capabilities."""


@dataclass(frozen=True, slots=True)
class ReadyTool:
    """A tool, as far as it is chosen by."""

    tool: str
    toolset: str
    in_default: bool
    read_only: bool
    scopes: tuple[str, ...]
    needs_files: bool
    needs_journal: bool


@dataclass(slots=True)
class Opening:
    """The beginning of a session, before the SDK serves it."""

    replayed: list[bytes] = field(default_factory=list[bytes])
    """Messages that are dealt with, but that the SDK must see: they open its session."""
    unread: bytes = b""
    """Input that was received and not dealt with."""
    unsent: bytes = b""
    """Output that the client has not taken."""
    stopped: bool = False
    """True if a signal asks to stop."""

    @property
    def is_over(self) -> bool:
        """True if the session is to end and nothing is left to do."""
        return self.stopped and not self.unread and not self.unsent


class ReadyAnswers:
    """The answers of one server, to one client.

    Args:
        with_files: the server has folders to work on.
        with_journal: the server keeps a journal of changes.
        scopes: those of the key; None if PostHog is to be asked for them: the SDK's path then lists the tools.
        confirm: the tools whose calls are confirmed, see `listed_tools`.
        selection: the toolsets, the tools, what is excluded and `read_only`, see `OfferedTools`.

    Raises:
        SelectionError: a name is unknown, or no tool is left.
    """

    def __init__(
        self,
        *,
        with_files: bool,
        with_journal: bool,
        scopes: Collection[str] | None,
        confirm: "Mode" = "never",
        **selection: Any,
    ) -> None:
        self._on_file: dict[str, Any] = json.loads(READY.read_text("utf-8"))
        rows = {name: ReadyTool(name, **row) for name, row in self._on_file["tools"].items()}
        endpoints = {name: row for name, row in rows.items() if name not in self._on_file["workflows"]}
        workflows = [
            row
            for row in map(rows.__getitem__, self._on_file["workflows"])
            if can_run(row, with_files=with_files, with_journal=with_journal)
        ]
        toolsets = {name: tuple(tools) for name, tools in self._on_file["toolsets"].items()}
        self._offered = OfferedTools(endpoints, toolsets, self._on_file["aliases"], workflows, **selection)
        self._scopes = scopes
        self._confirm: Mode = confirm
        self._version: str | None = None
        """The protocol version of the session; None before its first request."""

    def answer(self, line: bytes) -> bytes | None:
        """Return the answer to a message, empty for a notification; None if the SDK must answer.

        After that, it must answer all further messages too.
        """
        message = _read_message(line)
        if message is None or message.pop("jsonrpc", None) != "2.0":
            return None
        method, params = message.pop("method", None), message.pop("params", {})
        if method == "notifications/initialized":
            return b"" if not message and params == {} and self._version in self._on_file["initialize"] else None
        request_id = message.pop("id", None)
        if message or not _is_plain_id(request_id):
            return None
        result = self._result(method, params)
        if result is None:
            return None
        answer = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _result(self, method: Any, params: Any) -> dict[str, Any] | None:
        if method == "initialize":
            version = _offered_version(params)
            if self._version is not None or version not in self._on_file["initialize"]:
                return None
            self._version = version
            return self._on_file["initialize"][version]
        modern = _modern_version(params)
        if modern is None:
            usual = params == {} and self._version in self._on_file["initialize"]
            return self._tools({}) if method == "tools/list" and usual else None
        if modern not in self._on_file["discover"] or self._version not in (None, modern):
            return None
        result = None
        if method == "server/discover":
            result = self._on_file["discover"][modern]
        elif method == "tools/list":
            result = self._tools(self._on_file["tools/list"][modern])
        if result is not None:
            self._version = modern
        return result

    def _tools(self, rest: dict[str, Any]) -> dict[str, Any] | None:
        names = [] if self._scopes is None else self._offered.names_for(self._scopes)
        return (
            None
            if self._scopes is None or len(names) > _MAX_TOOLS
            else {"tools": listed_tools(names, self._confirm), **rest}
        )


def open_session(answers: ReadyAnswers, prepare: Callable[[], None]) -> Opening:
    """Answer messages on stdin while `prepare` runs in a thread, and return what the SDK must know to go on.

    It ends when `prepare` has ended, and before that waits for it at the first message without a ready answer and at
    the end of stdin. Nothing is answered if stdin or stdout is not a pipe. A signal that asks to stop is left to the
    event loop, which finds it in the opening; it does not wait for `prepare` if there is nothing to do before.
    """
    opening = Opening()
    woken, wake = os.pipe()
    waiting = True

    def run() -> None:
        with suppress(Exception):  # the caller imports it again, and reports that
            prepare()
        os.write(wake, b".")

    def stop(*_: object) -> None:
        if opening.stopped:
            os._exit(130)
        opening.stopped = True
        if waiting:
            os.write(wake, b".")

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    thread = threading.Thread(target=run, name="import")
    thread.start()
    if is_pipe(0) and is_pipe(1):
        os.set_blocking(1, False)  # as it will be in the event loop
        with selectors.DefaultSelector() as selector:  # unlike `select`, it takes descriptors of any number
            selector.register(0, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while woken not in (key.fd for key, _ in selector.select()):
                if not _answer_input(answers, opening):
                    break
    if opening.is_over:
        return opening
    thread.join()
    waiting = False
    os.close(woken)
    os.close(wake)
    return opening


def _answer_input(answers: ReadyAnswers, opening: Opening) -> bool:
    """Read from stdin and answer what has arrived. Return False if the SDK must go on."""
    try:
        received = os.read(0, _PIECE)
    except BlockingIOError:  # another process that has the pipe too was faster
        return True
    opening.unread += received
    while b"\n" in opening.unread:
        line, _, rest = opening.unread.partition(b"\n")
        answer = answers.answer(line)
        if answer is None or len(opening.replayed) == _MOST_REPLAYED:
            return False
        opening.unread = rest
        if not answer or not opening.replayed:
            opening.replayed.append(line)
        opening.unsent = _write(answer)
        if opening.unsent:
            return False
    return bool(received) and len(opening.unread) <= _MAX_LINE


def _write(answer: bytes) -> bytes:
    """Write to stdout, and return what it does not take at once."""
    try:
        while answer:
            answer = answer[os.write(1, answer) :]
    except BlockingIOError:
        return answer
    except OSError:  # closed: the event loop finds that out too
        return answer
    return b""


def _read_message(line: bytes) -> dict[str, Any] | None:
    """Return the object in a line; None for one with anything that JSON parsers read in different ways."""
    if len(line) > _MAX_LINE or b"\\u" in line or line.count(b"{") + line.count(b"[") > _MAX_BRACKETS:
        return None
    try:
        message = json.loads(line.decode(), parse_constant=_refuse, object_pairs_hook=_unique)
    except ValueError:
        return None
    return cast("dict[str, Any]", message) if isinstance(message, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _is_plain_id(request_id: Any) -> bool:
    if isinstance(request_id, str):
        return len(request_id) <= _MAX_ID
    return type(request_id) is int and abs(request_id) < 2**53


def _offered_version(params: Any) -> str | None:
    """Return the protocol version of an `initialize`; None if its parameters are not of the usual form."""
    if not _has_keys(params, {"protocolVersion", "capabilities", "clientInfo"}):
        return None
    version = params["protocolVersion"]
    usual = isinstance(version, str) and _is_client(params["clientInfo"], params["capabilities"])
    return version if usual else None


def _modern_version(params: Any) -> str | None:
    """Return the protocol version of a request of the 2026 era without arguments; None if it is another request."""
    if not _has_keys(params, {"_meta"}) or not _has_keys(params["_meta"], set(_META)):
        return None
    version, client, capabilities = (params["_meta"][key] for key in _META)
    return version if isinstance(version, str) and _is_client(client, capabilities) else None


def _is_client(client: Any, capabilities: Any) -> bool:
    """True if the SDK accepts this description of a client in every protocol version."""
    if not isinstance(client, dict) or not {"name", "version"} <= client.keys() <= _CLIENT:
        return False
    named = all(isinstance(value, str) for value in cast("dict[str, Any]", client).values())
    return (
        named
        and isinstance(capabilities, dict)
        and all(starmap(_is_capability, cast("dict[str, Any]", capabilities).items()))
    )


def _is_capability(name: str, value: Any) -> bool:
    if name in ("experimental", "extensions"):
        return isinstance(value, dict) and all(isinstance(one, dict) for one in cast("dict[str, Any]", value).values())
    return value in _CAPABILITIES.get(name, ())


def _has_keys(value: Any, keys: set[str]) -> bool:
    return isinstance(value, dict) and cast("dict[str, Any]", value).keys() == keys
