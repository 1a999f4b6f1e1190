"""A sandbox process for tests, started from any state, spoken to by plain HTTP."""

import json
import tempfile
from pathlib import Path
from typing import Any, Self

import httpx

from mcp_errortracking import child
from mcp_errortracking.sandbox import command
from tests.forked import Forked

FULL = "phx_sandbox_full_access_key"
READ_ONLY = "phx_sandbox_read_only_key"
OTHER_PROJECT = "phx_sandbox_other_project_key"
ROLE = "01936f2e-7a51-7000-8000-0000000000f1"
DEFAULT_SEED: dict[str, Any] = json.loads(Path(command.__file__).with_name("default_seed.json").read_text("utf-8"))
WITHOUT_EVENTS = DEFAULT_SEED | {"issues": [{**one, "events": None} for one in DEFAULT_SEED["issues"]]}
"""The same project, which starts and is reset in a fifth of the time."""


class SandboxProcess:
    """A sandbox, and requests to its error-tracking API in project 1 with its first key, unless said."""

    def __init__(self, seed: dict[str, Any] | None = None, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mcp-errortracking-test-")
        self.http = httpx.Client(timeout=20)
        if seed is not None:
            file = Path(self._folder.name, "seed.json")
            file.write_text(json.dumps(seed), "utf-8")
            options = (*options, "--seed", str(file))
        words = ("sandbox", "--port", "0", "--json", "--until-stdin-closes", *options)
        self._process = Forked(words, child.environment(), folder=child.FOLDER, errors=False)
        line = self._process.stdout.readline()
        assert line, f"the sandbox did not start (exit code {self._process.wait()})"
        self.facts: dict[str, Any] = json.loads(line)
        self.url: str = self.facts["url"]
        self.key: str = self.facts["keys"][0]["key"]
        self.project_id: int = self.facts["project_id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.terminate()
        with self._process:
            pass
        self.http.close()
        self._folder.cleanup()

    def api(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, form: str = "projects/1", **more: Any
    ) -> httpx.Response:
        """A request to `/api/{form}/error_tracking/{path}`."""
        headers = {"Authorization": f"Bearer {key or self.key}"} | more.pop("headers", {})
        if body is not None:
            more["json"] = body
        return self.http.request(method, f"{self.url}/api/{form}/error_tracking/{path}", headers=headers, **more)

    def journal(self) -> list[dict[str, Any]]:
        """The API requests that it got since the journal was emptied."""
        return self.http.get(f"{self.url}/_journal").json()

    def reset(self) -> None:
        """Back to the seed, with an empty journal."""
        self.http.post(f"{self.url}/_reset").raise_for_status()
        self.empty_journal()

    def empty_journal(self) -> None:
        self.http.delete(f"{self.url}/_journal")
