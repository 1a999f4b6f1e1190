"""The sandbox's real answers, with text of strangers in every place where PostHog has any."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from mcp_errortracking.catalog import CATALOG
from tests.sandbox_process import SandboxProcess

_LISTS = re.compile(r"[^{}]+/")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Answered:
    attempts = 1

    def __init__(self, data: Any) -> None:
        self.data = data


class Answers:
    """Real answers by path; ids in a path are written `{id}`."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._known = dict[str, Any]()
        templates = {endpoint.path for endpoint in CATALOG.values()}
        for path in sorted(path for path in templates if _LISTS.fullmatch(path)):
            self._fetch(sandbox, path, path)
        for path in sorted(templates - self._known.keys()):
            collection = self._known.get(path.partition("{")[0]) if "{" in path else None
            rows = cast("dict[str, Any]", collection).get("results") if isinstance(collection, dict) else None
            for row in cast("list[dict[str, Any]]", rows or [])[:1]:
                self._known[_ID.sub("{id}", path)] = row
                self._fetch(sandbox, path, re.sub(r"\{\w+\}", str(row["id"]), path))
        issue = self._known["error_tracking/issues/"]["results"][0]["id"]
        everything = [
            "exception",
            "stacktrace",
            "code_variables",
            "environment",
            "release",
            "navigation",
            "correlation",
        ]
        for name, body in {
            "issues": {"status": "all", "dateRange": {"date_from": "all"}, "volumeResolution": 3},
            "issue": {"issueId": issue, "includeSparkline": True, "dateRange": {"date_from": "-90d"}},
            "issue_events": {"issueId": issue, "include": everything, "limit": 3, "onlyAppFrames": False},
        }.items():
            answer = sandbox.api("POST", f"query/{name}/", body)
            assert answer.status_code == 200, answer.text
            self._known[f"error_tracking/query/{name}/"] = answer.json()

    def _fetch(self, sandbox: SandboxProcess, key: str, path: str) -> None:
        url = f"{sandbox.url}/api/projects/1/{path}"
        answer = sandbox.http.get(url, headers={"Authorization": f"Bearer {sandbox.key}"})
        if answer.status_code == 200:
            self._known[key] = answer.json()

    def to(self, method: str, path: str) -> Any:
        """Return the answer to a request; if the sandbox has none for that path, the answer of the path above it."""
        template = _ID.sub("{id}", path)
        while template not in self._known:
            template = template.rstrip("/").rpartition("/")[0] + "/"
            if template == "/":
                return {"success": True, "message": "done"}
        found = self._known[template]
        rows = cast("dict[str, Any]", found).get("results") if isinstance(found, dict) else None
        return rows[0] if method != "GET" and rows and "query/" not in path else found


class Strangers:
    """In place of the proxy: real answers, with every text in them changed."""

    def __init__(self, answers: Answers, change: Callable[[Any], Any]) -> None:
        self._answers = answers
        self._change = change

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> Answered:
        return Answered(self._change(self._answers.to(method, path)))


def in_values(hostile: str, data: Any) -> Any:
    """The same data with the text at the beginning of every string."""
    if isinstance(data, str):
        return hostile + data
    if isinstance(data, list):
        return [in_values(hostile, item) for item in cast("list[Any]", data)]
    if isinstance(data, dict):
        return {name: in_values(hostile, value) for name, value in cast("dict[str, Any]", data).items()}
    return data


def in_place_of_values(hostile: str, data: Any) -> Any:
    """The same data with the text in place of every string, number, truth and null."""
    if isinstance(data, list):
        return [in_place_of_values(hostile, item) for item in cast("list[Any]", data)]
    if isinstance(data, dict):
        return {name: in_place_of_values(hostile, value) for name, value in cast("dict[str, Any]", data).items()}
    return hostile


def in_names(hostile: str, data: Any) -> Any:
    """The same data with one more field in every object: the text is its name, and its value."""
    if isinstance(data, list):
        return [in_names(hostile, item) for item in cast("list[Any]", data)]
    if isinstance(data, dict):
        own = {name: in_names(hostile, value) for name, value in cast("dict[str, Any]", data).items()}
        return {hostile: hostile} | own
    return data
