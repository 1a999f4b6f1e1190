"""Each command on each page is run, or parsed with its exact options, or is a program of others with what runs it."""

import io
import re
import shutil
import tomllib
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from mcp_errortracking.cli.main import parse
from mcp_errortracking.config import ConfigError
from tests.command import run_here
from tests.docs.commands import OURS, ROOT, Command, commands, lines_of
from tests.docs.programs import NOT_RUN, RUN_BY
from tests.sandbox_process import SandboxProcess

TOGETHER = frozenset({"rules", "source-maps", "changes", "call", "serve", "login", "install", "uninstall", "sandbox"})
"""Our commands that a line of text may name without the program."""
OF_POSTHOG_CLI = {"dsym", "hermes", "proguard", "sourcemap", "symbol-sets", "upload", "release"}
"""Commands of posthog-cli that docs/source-maps.md compares with ours, in a table without the program."""
PROGRAMS = frozenset({OURS, "make", "pip", "py", "python", *RUN_BY, *NOT_RUN})
COMMANDS = commands(PROGRAMS, TOGETHER)
SHOWN = [one for one in COMMANDS if one.words[0] == OURS]
PLACEHOLDERS = {"KIND": "suppression", "CLIENT": "cursor", "JSON": "{}", "FILTERS": "{}"}
SERVE = {"sandbox", "serve", "ui"}
"""They run until they are stopped: parsed here, run by tests/sandbox, tests/server and tests/cli."""
ELSEWHERE = {"login": "tests/cli/test_login.py", "--info-plist": "tests/cli/test_info_plist.py"}
"""Commands and options that need a browser or a build of Xcode: parsed here, run there."""


def test_no_page_is_without_its_commands() -> None:
    pages = {one.page for one in COMMANDS}

    assert len(COMMANDS) > 200
    assert {"README.md", "docs/windows.md", "docs/login.md", "docs/clients/zed.md", "docs/deploy.md"} <= pages


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("a b # c", [(["a", "b"], "")]),
        ("echo '{\n}' | x -y > z", [(["echo", "{\n}"], ""), (["x", "-y"], "{\n}")]),
        ("a && b\nc", [(["a"], ""), (["b"], ""), (["c"], "")]),
    ],
)
def test_a_script_is_read_as_a_shell_reads_it(script: str, found: list[tuple[list[str], str]]) -> None:
    assert list(lines_of(script)) == found


def test_every_program_is_known_and_what_runs_it_exists() -> None:
    unknown = [str(one) for one in COMMANDS if one.words[0] != OURS and problem(one)]

    assert unknown == []
    assert [file for file in (*RUN_BY.values(), *ELSEWHERE.values()) if not (ROOT / file).is_file()] == []
    used = {one.words[0] for one in COMMANDS}
    assert (RUN_BY.keys() | NOT_RUN.keys()) - used == set()


def test_a_command_that_does_not_exist_is_found() -> None:
    for words in (("make", "nothing"), ("frob", "--x"), (".ci/nothing",), ("python", "-m", "benchmarks.nothing")):
        assert problem(Command("page", words))
    for words in ((OURS, "instal", "cursor"), (OURS, "install", "--lst"), (OURS, "rules", "plan", "--nothing")):
        with pytest.raises(AssertionError, match="is refused"):
            check_parses(Command("page", words))


def problem(command: Command) -> bool:
    """True if a command of another program cannot be run as it is shown."""
    program, *words = command.words
    if program == "make":
        return f"\n{words[0]}:" not in (ROOT / "Makefile").read_text("utf-8")
    if program in ("python", "py", ".venv/bin/python"):
        module = words[words.index("-m") + 1 :][:1]
        if module in ([], ["pip"]):
            return False
        place = ROOT / module[0].replace(".", "/")
        return not (place.with_suffix(".py").is_file() or (place / "__main__.py").is_file())
    if program == ".venv/bin/pytest":
        return not all((ROOT / word.partition("::")[0]).exists() for word in words)
    if program == "pip":
        extras = re.findall(r"\[(.+?)\]", words[-1])
        known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
        return words[0] != "install" or not set(extras) <= known.keys()
    if program.startswith(".ci/"):
        return not (ROOT / program).exists()
    is_value = program.startswith(("$env:", "{"))  # PowerShell's assignments and texts
    is_compared = command.is_inline and command.page == "docs/source-maps.md" and program in {*OF_POSTHOG_CLI, "check"}
    return not (is_value or is_compared or program in RUN_BY or program in NOT_RUN)


def test_every_command_of_ours_is_understood() -> None:
    assert len(SHOWN) > 100
    for command in SHOWN:
        check_parses(command)


def check_parses(command: Command) -> None:
    """A line of text may leave out what a command requires; a block may not."""
    words = [PLACEHOLDERS.get(word, word) for word in command.words[1:]]
    if words == ["--version"]:
        return
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            parse(words)
    except SystemExit:
        lacks = re.search(r"the following arguments are required|expected one argument", said.getvalue())
        if not (command.is_inline and lacks):
            raise AssertionError(f"{command} is refused: {said.getvalue()}") from None
    except ConfigError as error:
        raise AssertionError(f"{command} is refused: {error}") from None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as the pages assume it: a build, a file of rules, owners, a source file, and a client."""
    shutil.copytree(ROOT / "tests/workflows/source_maps/fixtures/built/vite", tmp_path / "dist")
    shutil.copytree(tmp_path / "dist", tmp_path / "target" / "release")
    for name, text in {
        "src/cart.ts": "export {}\n",
        "cases.jsonl": '{"id": 1, "filters": {"type": "AND", "values": []}, "properties": {}}\n',
        ".github/CODEOWNERS": "* @ada\n",
        "owners.yaml": '"@ada": {user: 1}\n',
        "rules.yaml": "version: 1\nsuppression: []\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for client in (".cursor", ".config/Code/User"):
        (tmp_path / client).mkdir(parents=True)
    return tmp_path


def is_run(command: Command) -> bool:
    """True if a command ends by itself, and no other test runs it."""
    words = {word for word in command.words[1:] if word.startswith("--")} | set(command.words[1:2])
    is_server = command.words[1].startswith("--") and command.words[1] != "--version"
    of_client = command.page.startswith("docs/clients/")  # tests/clients/test_pages.py and tests/cli/test_install.py
    return not (command.is_inline or is_server or of_client or words & (SERVE | ELSEWHERE.keys()))


EXITS = {
    "install claude-code -- --read-only": 1,  # Claude Code is not there: the command is printed
    "deploy-report": 2,  # a regression
    "deploy-report 1.4.2": 2,
    "deploy-report --from 7d --compare-from 14d --compare-to 7d": 2,
    "deploy-report 4f2a9c1": 1,  # a commit that the sandbox does not have
    "issues-in-file": 1,  # outside of a checkout
    "changes undo 12 --apply": 1,  # there is no change 12
    "source-maps resolve at o (https://shop.example/assets/index.js:2:300) --folder dist": 1,  # not in this build
    "source-maps upload target/release --include shop --release 1.4.2": 1,  # not a program for Linux
}
"""The exit codes other than 0, and the reasons."""


def test_every_command_of_ours_in_a_block_runs(folder: Path) -> None:
    found = [one for one in SHOWN if is_run(one) and one.page != "docs/tutorial.md"]  # tests/test_tutorial.py
    runs = dict.fromkeys(
        (tuple(word.replace("$VERSION", "1.4.2") for word in one.words[1:]), one.stdin) for one in found
    )
    # An upload creates the release that a report is about: reports come first.
    ordered = sorted(runs, key=lambda run: run[0][0] != "deploy-report")
    ends = dict[str, int]()
    with SandboxProcess() as sandbox:
        environment = {
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": "",
            "PATH": "/usr/bin:/bin",
            "POSTHOG_HOST": sandbox.url,
            "POSTHOG_PERSONAL_API_KEY": sandbox.key,
            "POSTHOG_PROJECT_ID": "1",
            "MCP_ROOTS": str(folder),
        }
        for words, stdin in ordered:
            code, out, err = run_here(*words, stdin=stdin, folder=folder, **environment)
            assert out or code == 1, f"{words}: {err}"
            ends[" ".join(words)] = code

    assert len(ends) > 25
    assert {line: code for line, code in ends.items() if code} == EXITS
