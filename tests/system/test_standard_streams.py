"""The standard streams of a command in an environment whose encoding is a code page of Windows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "太郎 Škoda 🦔"
SEED = {
    "projects": [{"id": 1, "name": "Web"}],
    "keys": [{"value": "phx_all", "label": NAME, "scopes": ["*"]}],
}


def run(*words: str, stdin: bytes = b"", module: str = "mcp_errortracking") -> tuple[int, str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        env=environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        input=stdin,
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_sandbox_names_its_keys() -> None:
    code, out, err = run(
        "--port", "0", "--until-stdin-closes", "--seed", "-", stdin=json.dumps(SEED).encode(),
        module="mcp_errortracking.sandbox",
    )  # fmt: skip

    assert (code, err) == (0, "")
    assert f"phx_all  ({NAME}: *)" in out


def test_a_file_name_of_any_language_is_shown_in_errors(tmp_path: Path) -> None:
    code, out, err = run("source-maps", "check", "--sandbox", str(tmp_path / NAME))

    assert (code, out) == (1, "")
    assert f"{NAME} is not a folder" in err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_arguments_on_stdin_are_read_as_any_shell_writes_them(encoding: str) -> None:
    arguments = json.dumps({"searchQuery": NAME, "limit": -1}, ensure_ascii=False)
    code, out, err = run("call", "query-error-tracking-issues-list", "-", "--sandbox", stdin=arguments.encode(encoding))

    assert (code, err) == (1, "")
    assert "limit" in out


def test_text_in_another_encoding_is_refused_with_advice() -> None:
    code, out, err = run("call", "query-error-tracking-issues-list", "-", stdin='{"searchQuery": "é"}'.encode("cp1252"))

    assert (code, out) == (2, "")
    assert "The text on stdin is not UTF-8" in err
