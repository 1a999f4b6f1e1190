"""The command line: what it prints, where, and its exit codes; as a process where that is what is tested."""

import errno
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking import __version__
from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.cli.main import parse
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.command import run, run_here
from tests.forked import Forked
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.server.mcp_client import OFFERED, WITH_JOURNAL

LIST = "error-tracking-assignment-rules-list"


def test_version_and_help_need_nothing() -> None:
    assert run("--version") == (0, f"mcp_errortracking {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    for word in ("serve", "sandbox", "demo", "doctor", "tools", "call", "POSTHOG_PERSONAL_API_KEY", "--sandbox"):
        assert word in out


@pytest.mark.parametrize("command", ["serve", "sandbox", "demo", "doctor", "tools", "call"])
def test_every_command_has_help(command: str) -> None:
    code, out, _ = run_here(command, "--help")

    assert (code, out.startswith("usage: mcp-errortracking")) == (0, True)


def test_help_begins_with_one_line_of_usage_and_the_commands() -> None:
    _, out, _ = run_here("--help")
    _, upload, _ = run_here("source-maps", "upload", "--help")

    assert out.startswith("usage: mcp-errortracking [OPTION ...] [COMMAND ...]\n\n")
    assert out.index("\ncommands:\n") < out.index("\nconnection:\n")
    assert upload.startswith("usage: mcp-errortracking source-maps upload [OPTION ...] DIR\n\n")


def test_an_invalid_command_is_answered_in_three_lines() -> None:
    assert run_here("source-maps", "upload") == (
        2,
        "",
        "usage: mcp-errortracking source-maps upload [OPTION ...] DIR\n"
        "mcp-errortracking source-maps upload: error: the following arguments are required: DIR\n"
        "See: mcp-errortracking source-maps upload --help\n",
    )


def test_tools() -> None:
    code, out, _ = run_here("tools", "--json")
    assert code == 0
    assert tuple(tool["name"] for tool in json.loads(out)["tools"]) == WITH_JOURNAL
    code, out, _ = run_here("tools", "--json", "--toolsets", "all")
    assert [tool["name"] for tool in json.loads(out)["tools"]] == [*CATALOG, *(tool.tool for tool in WORKFLOWS)]
    code, out, _ = run_here("tools")
    assert f"{LIST} (reads)\n" in out
    assert "error-tracking-assignment-rules-destroy (writes)\n" in out


def test_call_in_text_and_json() -> None:
    with SandboxProcess() as sandbox:
        there = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
        code, out, _ = run_here("call", LIST, '{"limit": 2}', **there)
        assert (code, out.splitlines()[0]) == (0, "2 of 4; next page: offset 2")
        code, out, _ = run_here("call", LIST, "-", "--json", stdin='{"limit": 1}', **there)
        assert (code, json.loads(out)["next_offset"]) == (0, 1)
        code, out, _ = run_here("call", LIST, "--project", "99", **there)
        assert (code, "There is no project 99" in out) == (1, True)
        code, out, _ = run_here("call", LIST, '{"limt": 2}', **there)
        assert (code, "did you mean limit?" in out) == (1, True)
        code, out, _ = run_here("doctor", **there | {"POSTHOG_PERSONAL_API_KEY": READ_ONLY})
        assert (
            code,
            "warning  scopes: 18 of 46 tools can be used; for the others it lacks activity_log:read, error_" in out,
        ) == (0, True)


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["call", "error-tracking-rules"], {}, "Unknown tool: error-tracking-rules. The nearest are: "),
        (["call", LIST, "{"], {}, "the arguments are not JSON"),
        (["call", LIST, "[1]"], {}, "the arguments are not a JSON object"),
        (["call", LIST], {"POSTHOG_HOST": "us.posthog.com"}, "POSTHOG_HOST lacks its scheme"),
        (["--host", "https://us.i.posthog.com/e"], {}, "--host is more than an address: use https://us.posthog.com"),
        ([], {"POSTHOG_PERSONAL_API_KEY": "phc_0123456789"}, "a project token, which only sends events"),
        (["doctor"], {"POSTHOG_PROJECT_ID": "web"}, "POSTHOG_PROJECT_ID must be a project number"),
        (["--timeout", "0"], {}, "--timeout must be a number from 1 to 3600, not '0'"),
        (["nonsense"], {}, "invalid choice: 'nonsense'"),
        (
            ["--transport", "http", "--bind", "0.0.0.0"],
            {},
            "set MCP_SERVER_TOKEN to a secret that callers must present",
        ),
        (["serve", "--transport", "sse", "--bind", "::"], {}, "opens this server, and the PostHog key it holds"),
        (
            ["serve", "--port", "0", "--metrics"],
            {},
            "no effect over stdio: --port, --metrics. Add --transport http to serve HTTP.",
        ),
        (["--caller-keys"], {}, "no effect over stdio: --caller-keys. Add --transport http to serve HTTP."),
        (["--transport", "http", "--bind", "example.com"], {}, "is not an IP address"),
        (["--transport", "http"], {"MCP_SERVER_TOKEN": "short"}, "less than 16 characters"),
        (["--transport", "http", "--port", "99999"], {}, "--port must be a whole number from 0 to 65535, not '99999'"),
        (["sandbox", "--host", "0.0.0.0"], {}, "is not a loopback address"),
        (["sandbox", "--seed", "/nonexistent"], {}, "--seed /nonexistent cannot be read"),
        (["sandbox", "--rate-limit", "fast", "--port", "0"], {}, "give one like 480/minute"),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(words: list[str], environment: dict[str, str], says: str) -> None:
    code, out, err = run_here(*words, **environment)

    assert (code, out) == (2, "")
    assert says in err


def test_call_without_a_key_says_how_to_get_one() -> None:
    code, out, _ = run_here("call", LIST)

    assert code == 1
    assert "No PostHog API key is configured, so nothing was sent." in out


def test_call_on_a_sandbox_of_its_own() -> None:
    code, out, _ = run_here("call", LIST, "--sandbox")

    assert (code, out.splitlines()[0]) == (0, "4 of 4")


@pytest.mark.parametrize("argument", ['{"limit": 2}', "-"])
def test_the_words_of_a_call_may_stand_in_any_order(argument: str) -> None:
    orders = list(itertools.permutations([[LIST], [argument], ["--sandbox"], ["--json"], ["--timeout", "5"]]))
    for order in orders:
        options = parse(["call", *(word for words in order for word in words)])
        assert (options.tool, options.arguments) == (LIST, argument), order
        assert (options.sandbox, options.json, options.timeout) == (True, True, 5), order
    assert len(orders) == 120


def test_a_call_with_options_between_its_words() -> None:
    code, out, _ = run_here("call", LIST, "--sandbox", '{"limit": 2}', "--json")

    assert (code, json.loads(out)["next_offset"]) == (0, 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["call", LIST, "{}", "{}"], "unrecognized arguments: {}"),
        (["call", LIST, "--sandbx", "{}"], "unrecognized arguments: --sandbx"),
        (["call", "{}"], "Unknown tool: "),
        (["call"], "the following arguments are required: TOOL"),
        (["tools", "more"], "unrecognized arguments: more"),
    ],
)
def test_words_that_do_not_belong_are_refused(words: list[str], says: str) -> None:
    code, out, err = run_here(*words)

    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("words", [(), ("serve",)])
def test_variables_alone_choose_transport_and_log_format(words: tuple[str, ...]) -> None:
    variables = {"MCP_TRANSPORT": "http", "MCP_LOG_FORMAT": "json", "MCP_TOOLSET": "issues"}
    with Forked(["--port", "0", "--sandbox", *words], os.environ | variables, text=True) as server:
        assert server.stderr
        lines = list[dict[str, Any]]()
        while not lines or not lines[-1]["message"].startswith("MCP at http://127.0.0.1:"):
            lines.append(json.loads(server.stderr.readline()))
        server.terminate()

    assert [line["message"] for line in lines if line["level"] == "warning"] == [
        "MCP_TOOLSET is not a setting and is ignored; did you mean MCP_TOOLSETS?"
    ]


def test_an_option_wins_over_its_variable() -> None:
    stdio = run("--sandbox", "--transport", "stdio", MCP_TRANSPORT="http")
    assert (stdio[0], stdio[1], "MCP at" in stdio[2]) == (0, "", False)
    with SandboxProcess() as sandbox:
        there = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
        debug = run_here("call", LIST, **there, MCP_LOG_LEVEL="debug")
        assert (debug[0], "mcp-errortracking: DEBUG: " in debug[2]) == (0, True)
        assert run_here("call", LIST, "--log-level", "error", **there, MCP_LOG_LEVEL="debug")[2] == ""
        cut = run_here("call", LIST, **there, MCP_MAX_RESULT_TOKENS="100")[1]
        whole = run_here("call", LIST, "--max-result-tokens", "off", **there, MCP_MAX_RESULT_TOKENS="100")[1]
    assert len(cut) < len(whole)


@pytest.mark.parametrize(
    ("words", "variables", "says"),
    [
        (["--transport", "http", "--max-calls", "200000"], {}, "--max-calls"),
        (["--transport", "http"], {"MCP_MAX_CALLS": "200000"}, "MCP_MAX_CALLS"),
    ],
)
def test_a_bound_is_the_same_for_option_and_variable(words: list[str], variables: dict[str, str], says: str) -> None:
    sentence = f"mcp-errortracking: {says} must be a whole number from 1 to 100000, not '200000'\n"

    assert run_here(*words, **variables) == (2, "", sentence)


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("serve", "--help"), ("call", "--help")])
def test_help_and_version_import_no_library(words: tuple[str, ...]) -> None:
    script = """
import sys
from contextlib import nullcontext
from mcp_errortracking.cli.main import main
libraries = {"pydantic", "mcp", "mcp_types", "httpx", "starlette", "anyio"}
try:
    main()
except SystemExit:
    print(sorted(libraries & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)

    assert done.stdout
    assert done.stderr == "[]\n"


def test_the_first_answers_of_a_start_need_no_pydantic_and_no_event_loop(tmp_path: Path) -> None:
    script = """
import sys
from contextlib import nullcontext
from mcp_errortracking import config
from mcp_errortracking.cli import main, serve
from mcp_errortracking.server.ready import ReadyAnswers
settings = config.load_posthog()
memory = serve._scope_memory(settings)
ReadyAnswers(with_files=True, with_journal=True, scopes=memory.scopes)
print(repr(settings.key), sorted({"pydantic", "mcp", "mcp_types", "anyio", "asyncio"} & set(sys.modules)))
"""
    environment = {"POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)

    assert done.stdout == "Secret('**********') []\n"


def test_a_server_over_http_listens_before_it_imports_the_client_of_posthog() -> None:
    script = """
import sys
import anyio
from mcp_errortracking.cli.main import main
anyio.run = lambda *_: print(sorted({"aiohttp", "httpx", "redis", "prometheus_client", "jwt"} & set(sys.modules)))
main()
"""
    environment = {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
    command = [sys.executable, "-c", script, "serve", "--transport", "http", "--port", "0"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize("words", [("tools",), ("tools", "--json"), ("call", LIST)])
def test_a_command_of_the_shell_does_not_import_the_sdk(words: tuple[str, ...]) -> None:
    script = """
import sys
from contextlib import nullcontext
from mcp_errortracking.cli.main import main
main()
print(sorted({"mcp", "mcp_types", "starlette", "uvicorn"} & set(sys.modules)), file=sys.stderr)
"""
    environment = {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)

    assert done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def gone(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A command that is started in a folder which is deleted already."""
    folder.mkdir()
    return subprocess.Popen(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, "-m", "mcp_errortracking", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "words", [("--sandbox",), ("tools", "--toolsets", "all"), ("call", "error-tracking-fingerprints-list", "--sandbox")]
)
def test_a_folder_that_is_gone_costs_the_tools_that_work_on_files_alone(words: tuple[str, ...], tmp_path: Path) -> None:
    with gone(tmp_path / "gone", *words) as process:
        said, complaint = process.communicate(timeout=50)

    assert process.returncode == 0, complaint
    assert "Traceback" not in complaint
    assert ("error-tracking-issues-list (reads)" in said) == (words[0] == "tools")
    assert "source-maps" not in said


def test_a_server_over_http_starts_where_its_folder_is_gone(tmp_path: Path) -> None:
    with gone(tmp_path / "gone", "serve", "--transport", "http", "--port", "0", "--sandbox") as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        found = next((line for line in lines if "MCP at http://127.0.0.1:" in line), None)
        process.terminate()

    assert found is not None


def test_demo_shows_a_day_s_work() -> None:
    code, out, _ = run_here("demo")

    assert code == 0
    assert "WRONG" not in out
    assert "ok: the bytes downloaded are the bytes uploaded" in out
    assert "* applyOffer (src/checkout.ts:12:11)" in out
    called = [line.split()[1] for line in out.splitlines() if line.startswith("> ")]
    assert set(called) <= set(TOOLSETS["default"])
    assert len(called) <= 15
    assert f"These were {len(set(called))} of the {len(OFFERED)} tools" in out


def start_sandbox(*options: str) -> Forked:
    return Forked(["sandbox", *options], os.environ, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_says_what_to_paste_and_ends_cleanly(number: signal.Signals) -> None:
    with start_sandbox("--port", "0") as sandbox:
        assert sandbox.stdout
        lines = [sandbox.stdout.readline() for _ in range(13)]
        sandbox.send_signal(number)
        out, err = sandbox.communicate(timeout=20)

    text = "".join(lines) + out
    url = text.split("listens on ")[1].split()[0]
    assert f"export POSTHOG_HOST={url}\n" in text
    assert text.index("phx_sandbox_full_access_key") < text.index("phx_sandbox_read_only_key")
    assert "project 1\n" in text
    assert (sandbox.returncode, err) == (0, "")


def test_the_sandbox_ends_with_its_parent() -> None:
    with start_sandbox("--port", "0", "--json", "--until-stdin-closes") as sandbox:
        assert sandbox.stdout
        facts = json.loads(sandbox.stdout.readline())
        out, err = sandbox.communicate(timeout=20)  # closes stdin

    assert (sandbox.returncode, out, err) == (0, "", "")
    assert list(facts) == ["url", "project_id", "user_id", "role_id", "keys"]
    assert facts["keys"][0]["key"] == FULL


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = run_here("sandbox", "--port", port)

    assert (code, f"port {port} cannot be used" in err) == (2, True)


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ("{", "not JSON"),
        ("{}", "projects: Field required"),
        ('{"projects": []}', "projects: List should have at least 1 item"),
        ('{"projects": [{"id": 1, "nme": "x"}]}', "projects[0].nme: Extra inputs are not permitted"),
        ('{"projects": [{"id": 1}], "keys": [{"value": "k", "user": 9}]}', "keys[0].user: 9 does not exist"),
        ('{"projects": [{"id": 1}], "symbol_sets": [{"ref": "a", "release": "x"}]}', "symbol_sets[0].release"),
        ('{"projects": [{"id": 1}], "server": {"features": {"speed": true}}}', "server.features.speed"),
        ('{"projects": [{"id": 1}, {"id": 1}]}', "an id is given twice"),
        (
            '{"projects": [{"id": 1}], "symbol_sets": [{"ref": "a", "state": "missing", "content": "x"}]}',
            "symbol_sets[0].content: a missing symbol set has none",
        ),
    ],
)
def test_a_seed_that_makes_no_sense_is_refused_with_its_place(seed: str, says: str) -> None:
    code, out, err = run_here("sandbox", "--port", "0", "--seed", "-", stdin=seed)

    assert (code, out) == (2, "")
    assert says in err


def test_a_seed_from_stdin_and_data_that_stays(tmp_path: Path) -> None:
    data = ["--port", "0", "--json", "--data", str(tmp_path), "--seed", "-"]
    for name in ("first", "second"):
        with start_sandbox(*data) as sandbox:
            assert sandbox.stdin
            assert sandbox.stdout
            sandbox.stdin.write(json.dumps({"projects": [{"id": 3, "name": name}]}))
            sandbox.stdin.close()
            facts = json.loads(sandbox.stdout.readline())
            sandbox.send_signal(signal.SIGTERM)
            assert sandbox.wait(20) == 0
        assert facts["project_id"] == 3
    assert (tmp_path / "sandbox.sqlite3").exists()


def test_a_start_over_stdio_loads_no_sandbox_and_no_command_it_does_not_run() -> None:
    script = (
        "import sys; import mcp_errortracking.cli.main, mcp_errortracking.proxy, mcp_errortracking.server.app,"
        " mcp_errortracking.server.stdio; print([name for name in sys.modules if name in"
        " ('httpx', 'mcp_errortracking.sandbox.app', 'mcp_errortracking.demo.tour', 'mcp_errortracking.doctor')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("platform", "is_end"), [("linux", False), ("win32", True)])
def test_a_reader_that_leaves_ends_a_command_on_windows_too(
    monkeypatch: pytest.MonkeyPatch, platform: str, is_end: bool
) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr("mcp_errortracking.server.tool_list.listed_tools", write)

    with nullcontext() if is_end else pytest.raises(OSError, match="Invalid argument"):
        assert run_here("tools") == (1, "", "")


@pytest.mark.parametrize(("platform", "is_hinted"), [("linux", False), ("win32", True)])
def test_a_json_without_quotes_gets_the_advice_of_its_shell(
    monkeypatch: pytest.MonkeyPatch, platform: str, is_hinted: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    code, _, err = run_here("call", LIST, "{limit: 5}")

    assert (code, "on stdin" in err) == (2, is_hinted)
