"""Install and uninstall: the entry in each client's file, and everything that must not be lost on the way."""

import fcntl
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking import config
from mcp_errortracking.clients import config_file
from mcp_errortracking.clients.table import BY_NAME, CLIENTS
from mcp_errortracking.config import client_folders
from tests.command import run_here
from tests.forked import Forked

SERVER = str(Path(sys.executable).parent / "mcp-errortracking")
KEY, EU = "phx_0123456789abcdef", "https://eu.posthog.com"
FILES = [client.name for client in CLIENTS if client.path("linux")]


@dataclass
class User:
    """A user with a home, in which some clients were started."""

    home: Path

    def file(self, client: str) -> Path:
        folders = client_folders({"HOME": str(self.home)}, "linux")
        return folders.resolve(BY_NAME[client].path("linux"))

    def has(self, client: str, content: str | bytes | None = None) -> Path:
        """Give the user a client, with a file if there is content."""
        file = self.file(client)
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def runs(self, *words: str, **environment: str) -> tuple[int, str, str]:
        return run_here(*words, **self.environment() | environment)

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": str(self.home / "bin"), "XDG_CONFIG_HOME": ""}


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def entry(user: User, client: str, name: str = "posthog") -> Any:
    data = json.loads(user.file(client).read_text("utf-8"))
    for member in BY_NAME[client].members:
        data = data[member]
    return data.get(name)


def backups(file: Path) -> list[Path]:
    return sorted(one for one in file.parent.iterdir() if one.name.endswith(".bak"))


@pytest.mark.parametrize("client", FILES)
def test_install_and_uninstall(user: User, client: str) -> None:
    file = user.has(client)
    code, out, err = user.runs("install", client, "--", "--read-only")
    assert (code, err) == (0, "")
    assert f"Added {'.'.join((*BY_NAME[client].members, 'posthog'))} in {file}.\n{BY_NAME[client].advice}\n" in out
    installed = entry(user, client)
    inner = installed.get("transport", installed)
    words = inner["command"] if client == "opencode" else [inner["command"], *inner["args"]]
    assert words == [SERVER, "--read-only"]
    first = file.read_bytes()

    code, out, _ = user.runs("install", client, "--", "--read-only")
    assert (code, file.read_bytes(), backups(file)) == (0, first, [])
    assert "already as wanted" in out

    assert user.runs("install", client)[0] == 0
    assert [one.read_bytes() for one in backups(file)] == [first]
    assert user.runs("uninstall", client)[0] == 0
    assert entry(user, client) is None
    assert len(backups(file)) == 2
    code, out, _ = user.runs("uninstall", client)
    assert (code, len(backups(file))) == (0, 2)
    assert "is not there. Nothing was changed." in out


def test_the_forms_of_the_entries(user: User) -> None:
    forms = dict[str, Any]()
    for client in FILES:
        user.has(client)
        user.runs("install", client, "--project", "7")
        forms[client] = entry(user, client)
    env = {"POSTHOG_PROJECT_ID": "7"}
    plain = {"command": SERVER, "args": [], "env": env}

    assert forms == {
        "amp": plain,
        "cline": {"transport": {"type": "stdio", **plain}},
        "copilot-cli": {"type": "local", **plain, "tools": ["*"]},
        "cursor": plain,
        "droid": {"type": "stdio", **plain},
        "gemini": plain,
        "kimi": plain,
        "kiro": plain,
        "lm-studio": plain,
        "opencode": {"type": "local", "command": [SERVER], "enabled": True, "environment": env},
        "qwen": plain,
        "vscode": {"type": "stdio", **plain},
        "windsurf": plain,
        "zed": {"source": "custom", **plain},
    }


@pytest.mark.parametrize(
    ("platform", "environ", "client", "path"),
    [
        ("linux", {"HOME": "/h"}, "vscode", "/h/.config/Code/User/mcp.json"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "zed", "/x/zed/settings.json"),
        ("linux", {"HOME": "/h"}, "cursor", "/h/.cursor/mcp.json"),
        (
            "darwin",
            {"HOME": "/h"},
            "claude-desktop",
            "/h/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("darwin", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "zed", "/h/.config/zed/settings.json"),
        ("darwin", {"HOME": "/h"}, "vscode", "/h/Library/Application Support/Code/User/mcp.json"),
        ("win32", {"USERPROFILE": "/u", "APPDATA": "/a"}, "claude-desktop", "/a/Claude/claude_desktop_config.json"),
        ("win32", {"USERPROFILE": "/u", "APPDATA": "/a"}, "vscode", "/a/Code/User/mcp.json"),
        ("win32", {"USERPROFILE": "/u", "HOME": "/other"}, "zed", "/u/AppData/Roaming/Zed/settings.json"),
        ("win32", {"USERPROFILE": "/u"}, "windsurf", "/u/.codeium/windsurf/mcp_config.json"),
    ],
)
def test_the_files_on_each_system(platform: str, environ: dict[str, str], client: str, path: str) -> None:
    folders = client_folders(environ, platform)

    assert folders.resolve(BY_NAME[client].path(folders.platform)).as_posix() == path


@pytest.mark.parametrize(
    ("platform", "folder"), [("darwin", "Library/Application Support/Claude"), ("win32", "AppData/Roaming/Claude")]
)
def test_a_client_of_other_systems(user: User, monkeypatch: pytest.MonkeyPatch, platform: str, folder: str) -> None:
    home = {"HOME": str(user.home), "USERPROFILE": str(user.home)}
    monkeypatch.setattr(config, "client_folders", lambda: client_folders(home, platform))
    file = user.home / folder / "claude_desktop_config.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"globalShortcut": ""}')
    code, out, _ = user.runs("install", "claude-desktop")

    assert code == 0
    assert out.startswith(f"Added mcpServers.posthog in {file}.\n")
    assert json.loads(file.read_text()) == {
        "globalShortcut": "",
        "mcpServers": {"posthog": {"command": SERVER, "args": []}},
    }
    assert user.runs("uninstall", "claude-desktop")[0] == 0
    assert json.loads(file.read_text()) == {"globalShortcut": "", "mcpServers": {}}


def test_everything_else_in_the_file_stays(user: User) -> None:
    before = {"theme": "dark", "mcpServers": {"other": {"url": "https://x.example"}}, "z": [1, {"a": None}]}
    file = user.has("cursor", json.dumps(before, indent=4) + "\n")
    file.chmod(0o640)
    user.runs("install", "cursor")

    after = json.loads(file.read_text())
    assert after.pop("mcpServers") == {"other": {"url": "https://x.example"}, "posthog": entry(user, "cursor")}
    assert list(json.loads(file.read_text())) == ["theme", "mcpServers", "z"]
    assert after == {"theme": "dark", "z": [1, {"a": None}]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    (backup,) = backups(file)
    assert (json.loads(backup.read_text()), stat.S_IMODE(backup.stat().st_mode)) == (before, 0o640)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"mcpServers": {', "it is not valid JSON"),
        ("[]", "it is not a JSON object"),
        ('{"mcpServers": []}', "not an object"),
        ('{"a": 1, "a": 2}', "occurs twice"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"{" + b" " * 5_300_000 + b"}", "larger than 5 MB"),
    ],
)
@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_broken_file_is_left_alone(user: User, command: str, content: str | bytes, says: str) -> None:
    file = user.has("cursor", content)
    before = file.read_bytes()
    code, _, err = user.runs(command, "cursor")

    assert (code, file.read_bytes(), backups(file)) == (1, before, [])
    assert says in err


def test_a_file_with_comments_is_not_rewritten(user: User) -> None:
    content = '// my settings\n{\n  "theme": "One", // dark\n}\n'
    file = user.has("zed", content)
    code, out, err = user.runs("install", "zed")
    assert (code, file.read_text(), backups(file)) == (1, content, [])
    assert "it has comments or trailing commas, which would be lost" in err
    shown = json.loads(out[out.index("{") : out.rindex("}") + 1])
    assert shown == {"context_servers": {"posthog": {"source": "custom", "command": SERVER, "args": []}}}
    assert f"Put it into {file}:" in out

    file.write_text(f"// mine\n{json.dumps(shown)}")
    assert "already as wanted" in user.runs("install", "zed")[1]
    code, _, err = user.runs("uninstall", "zed")
    assert code == 1
    assert "Remove context_servers.posthog by hand." in err


def test_an_entry_of_another_server_is_not_replaced(user: User) -> None:
    other = {"url": "https://mcp.posthog.com/mcp"}
    file = user.has("cursor", json.dumps({"mcpServers": {"posthog": other}}))
    before = file.read_bytes()
    for command in ("install", "uninstall"):
        code, _, err = user.runs(command, "cursor")
        assert (code, file.read_bytes()) == (1, before)
        assert "has an entry 'posthog' that does not start this server" in err

    assert user.runs("install", "cursor", "--name", "posthog-errors")[0] == 0
    assert (entry(user, "cursor"), entry(user, "cursor", "posthog-errors")["command"]) == (other, SERVER)
    code, out, _ = user.runs("install", "cursor", "--replace")
    assert (code, out.startswith("Replaced ")) == (0, True)
    assert entry(user, "cursor")["command"] == SERVER


def test_variables_of_an_entry_by_hand_stay_and_its_key_until_there_is_a_login(user: User) -> None:
    env = {"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": "https://eu.posthog.com", "HTTPS_PROXY": "http://p:1"}
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "cursor": ("env", {"command": "mcp-errortracking", "env": env}),
        "opencode": ("environment", {"command": ["mcp-errortracking"], "environment": env}),
        "cline": ("env", {"transport": {"type": "stdio", "command": "mcp-errortracking", "env": env}}),
    }
    for client, (member, data) in forms.items():
        for outer in reversed((*BY_NAME[client].members, "posthog")):
            data = {outer: data}
        user.has(client, json.dumps(data))
        code, out, _ = user.runs("install", client, "--project", "7")
        installed = entry(user, client)
        assert (code, installed.get("transport", installed)[member]) == (0, env | {"POSTHOG_PROJECT_ID": "7"})
        assert KEY not in out

    (user.home / ".posthog").mkdir()
    (user.home / ".posthog" / "credentials.json").write_text(json.dumps({"token": KEY, "host": EU}))
    file = user.file("cursor")
    other = json.loads(file.read_text())
    other["mcpServers"]["posthog"]["env"]["POSTHOG_HOST"] = "https://us.posthog.com"
    file.write_text(json.dumps(other))  # a key of another host than that of the login stays
    assert user.runs("install", "cursor")[0] == 0
    assert entry(user, "cursor")["env"]["POSTHOG_PERSONAL_API_KEY"] == KEY

    file.write_text(json.dumps({"mcpServers": {"posthog": {"command": "mcp-errortracking", "env": env}}}))
    without = {name: value for name, value in env.items() if name != "POSTHOG_PERSONAL_API_KEY"}
    assert user.runs("install", "cursor", "--project", "7")[0] == 0
    assert entry(user, "cursor")["env"] == without | {"POSTHOG_PROJECT_ID": "7"}
    assert user.runs("install", "cursor", "--replace")[0] == 0
    assert "env" not in entry(user, "cursor")


def test_a_link_stays_a_link(user: User, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "cursor.json"
    target.parent.mkdir()
    target.write_text('{"a": 1}')
    file = user.has("cursor")
    file.symlink_to(target)
    assert user.runs("install", "cursor")[0] == 0
    assert file.is_symlink()
    assert list(json.loads(target.read_text())) == ["a", "mcpServers"]
    assert [one.parent for one in backups(target)] == [target.parent]

    target.unlink()
    code, _, err = user.runs("install", "cursor")
    assert (code, target.exists()) == (1, False)
    assert "is a link to" in err
    assert "which does not exist. Nothing was changed." in err


def test_a_read_only_file_is_left_alone(user: User) -> None:
    file = user.has("cursor", "{}")
    file.chmod(0o444)
    code, _, err = user.runs("install", "cursor")

    assert (code, file.read_text(), backups(file)) == (1, "{}", [])
    assert "is read-only. Nothing was changed. Make it writable, and repeat." in err


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_what_is_not_a_file_is_left_alone(user: User, command: str) -> None:
    file = user.has("cursor")
    pipe = file.with_name("pipe")
    os.mkfifo(pipe)
    file.symlink_to(pipe)
    code, _, err = user.runs(command, "cursor")

    assert (code, pipe.is_fifo(), backups(pipe)) == (1, True, [])
    assert "Not a regular file. Nothing was changed." in err


def test_a_folder_that_another_program_has_locked(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file = user.has("cursor", "{}")
    monkeypatch.setattr(config_file, "_LOCK_TRIES", 3)
    monkeypatch.setattr(config_file, "_LOCK_PAUSE", 0)
    other = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    code, _, err = user.runs("install", "cursor")
    assert (code, file.read_text(), backups(file)) == (1, "{}", [])
    assert f"Another program has locked {file.parent}. Nothing was changed. End it, and repeat." in err

    os.close(other)
    assert user.runs("install", "cursor")[0] == 0


def test_a_file_that_another_program_holds_is_left_alone(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file = user.has("cursor", "{}")

    def refuse(*_: object) -> None:  # as Windows refuses to replace an open file
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    monkeypatch.setattr(os, "replace", refuse)
    code, _, err = user.runs("install", "cursor")

    assert (code, file.read_text()) == (1, "{}")
    assert "being used by another process. Nothing was changed. Close the client and repeat" in err
    assert [one.name for one in file.parent.iterdir() if one.name.startswith(".")] == []


def test_a_change_by_the_client_meanwhile_is_kept(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file = user.has("cursor", "{}")
    texts = list[str]()

    def edit(text: str) -> str:
        texts.append(text)
        if len(texts) == 1:
            file.write_text('{"by the client": 1}')
        return text.replace("}", ' "ours": 2}')

    changed = config_file.change_file(file, edit)

    assert changed is not None
    assert texts == ["{}", '{"by the client": 1}']
    assert file.read_text() == '{"by the client": 1 "ours": 2}'
    assert [one.read_text() for one in backups(file)] == ['{"by the client": 1}']


def test_a_file_that_never_rests_is_left_alone(user: User) -> None:
    file = user.has("cursor", "{}")
    times = list[int]()

    def edit(text: str) -> str:
        times.append(1)
        file.write_text(f'{{"n": {len(times)}}}')
        return text + " "

    with pytest.raises(config_file.ConfigFileError, match="is being changed by another program"):
        config_file.change_file(file, edit)

    assert (file.read_text(), len(times), backups(file)) == ('{"n": 3}', 3, [])


@pytest.mark.parametrize(
    ("python", "files", "command"),
    [
        ("venv/bin/python", ["venv/bin/mcp-errortracking"], ["venv/bin/mcp-errortracking"]),
        ("venv/Scripts/python.exe", ["venv/Scripts/mcp-errortracking.exe"], ["venv/Scripts/mcp-errortracking.exe"]),
        ("plain/bin/python", [], ["plain/bin/python", "-I", "-m", "mcp_errortracking"]),
        (
            "cache/archive-v0/x1/bin/python",
            ["cache/archive-v0/x1/bin/mcp-errortracking"],
            ["bin/uvx", "mcp-errortracking"],
        ),
    ],
)
def test_the_command_starts_this_installation(
    user: User, monkeypatch: pytest.MonkeyPatch, python: str, files: list[str], command: list[str]
) -> None:
    for name in (*files, "bin/uvx"):
        file = user.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(user.home / python))
    user.has("cursor")
    assert user.runs("install", "cursor")[0] == 0

    installed = entry(user, "cursor")
    first, *rest = [installed["command"], *installed["args"]]
    assert [first.removeprefix(f"{user.home}/"), *rest] == command


def test_several_installs_at_once_lose_none(user: User) -> None:
    user.has("cursor", '{"kept": true}')
    names = [f"posthog-{number}" for number in range(4)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")}
    both = [
        Forked(("install", "cursor", "--name", name), environment | user.environment(), text=True) for name in names
    ]
    for process in both:
        with process:
            process.communicate(40)

    assert [process.returncode for process in both] == [0] * 4
    data = json.loads(user.file("cursor").read_text())
    assert (data["kept"], sorted(data["mcpServers"])) == (True, names)


def test_a_client_that_is_not_there(user: User) -> None:
    code, _, err = user.runs("install", "cursor")
    assert (code, user.file("cursor").parent.exists()) == (1, False)
    assert "so Cursor seems not to be installed" in err

    assert user.runs("install", "cursor", "--force")[0] == 0
    assert stat.S_IMODE(user.file("cursor").stat().st_mode) == 0o600


def test_print_changes_nothing_and_shows_no_key(user: User) -> None:
    file = user.has("cursor")
    variables = {"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": "https://eu.posthog.com"}
    code, out, err = user.runs("install", "cursor", "--print", "--with-key", **variables)

    assert (code, err, file.exists()) == (0, "", False)
    assert '"POSTHOG_PERSONAL_API_KEY": "phx_..."' in out
    assert "https://eu.posthog.com" in out
    assert "Or open: https://cursor.com/en/install-mcp?name=posthog&config=" in out
    assert KEY not in out


def test_a_key_is_written_only_on_request_and_never_beside_a_login(user: User) -> None:
    file = user.has("cursor", "{}")
    file.chmod(0o644)
    variables = {"POSTHOG_PERSONAL_API_KEY": KEY}
    code, out, _ = user.runs("install", "cursor", **variables)
    assert (code, KEY in file.read_text()) == (0, False)
    assert "No key was found yet. Log in with: mcp-errortracking login" in out

    code, out, _ = user.runs("install", "cursor", "--with-key", **variables)
    assert (code, entry(user, "cursor")["env"]) == (0, {"POSTHOG_PERSONAL_API_KEY": KEY})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in out

    (user.home / ".posthog").mkdir()
    (user.home / ".posthog" / "credentials.json").write_text(
        json.dumps({"token": KEY, "host": "https://us.posthog.com"})
    )
    code, _, err = user.runs("install", "cursor", "--with-key", **variables)
    assert code == 2
    assert "there is a login" in err
    code, out, _ = user.runs("install", "cursor", **variables)
    assert (code, "env" in entry(user, "cursor"), "No key" in out) == (0, False, False)
    code, _, err = user.runs("install", "codex", "--with-key", HOME="/nonexistent", **variables)
    assert code == 2
    assert "would be an argument of codex" in err


def test_options_of_the_server_stand_behind_two_dashes_wherever_other_options_are(user: User) -> None:
    user.has("cursor")
    for words in (("cursor", "--project", "7"), ("--project", "7", "cursor"), ("--project=7", "--name=x", "cursor")):
        assert user.runs("install", *words, "--", "--read-only", "--toolsets", "all")[0] == 0
    for name in ("posthog", "x"):
        installed = entry(user, "cursor", name)
        assert installed["args"] == ["--read-only", "--toolsets", "all"]
        assert installed["env"] == {"POSTHOG_PROJECT_ID": "7"}
    code, _, err = user.runs("install", "cursor", "--read-only")
    assert (code, "unrecognized arguments: --read-only" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("install",), "name a client: amp, claude-code"),
        (("install", "emacs"), "unknown client 'emacs'"),
        (("uninstall", "emacs"), "unknown client 'emacs'"),
        (("install", "cursor", "--name", "a b"), "--name must have"),
        (("install", "cursor", "--with-key"), "set POSTHOG_PERSONAL_API_KEY"),
    ],
)
def test_wrong_commands(user: User, words: tuple[str, ...], says: str) -> None:
    code, _, err = user.runs(*words)

    assert code == 2
    assert says in err


def test_the_check_that_is_named_has_the_name_of_the_entry(user: User) -> None:
    user.has("copilot-cli")
    out = user.runs("install", "copilot-cli", "--name", "errors")[1]

    assert "\nNew sessions have it.\nCheck with: copilot mcp get errors\n" in out


def test_list(user: User) -> None:
    user.has("cursor")
    code, out, _ = user.runs("install", "--list")
    lines = {line.split()[0]: line for line in out.splitlines()}

    assert code == 0
    assert list(lines) == list(BY_NAME) == sorted(BY_NAME)
    assert lines["cursor"].endswith(str(user.file("cursor")))
    assert lines["zed"].endswith("(the client seems not to be there)")
    assert lines["claude-code"].endswith("needs the program claude, which is not on PATH")


def test_clients_whose_entry_is_printed(user: User) -> None:
    code, out, _ = user.runs("install", "jetbrains")
    assert (code, out.startswith("Paste it in Settings, Tools, AI Assistant")) == (0, True)
    assert json.loads(out[out.index("{") : out.rindex("}") + 1]) == {
        "mcpServers": {"posthog": {"command": SERVER, "args": []}}
    }
    code, out, _ = user.runs("install", "claude-desktop")  # not on Linux
    assert code == 1
    code, out, _ = user.runs("install", "goose", "--", "--read-only")
    assert code == 0
    assert f'    cmd: "{SERVER}"\n    args: ["--read-only"]\n' in out


CODEX = """#!/bin/sh
echo "$@" >> "$HOME/calls"
case "$2" in
    get) if [ -f "$HOME/entry" ]; then cat "$HOME/entry"; else exit 1; fi ;;
    add) [ -f "$HOME/broken" ] && { echo "no space left"; exit 3; }
         shift 4; command=$1; shift
         printf 'posthog\\n  command: %s\\n  args: %s\\n' "$command" "${*:--}" > "$HOME/entry" ;;
    remove) rm "$HOME/entry" ;;
esac
"""


def calls(user: User) -> list[str]:
    file = user.home / "calls"
    found = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def test_a_client_with_a_command_of_its_own(user: User) -> None:
    code, out, err = user.runs("install", "codex")
    assert code == 1
    assert "codex was not found on PATH, so nothing was changed." in err
    assert out == f"  codex mcp add posthog -- {SERVER}\n"

    program = user.home / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(CODEX)
    program.chmod(0o755)
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    add = f"mcp add posthog -- {SERVER} --read-only"
    code, out, err = user.runs("install", "codex", "--", "--read-only", **environment)
    assert (code, err, calls(user)) == (0, "", ["mcp get posthog", add])
    assert f"Added the entry posthog by: codex {add}\n" in out

    assert user.runs("install", "codex", "--", "--read-only", **environment)[0] == 0
    assert calls(user) == ["mcp get posthog"]
    assert user.runs("install", "codex", **environment)[0] == 0
    assert calls(user) == ["mcp get posthog", "mcp remove posthog", f"mcp add posthog -- {SERVER}"]

    (user.home / "broken").touch()
    code, _, err = user.runs("install", "codex", "--", "--read-only", **environment)
    assert code == 1
    assert "no space left" in err
    assert f"The entry before was removed. It was:\nposthog\n  command: {SERVER}" in err

    (user.home / "broken").unlink()
    with_key = f"posthog\n  command: mcp-errortracking\n  env: POSTHOG_PERSONAL_API_KEY={KEY}\n"
    (user.home / "entry").write_text(with_key)
    calls(user)
    code, _, err = user.runs("install", "codex", **environment)
    assert (code, calls(user)) == (2, ["mcp get posthog"])
    assert "holds a key, and there is no login yet. Nothing was changed." in err
    (user.home / ".posthog").mkdir()
    (user.home / ".posthog" / "credentials.json").write_text(json.dumps({"token": KEY, "host": EU}))
    (user.home / "broken").touch()
    code, out, err = user.runs("install", "codex", **environment)
    assert code == 1
    assert "env: POSTHOG_PERSONAL_API_KEY=[key]" in err
    assert KEY not in out + err

    (user.home / "entry").write_text("posthog\n  command: /bin/other\n  args: -\n")
    calls(user)
    for command in ("install", "uninstall"):
        code, _, err = user.runs(command, "codex", **environment)
        assert (code, calls(user)) == (2, ["mcp get posthog"])
        assert "does not start this server" in err
    assert user.runs("uninstall", "codex", "--replace", **environment)[0] == 0
    assert calls(user) == ["mcp get posthog", "mcp remove posthog"]
    assert "has no entry posthog" in user.runs("uninstall", "codex", **environment)[1]


def test_no_program_of_the_working_folder_is_run(user: User, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    planted = checkout / "codex"
    planted.write_text('#!/bin/sh\ntouch "$HOME/ran"\n')
    planted.chmod(0o755)
    for path in (".", "", str(checkout)):
        code, _, err = run_here("install", "codex", folder=checkout, **user.environment() | {"PATH": path})
        assert code == 1
        assert "was not found on PATH" in err
    assert not (user.home / "ran").exists()
