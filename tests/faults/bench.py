"""Every tool against every fault, in one process: the tool, the proxy, the wire and the sandbox are the real ones."""

import asyncio
import json
import logging
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mcp_errortracking.catalog import CATALOG, Endpoint
from mcp_errortracking.imports import import_in_thread
from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.sandbox.app import Sandbox, create_app
from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Store
from mcp_errortracking.sandbox.throttle import Throttle
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.observe import CallRecord
from tests.calls import call_tool
from tests.faults.faults import BODY_LIMIT, Fault, Outcome
from tests.faults.wire import Plan, Wire

KEY = "phx_the_key_that_must_never_be_seen"
TIME_LIMIT = 55.0
LIMITS = Limits(backoff=0.0, attempts=2, body=BODY_LIMIT)

_ARGUMENTS = {"error-tracking-directory-list": {"kind": "integrations"}}
"""In place of a tool's example: several slow lists together would take longer than a call may."""

# What the examples of the tools are about: one object of each kind, with the id that stands in them.
ID = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
OTHER_ISSUE = "01936f30-0c4d-7000-8000-77b1e6d2f0a9"
_FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}]}
_RULE = {"id": ID, "filters": _FILTERS}
SEED = Seed.model_validate(
    {
        "projects": [{"id": 1}],
        "users": [{"id": 1}],
        "keys": [{"value": KEY}],
        "assignment_rules": [{**_RULE, "assignee": {"type": "user", "id": 1}}],
        "grouping_rules": [_RULE],
        "suppression_rules": [_RULE],
        "bypass_rules": [_RULE],
        "severity_rules": [{**_RULE, "severity": "high"}],
        "issues": [
            {"id": ID, "name": "TypeError", "fingerprints": [{"id": ID, "fingerprint": "81fa0b9f..."}, "b"]},
            {"id": OTHER_ISSUE, "name": "RangeError", "fingerprints": ["c"]},
        ],
        "releases": [{"id": ID, "version": "1", "hash_id": "9fceb02d"}],
        "stack_frames": [{"id": ID, "raw_id": "6b1f0c2e/0"}],
        "symbol_sets": [{"id": ID, "ref": ID, "content": "bytes", "content_hash": "cf83e1357eefb8bd..."}],
        "integrations": [{"id": 7, "kind": "github"}],
        "hog_functions": [
            {
                "id": ID,
                "name": "Spikes",
                "template_id": "template-slack",
                "filters": {"source": "internal-events", "events": [{"id": "$error_tracking_issue_spiking"}]},
            }
        ],
        "recommendations": [{"id": ID, "type": "source_maps"}],
        "external_references": [{"id": ID, "issue": 0, "integration": 7, "title": "TypeError"}],
        "cohorts": [{"id": 3, "name": "Beta"}],
    }
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A call without a fault: its reply, and the place of its first write among its requests (None: it only reads)."""

    reply: Reply
    record: CallRecord
    first_write: int | None

    @property
    def is_known(self) -> bool:
        """True if the sandbox has the endpoint."""
        return self.record.code != "endpoint_not_found"


@dataclass(frozen=True, slots=True)
class Result:
    """A call with a fault: its outcome, and the writes that the sandbox got."""

    outcome: Outcome
    reply: Reply
    writes: list[tuple[str, str, str]]
    sent: list[str]
    bytes_sent: int
    heard_elsewhere: bool


class _RolledBackError(Exception):
    pass


class Bench:
    """The sandbox, and a server's calls through the wire to it. One call at a time."""

    def __init__(self, sandbox: Sandbox, wire: Wire, folder: Path) -> None:
        self.sandbox = sandbox
        self.wire = wire
        self._folder = folder
        self._objects = {file: file.read_bytes() for file in folder.iterdir()}
        self._baselines = dict[str, Baseline]()
        self._proxy = self.proxy()

    async def baseline(self, endpoint: type[Endpoint]) -> Baseline:
        """Return the tool's call without a fault."""
        known = self._baselines.get(endpoint.tool)
        if known is None:
            await self.wire.plan(Plan())
            reply, record = await self._call(endpoint)
            writes = [number for number, seen in enumerate(self.wire.seen) if not reads(endpoint, seen.method)]
            known = Baseline(reply, record, writes[0] if writes else None)
            self._baselines[endpoint.tool] = known
        return known

    async def try_(self, endpoint: type[Endpoint], fault: Fault, *, once: bool) -> Result:
        """Call a tool while its first write, or its first request if it only reads, meets a fault.

        Args:
            once: only that request meets it; otherwise all later ones too.
        """
        baseline = await self.baseline(endpoint)
        first = baseline.first_write or 0
        await self.wire.plan(Plan(first, once, fault.act, fault.connecting, fault.unread))
        reply, record = await self._call(endpoint)
        writes = [
            (entry["method"], entry["path"], json.dumps(entry["body"]))
            for entry in self.sandbox.journal
            if not reads(endpoint, entry["method"])
        ]
        return Result(
            _outcome(baseline, reply, record),
            reply,
            writes,
            [f"{seen.method} {seen.target}" for seen in self.wire.seen],
            self.wire.sent,
            self.wire.heard_elsewhere(),
        )

    async def _call(self, endpoint: type[Endpoint]) -> tuple[Reply, CallRecord]:
        """Return the reply; all changes of the call are undone."""
        records = list[CallRecord]()
        self.sandbox.journal.clear()
        reply: Reply | None = None
        try:
            with self.sandbox.store.transaction():
                self._proxy._shared.rate_limiter = RateLimiter(self.wire.url)  # forget what a call learned
                arguments = _ARGUMENTS.get(endpoint.tool) or example(endpoint)
                reply = await call_tool(
                    self._proxy, endpoint.tool, arguments, time_limit=TIME_LIMIT, observe=records.append
                )
                raise _RolledBackError
        except _RolledBackError:
            for file, content in self._objects.items():
                if not file.exists():
                    file.write_bytes(content)
        assert reply is not None
        return reply, records[0]

    async def aclose(self) -> None:
        """Close the connections to the wire."""
        await self._proxy.aclose()

    def proxy(self, limits: Limits = LIMITS) -> Proxy:
        """Return a new proxy to the wire; a host that refused a connection accepts it at the second try."""
        return Proxy(host=self.wire.url, key=SecretStr(KEY), project="1", limits=limits, sleep=self._between_tries)

    async def _between_tries(self, _seconds: float) -> None:
        await self.wire.recover()


def reads(endpoint: type[Endpoint], method: str) -> bool:
    """True if a request of a tool changes nothing."""
    return method == "GET" or endpoint.read_only


def _outcome(baseline: Baseline, reply: Reply, record: CallRecord) -> Outcome:
    retries = record.retries - baseline.record.retries
    usual = baseline.reply
    if (reply.is_error, reply.is_error and reply.text) == (usual.is_error, usual.is_error and usual.text):
        return Outcome.RETRIED if retries else Outcome.ANSWERED
    error: dict[str, Any] = reply.structured.get("error") or {}
    if error.get("maybe_applied"):
        return Outcome.IN_DOUBT
    return Outcome.GIVEN_UP if record.retries else Outcome.EXPLAINED


@asynccontextmanager
async def bench(throttle: Throttle | None = None) -> AsyncGenerator[Bench]:
    """A sandbox on a socket of this process, and the wire before it."""
    with tempfile.TemporaryDirectory(prefix="mcp-errortracking-test-") as name:
        folder = Path(name)
        store = Store()
        sandbox = Sandbox(store, Objects(folder, "secret"), SEED, throttle=throttle)
        plant(SEED, store, sandbox.objects)
        config = uvicorn.Config(create_app(sandbox), log_level=logging.CRITICAL, lifespan="off")
        config.timeout_keep_alive = 10**6
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config, state, {}), "127.0.0.1", 0
        )
        async with Wire(server.sockets[0].getsockname()[1]) as wire:
            await import_in_thread("mcp_errortracking.proxy.transport")  # in a call, time would be skipped
            running = Bench(sandbox, wire, folder)
            yield running
            await running.aclose()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        store.close()


ALL = list(CATALOG.values())
READS = [endpoint for endpoint in ALL if endpoint.read_only]
WRITES = [endpoint for endpoint in ALL if not endpoint.read_only]
