"""Records what PostHog's own client sends for the arguments of `official_arguments`, and what it refuses.

    python -m tests.catalog.record_official

It needs `.ci/node-tools`. The requests go to a sandbox; what that answers does not matter here.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.catalog.official_arguments import ACCEPTED, REFUSED, Arguments
from tests.clients.official_client import Answer, calling, run
from tests.sandbox_process import FULL, SandboxProcess

REQUESTS = Path(__file__).with_name("official_requests.json")
REFUSALS = Path(__file__).with_name("official_refusals.json")
_PROJECT = "/api/projects/1/"
_OURS = (f"{_PROJECT}error_tracking/", f"{_PROJECT}hog_functions/")


def _calls(sandbox: SandboxProcess, calls: Sequence[tuple[str, Arguments]]) -> list[tuple[str, Arguments, Answer]]:
    answers = run(sandbox.url, FULL, [calling(tool, arguments) for tool, arguments in calls])
    return [(*call, answer) for call, answer in zip(calls, answers, strict=True)]


def _sent(answer: Answer) -> list[dict[str, Any]]:
    """Its requests to error tracking, their paths relative to the project."""
    return [
        {**request, "path": request["path"].removeprefix(_PROJECT)}
        for request in answer.requests
        if request["path"].startswith(_OURS)
    ]


def _write(file: Path, entries: list[dict[str, Any]]) -> None:
    """One entry a line."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


def main() -> int:
    """Writes both files. Returns 1 where the client takes what it should refuse, or the other way round."""
    with SandboxProcess() as sandbox:
        accepted, refused = _calls(sandbox, ACCEPTED), _calls(sandbox, REFUSED)
    wrong = [("refused", *call) for call in accepted if not _sent(call[2])]
    wrong += [("taken", *call) for call in refused if _sent(call[2])]
    for what, tool, arguments, answer in wrong:
        print(f"{what}: {tool} {json.dumps(arguments)}: {answer.error}", file=sys.stderr)
    _write(
        REQUESTS, [{"tool": tool, "arguments": given, "requests": _sent(answer)} for tool, given, answer in accepted]
    )
    _write(REFUSALS, [{"tool": tool, "arguments": given, "error": answer.error} for tool, given, answer in refused])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
