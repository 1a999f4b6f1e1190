"""Records what PostHog's own client sends for the arguments of `official_arguments`, and what it refuses.

Also the schemas of its tools, from which `generated_arguments` makes more calls.

    python -m tests.catalog.record_official

It needs `.ci/node-tools`. The requests go to a sandbox; what that answers does not matter here.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from tests.catalog.official_arguments import ACCEPTED, REFUSED, Arguments
from tests.clients.official_client import Answer, calling, run
from tests.sandbox_process import FULL, SandboxProcess

REQUESTS = Path(__file__).with_name("official_requests.json")
REFUSALS = Path(__file__).with_name("official_refusals.json")
SCHEMAS = Path(__file__).with_name("official_schemas.json")
_LEAST_SHARED = 150
"""Characters of a schema that is written once where it is repeated."""
_PROJECT = "/api/projects/1/"
_OURS = (f"{_PROJECT}error_tracking/", f"{_PROJECT}hog_functions/")


def _calls(sandbox: SandboxProcess, calls: Sequence[tuple[str, Arguments]]) -> list[tuple[str, Arguments, Answer]]:
    answers = run(sandbox.url, FULL, [calling(tool, arguments) for tool, arguments in calls])
    return [(*call, answer) for call, answer in zip(calls, answers, strict=True)]


def sent_by(answer: Answer) -> list[dict[str, Any]]:
    """Its requests to error tracking, their paths relative to the project."""
    return [
        {**request, "path": request["path"].removeprefix(_PROJECT)}
        for request in answer.requests
        if request["path"].startswith(_OURS)
    ]


def _described(text: str) -> dict[str, Any]:
    """The schema and the annotations in the answer to `info TOOL`, which is YAML."""
    (line,) = [line for line in text.splitlines() if line.startswith("inputSchema: ")]
    quoted = line.removeprefix("inputSchema: ")
    schema = json.loads(quoted) if quoted.startswith('"') else quoted[1:-1].replace("''", "'")
    hints = re.findall(r"^  (\w+Hint): (true|false)$", text, re.MULTILINE)
    return {
        "annotations": {name: value == "true" for name, value in hints},
        "schema": _without_texts(json.loads(schema)),
    }


def _without_texts(node: Any) -> Any:
    """A schema without its descriptions and long patterns. A property may be named `description`: that is an object."""
    if isinstance(node, list):
        return [_without_texts(one) for one in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    members = cast("dict[str, Any]", node).items()
    dropped = ("description", "$schema", "pattern")
    return {name: _without_texts(value) for name, value in members if name not in dropped or isinstance(value, dict)}


def _nodes(node: Any) -> Iterator[str]:
    """Each object in a schema, the inner ones last."""
    if isinstance(node, list):
        for one in cast("list[Any]", node):
            yield from _nodes(one)
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        if isinstance(members.get("type"), str) or isinstance(members.get("anyOf"), list):
            yield json.dumps(members)
        for value in members.values():
            yield from _nodes(value)


def _with_references(node: Any, names: dict[str, str], *, is_root: bool = False) -> Any:
    if isinstance(node, list):
        return [_with_references(one, names) for one in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    members = cast("dict[str, Any]", node)
    name = names.get(json.dumps(members))
    if name and not is_root:
        return {"$ref": f"#/$defs/{name}"}
    return {key: _with_references(value, names) for key, value in members.items()}


def _write_schemas(tools: dict[str, dict[str, Any]]) -> None:
    """One tool a line; what is repeated and long stands once, in `$defs`."""
    counted = Counter(text for tool in tools.values() for text in _nodes(tool["schema"]))
    repeated = [text for text, times in counted.items() if times > 1 and len(text) > _LEAST_SHARED]
    names = {text: f"shape{number}" for number, text in enumerate(repeated, 1)}
    shared = {names[text]: _with_references(json.loads(text), names, is_root=True) for text in repeated}
    lines = [f'"$defs": {json.dumps(shared)}']
    for tool, facts in tools.items():
        schema = _with_references(facts["schema"], names, is_root=True)
        lines.append(f"{json.dumps(tool)}: {json.dumps({**facts, 'schema': schema})}")
    SCHEMAS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _write(file: Path, entries: list[dict[str, Any]]) -> None:
    """One entry a line."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


def main() -> int:
    """Writes the files. Returns 1 where the client takes what it should refuse, or the other way round."""
    with SandboxProcess() as sandbox:
        accepted, refused = _calls(sandbox, ACCEPTED), _calls(sandbox, REFUSED)
        tools = sorted({tool for tool, _ in ACCEPTED})
        answers = run(sandbox.url, FULL, [f"info {tool}" for tool in tools])
    _write_schemas({tool: _described(answer.output) for tool, answer in zip(tools, answers, strict=True)})
    wrong = [("refused", *call) for call in accepted if not sent_by(call[2])]
    wrong += [("taken", *call) for call in refused if sent_by(call[2])]
    for what, tool, arguments, answer in wrong:
        print(f"{what}: {tool} {json.dumps(arguments)}: {answer.error}", file=sys.stderr)
    _write(
        REQUESTS, [{"tool": tool, "arguments": given, "requests": sent_by(answer)} for tool, given, answer in accepted]
    )
    _write(REFUSALS, [{"tool": tool, "arguments": given, "error": answer.error} for tool, given, answer in refused])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
