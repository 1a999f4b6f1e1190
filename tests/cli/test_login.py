"""Login, logout and whoami, against a sandbox, with a browser that approves, denies, or does nothing."""

import json
import os
import re
import shlex
import signal
import stat
import sys
import webbrowser
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keyring.core
import pytest

from mcp_errortracking.cli import login
from mcp_errortracking.config import ConfigError
from tests import forked
from tests.command import run_here
from tests.forked import Forked
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, WITHOUT_EVENTS, SandboxProcess

APPROVE = Path(__file__).with_name("approve.py")
WRITE, ALERTS = "error_tracking:write", "hog_function:write"
BACKENDS = "tests.cli.keyring_backends"
LIST = "error-tracking-assignment-rules-list"


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    return running


@dataclass
class Person:
    """A user with a home of their own, and their browser."""

    home: Path
    decision: str = "authorize"
    scopes: list[str] = field(default_factory=lambda: [WRITE])
    project: str = "1"
    more: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def credentials(self) -> Path:
        return self.home / ".posthog" / "credentials.json"

    @property
    def note(self) -> Path:
        return self.home / "state" / "mcp_errortracking" / "login.json"

    @property
    def keyring(self) -> Path:
        return self.home / "keyring.json"

    @property
    def pages(self) -> list[str]:
        seen = self.home / "seen"
        return seen.read_text().splitlines() if seen.exists() else []

    def environment(self) -> dict[str, str]:
        wanted = {"decision": self.decision, "scopes": self.scopes, "project": self.project}
        return {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "BROWSER": f"{shlex.join([sys.executable, str(APPROVE)])} %s",
            "TEST_BROWSER": json.dumps(wanted | {"seen": str(self.home / "seen")}),
            "TEST_KEYRING": str(self.keyring),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "MCP_JOURNAL": "off",
        } | self.more

    def with_keyring(self, name: str = "FileBackend") -> "Person":
        self.more["PYTHON_KEYRING_BACKEND"] = f"{BACKENDS}.{name}"
        return self

    def runs(self, *words: str, stdin: str = "", **environment: str) -> tuple[int, str, str]:
        webbrowser._tryorder = None  # pyright: ignore[reportAttributeAccessIssue] # read BROWSER again, as a new process does
        keyring.core._keyring_backend = None
        return run_here(*words, stdin=stdin, **self.environment() | environment)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def stored(person: Person) -> Any:
    return json.loads(person.credentials.read_text())


def keys(sandbox: SandboxProcess, key: str) -> Any:
    return sandbox.http.get(
        f"{sandbox.url}/api/personal_api_keys/@current/", headers={"Authorization": f"Bearer {key}"}
    ).json()


def paths(sandbox: SandboxProcess) -> list[str]:
    return [entry["path"] for entry in sandbox.journal()]


def test_a_login_in_the_browser_without_a_keyring(sandbox: SandboxProcess, person: Person) -> None:
    code, out, err = person.runs("login", "--host", sandbox.url)

    assert (code, err) == (0, "")
    saved = stored(person)
    assert set(saved) == {"host", "token", "env_id"}  # as posthog-cli writes them
    assert (saved["host"], saved["env_id"]) == (sandbox.url, "1")
    assert stat.S_IMODE(person.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(person.credentials.parent.stat().st_mode) == 0o700
    (page,) = person.pages
    user_code = page.partition("code=")[2].partition("&")[0]
    assert page == f"{sandbox.url}/cli/authorize?code={user_code}&use_cases=error_tracking"
    assert f"Your code: {user_code}\n" in out
    assert f"Logged in to {sandbox.url}, project 1.\nThe key is stored in {person.credentials}.\n" in out
    assert "That file is not encrypted" in out
    assert "this system has no keyring that a program can use" in out
    assert "  alerts: hog_function:read, hog_function:write\n" in out
    assert f'edit the key "{keys(sandbox, saved["token"])["label"]}" at {sandbox.url}/settings/user-api-keys' in out
    assert saved["token"] not in out + err + person.note.read_text()


def test_the_server_finds_the_key_without_a_variable(sandbox: SandboxProcess, person: Person) -> None:
    for place in ("file", "keyring"):
        person.with_keyring().runs("login", "--host", sandbox.url, "--store", place)
        sandbox.empty_journal()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
        code, out, err = forked.run("call", LIST, '{"limit": 1}', environment=environment | person.environment())

        assert (code, err) == (0, ""), place
        assert out.startswith("1 of ")
        (entry,) = sandbox.journal()
        assert (entry["path"], entry["key"].startswith("CLI - ")) == (
            "/api/projects/1/error_tracking/assignment_rules/",
            True,
        )


def test_a_login_in_the_keyring(sandbox: SandboxProcess, person: Person) -> None:
    code, out, err = person.with_keyring().runs("login", "--host", sandbox.url)

    assert (code, err) == (0, "")
    assert "The key is stored in the keyring of this system.\n" in out
    assert not person.credentials.exists()
    entries = json.loads(person.keyring.read_text())
    assert list(entries) == [f"mcp-errortracking/{sandbox.url}"]
    entry = json.loads(entries[f"mcp-errortracking/{sandbox.url}"])
    assert entry["project"] == "1"
    note = person.note.read_text()
    assert (json.loads(note)["place"], json.loads(note)["host"]) == ("keyring", sandbox.url)
    assert entry["key"] not in note + out + err

    code, out, err = person.runs("whoami")
    assert (code, err) == (0, "")
    assert f"host     {sandbox.url}\nuser     not shown: the key lacks user:read\nproject  1\n" in out
    assert "stored   mcp-errortracking login (keyring: test)\n" in out
    assert f"scopes   {WRITE}\n" in out
    assert entry["key"] not in out


def test_variables_and_options_win_over_a_login(sandbox: SandboxProcess, person: Person) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    by_variable = {"POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_HOST": sandbox.url, "POSTHOG_PROJECT_ID": "2"}
    by_cli = {"POSTHOG_CLI_API_KEY": FULL, "POSTHOG_CLI_HOST": sandbox.url}

    def whoami(*options: str, **environment: str) -> Mapping[str, Any]:
        return json.loads(person.runs("whoami", "--json", *options, **environment)[1])

    assert whoami(**by_variable)["source"] == "environment variable POSTHOG_PERSONAL_API_KEY"
    assert whoami(**by_variable)["project"] == "2"
    assert whoami(**by_cli)["source"] == "the environment variables of posthog-cli"
    assert whoami()["source"] == "mcp-errortracking login (keyring: test)"
    assert whoami("--project", "2")["project"] == "2"
    assert whoami(POSTHOG_PROJECT_ID="2")["project"] == "2"
    person.credentials.parent.mkdir()
    person.credentials.write_text(json.dumps({"host": sandbox.url, "token": FULL, "env_id": "2"}))
    person.credentials.chmod(0o600)
    assert whoami()["source"] == "mcp-errortracking login (keyring: test)"
    person.note.unlink()
    assert whoami()["source"] == f"posthog-cli login ({person.credentials})"


def test_a_key_of_a_login_goes_to_no_other_host(sandbox: SandboxProcess, person: Person) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    with FaultServer([http(200, {})]) as other:
        code, _, err = person.runs("whoami", "--host", other.url)

        assert (code, other.received) == (2, [])
    assert f"is for {sandbox.url}" in err


def test_whoami_of_a_key_that_may_do_everything(sandbox: SandboxProcess, person: Person) -> None:
    person.scopes = ["*"]
    person.runs("login", "--host", sandbox.url)
    code, out, _ = person.runs("whoami", "--json")
    facts = json.loads(out)

    assert code == 0
    assert (facts["user"], facts["scopes"], facts["unusable"]) == ("ada@acme.example", ["*"], {})
    assert person.runs("whoami")[1].endswith("The key can be used for every tool.\n")


def test_no_line_of_output_or_log_holds_the_key(sandbox: SandboxProcess, person: Person) -> None:
    person.scopes = ["*"]
    for place in ("file", "keyring"):
        loud = ("--log-level", "debug")
        _, out, err = person.with_keyring().runs("login", "--host", sandbox.url, "--store", place, *loud)
        said = [out, err, *person.runs("whoami", *loud)[1:], *person.runs("whoami", "--json", *loud)[1:]]
        key = (
            stored(person)["token"]
            if place == "file"
            else json.loads(json.loads(person.keyring.read_text())[f"mcp-errortracking/{sandbox.url}"])["key"]
        )
        said += [*person.runs("logout", *loud)[1:], person.note.name, "".join(person.pages)]
        assert key.startswith("phx_")
        assert "DEBUG" in "".join(said)
        assert "phx_" not in "".join(said)


def test_a_variable_that_wins_over_the_login_is_named(sandbox: SandboxProcess, person: Person) -> None:
    code, _, err = person.runs("login", "--host", sandbox.url, POSTHOG_CLI_API_KEY=FULL)

    assert code == 0
    assert err == "POSTHOG_CLI_API_KEY is set here and wins over this login: unset it to use the login.\n"


def test_the_project_is_chosen_on_the_page(sandbox: SandboxProcess, person: Person) -> None:
    code, _, err = person.runs("login", "--host", sandbox.url, "--project", "2")

    assert (code, paths(sandbox)) == (2, [])
    assert "choose the project on PostHog's page" in err


def test_the_region_is_asked_for_in_a_terminal(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"": "https://us.posthog.com", "EU": "https://eu.posthog.com", "http://127.0.0.1:9": "http://127.0.0.1:9"}
    for answer, host in answers.items():
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: f" {answer} ")
        assert ask_host(monkeypatch) == host
    monkeypatch.setattr("builtins.input", lambda _: "posthog.example")
    with pytest.raises(ConfigError, match=r"The address lacks its scheme: write https://posthog\.example"):
        ask_host(monkeypatch)

    def end(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    with pytest.raises(KeyboardInterrupt):
        ask_host(monkeypatch)


def ask_host(monkeypatch: pytest.MonkeyPatch) -> str:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    return login._ask_host()


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_whoami_lets_no_host_control_the_terminal(person: Person, more: tuple[str, ...]) -> None:
    hostile = "\x1b]0;x\x07\u202e\u009b31m\nstored   elsewhere"
    answer = http(200, {"label": hostile, "email": hostile, "scopes": [hostile, WRITE], "scoped_teams": [hostile, 7]})
    with FaultServer([answer]) as host:
        code, out, err = person.runs("whoami", *more, POSTHOG_HOST=host.url, POSTHOG_PERSONAL_API_KEY=FULL)

    assert code == 0
    assert WRITE in out
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err) is None
    assert [line for line in out.splitlines() if line.startswith("stored   elsewhere")] == []


def test_whoami_without_a_login(person: Person) -> None:
    code, out, err = person.runs("whoami")

    assert (code, out) == (1, "")
    assert err == "mcp-errortracking: Not logged in: no key is configured. Log in with: mcp-errortracking login\n"


def test_a_denied_login_stores_nothing(sandbox: SandboxProcess, person: Person) -> None:
    person.decision = "deny"
    code, _, err = person.runs("login", "--host", sandbox.url)

    assert code == 1
    assert err == (
        "mcp-errortracking: The login has expired. Nobody approved it in time, or it was denied. Nothing was stored. "
        "Run the command again.\n"
    )
    assert not person.credentials.exists()
    assert not person.note.exists()


def test_a_cancelled_login_stores_nothing(sandbox: SandboxProcess, person: Person) -> None:
    process = Forked(
        ("login", "--host", sandbox.url, "--no-browser"),
        {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")} | person.environment(),
        text=True,
    )
    with process:
        for line in process.stdout:
            if line.startswith("Waiting"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(20)

    assert process.returncode == 130
    assert err == "\nmcp-errortracking: Cancelled. Nothing was stored.\n"
    assert "Traceback" not in out
    assert person.pages == []
    assert not person.credentials.exists()


def test_an_older_posthog_gets_the_page_for_keys(person: Person) -> None:
    with SandboxProcess(None, "--age", "2025") as old:
        code, _, err = person.runs("login", "--host", old.url)
        assert code == 1
        assert f"{old.url} does not offer the login of command lines." in err
        assert f"{old.url}/settings/user-api-keys?preset=mcp_server" in err
        assert "mcp-errortracking login --with-key" in err
        assert person.pages == []

        code, out, err = person.runs("login", "--host", old.url, "--project", "1", "--with-key", stdin=f"{old.key}\n")
        assert (code, err) == (0, "")
        assert stored(person) == {"host": old.url, "token": old.key, "env_id": "1"}
        assert old.key not in out


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ("", 2, "No key was given"),
        ("phc_0123456789", 2, "is a project token"),
        ("phx_your_key...", 2, "is a placeholder"),
        ("phx_nobody_has_this_key", 1, "does not accept the API key"),
    ],
)
def test_a_key_that_cannot_be_used_is_not_stored(
    sandbox: SandboxProcess, person: Person, given: str, code: int, says: str
) -> None:
    ended, out, err = person.runs("login", "--host", sandbox.url, "--with-key", stdin=f"{given}\n")

    assert (ended, person.credentials.exists(), out) == (code, False, "")
    assert says in err
    assert not given or given not in err.replace("phc_...", "")


def test_without_the_extra_the_file_is_used_and_the_extra_named(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    reason = "the package keyring is not installed; it comes with: pip install 'mcp_errortracking[login]'"
    code, out, err = person.with_keyring().runs("login", "--host", sandbox.url)
    assert (code, err) == (0, "")
    assert f"(the keyring was not used: {reason})" in out
    assert stored(person)["host"] == sandbox.url

    code, _, err = person.runs("login", "--host", sandbox.url, "--store", "keyring")
    assert code == 2
    assert f"The keyring cannot be used: {reason}. Correct that, or leave out --store keyring." in err


def test_a_locked_keyring_gives_way_to_the_file(sandbox: SandboxProcess, person: Person) -> None:
    code, out, err = person.with_keyring("LockedBackend").runs("login", "--host", sandbox.url)

    assert (code, err) == (0, "")
    assert "the keyring was not used: KeyringLocked: Failed to unlock the collection!" in out
    assert stored(person)["host"] == sandbox.url


def test_a_locked_keyring_that_was_asked_for_is_refused_before_a_key_is_made(
    sandbox: SandboxProcess, person: Person
) -> None:
    code, _, err = person.with_keyring("LockedBackend").runs("login", "--host", sandbox.url, "--store", "keyring")

    assert (code, paths(sandbox), person.pages) == (2, [], [])
    assert "The keyring cannot be used: KeyringLocked: Failed to unlock the collection!." in err


def test_a_keyring_that_fails_at_the_end_loses_no_key(sandbox: SandboxProcess, person: Person) -> None:
    code, out, err = person.with_keyring("LosingBackend").runs("login", "--host", sandbox.url)
    assert code == 0
    assert "It goes into the file instead." in err
    assert f"The key is stored in {person.credentials}.\n" in out
    assert keys(sandbox, stored(person)["token"])["scopes"] == [WRITE]

    person.credentials.unlink()
    code, _, err = person.runs("login", "--host", sandbox.url, "--store", "keyring")
    assert (code, person.credentials.exists()) == (1, False)
    assert 'The key "CLI - ' in err
    assert f"delete it at {sandbox.url}/settings/user-api-keys" in err


def test_a_login_in_a_keyring_that_is_locked_now_is_not_taken_for_no_login(
    sandbox: SandboxProcess, person: Person
) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    for backend, reason in (("LockedBackend", "KeyringLocked"), ("Missing", "AttributeError")):
        code, _, err = person.with_keyring(backend).runs("call", LIST)
        assert code == 2
        assert f"The key of your login is in the keyring, which cannot be read: {reason}" in err
    person.keyring.write_text("{}")
    code, _, err = person.with_keyring().runs("call", LIST)
    assert code == 2
    assert "is gone from the keyring (test). Log in again with: mcp-errortracking login" in err


def test_no_place_for_a_key_is_refused_before_a_key_is_made(sandbox: SandboxProcess, person: Person) -> None:
    (person.home / ".posthog").write_text("a file where the folder should be")
    code, _, err = person.runs("login", "--host", sandbox.url)
    assert (code, paths(sandbox)) == (2, [])
    assert f"{person.credentials} cannot be written" in err
    assert "POSTHOG_HOME" in err

    code, _, err = person.runs("login", "--host", sandbox.url, HOME=str(person.home / "none"))
    assert (code, paths(sandbox)) == (2, [])
    assert not (person.home / "none").exists()

    elsewhere = person.home / "elsewhere"
    code, _, _ = person.runs("login", "--host", sandbox.url, POSTHOG_HOME=str(elsewhere))
    assert (code, json.loads((elsewhere / "credentials.json").read_text())["host"]) == (0, sandbox.url)
    assert json.loads(person.runs("whoami", "--json", POSTHOG_HOME=str(elsewhere))[1])["host"] == sandbox.url


def test_a_pipe_in_place_of_the_file_is_neither_read_nor_replaced(sandbox: SandboxProcess, person: Person) -> None:
    person.credentials.parent.mkdir()
    os.mkfifo(person.credentials)
    code, _, err = person.runs("login", "--host", sandbox.url)

    assert (code, paths(sandbox), person.credentials.is_fifo()) == (2, [], True)
    assert f"{person.credentials} cannot be written" in err
    assert person.runs("whoami")[0] == 1


def test_a_login_of_posthog_cli_for_another_host_is_not_overwritten(sandbox: SandboxProcess, person: Person) -> None:
    person.credentials.parent.mkdir()
    before = json.dumps({"host": "https://eu.posthog.com", "token": "phx_0123456789abcdef", "env_id": "42"})
    person.credentials.write_text(before)
    person.credentials.chmod(0o600)
    code, _, err = person.runs("login", "--host", sandbox.url)
    assert (code, paths(sandbox), person.credentials.read_text()) == (2, [], before)
    assert "holds a login of posthog-cli for https://eu.posthog.com" in err

    assert person.runs("login", "--host", sandbox.url, "--replace")[0] == 0
    assert stored(person)["host"] == sandbox.url


def test_two_logins_at_once_leave_one_of_them_whole(sandbox: SandboxProcess, person: Person) -> None:
    (person.home / "other").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")}
    both = list[Forked]()
    for project in ("1", "2"):
        person.project, person.scopes = project, [f"error_tracking:{'write' if project == '1' else 'read'}"]
        words = ("login", "--host", sandbox.url)
        both.append(Forked(words, environment | person.environment(), text=True))
    ended = [process.communicate(40) for process in both]
    for process in both:
        with process:
            pass

    assert [process.returncode for process in both] == [0, 0], ended
    saved = stored(person)
    scope = {"1": "error_tracking:write", "2": "error_tracking:read"}[saved["env_id"]]
    assert keys(sandbox, saved["token"])["scopes"] == [scope]
    assert [file.name for file in person.credentials.parent.iterdir()] == ["credentials.json"]


def test_a_second_login_moves_from_the_keyring_to_the_file(sandbox: SandboxProcess, person: Person) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    code, out, err = person.runs("login", "--store", "file")  # the host is that of the login before

    assert (code, err) == (0, "")
    assert f"Logged in to {sandbox.url}" in out
    assert json.loads(person.keyring.read_text()) == {}
    assert json.loads(person.runs("whoami", "--json")[1])["source"] == f"mcp-errortracking login ({person.credentials})"


def test_a_key_that_stays_in_a_locked_keyring_is_named(sandbox: SandboxProcess, person: Person) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    code, _, err = person.with_keyring("LockedBackend").runs("login")

    assert code == 0
    assert err == (
        "mcp-errortracking: The key of the login before is still in the keyring: KeyringLocked: Failed to unlock the "
        "collection!. Unlock it, and remove its entry mcp-errortracking.\n"
    )
    assert json.loads(person.runs("whoami", "--json")[1])["source"] == f"mcp-errortracking login ({person.credentials})"


def test_logout(sandbox: SandboxProcess, person: Person) -> None:
    assert person.runs("logout") == (0, "There is no login.\n", "")
    person.with_keyring().runs("login", "--host", sandbox.url)
    code, out, err = person.runs("logout")
    assert (code, err) == (0, "")
    assert out.startswith('The login was removed from the keyring (test).\nThe key "CLI - ')
    assert f"still works until you delete it at {sandbox.url}/settings/user-api-keys" in out
    assert json.loads(person.keyring.read_text()) == {}
    assert not person.note.exists()

    person.runs("login", "--host", sandbox.url, "--store", "file")
    assert person.runs("logout")[1].startswith(f"The login was removed from {person.credentials}.\n")
    assert not person.credentials.exists()


def test_logout_leaves_a_login_of_posthog_cli_unless_asked(person: Person) -> None:
    person.credentials.parent.mkdir()
    person.credentials.write_text(json.dumps({"host": "https://eu.posthog.com", "token": "phx_0123456789abcdef"}))
    person.credentials.chmod(0o600)
    code, out, _ = person.runs("logout")
    assert (code, person.credentials.exists()) == (1, True)
    assert "mcp-errortracking logout --posthog-cli" in out

    code, out, _ = person.runs("logout", "--posthog-cli")
    assert (code, person.credentials.exists()) == (0, False)
    assert out.startswith(f"The login was removed from {person.credentials}.")


def test_logout_from_a_locked_keyring_removes_nothing(sandbox: SandboxProcess, person: Person) -> None:
    person.with_keyring().runs("login", "--host", sandbox.url)
    code, _, err = person.with_keyring("LockedBackend").runs("logout")

    assert (code, person.note.exists()) == (2, True)
    assert "cannot be removed from the keyring: KeyringLocked" in err


def test_the_page_is_printed_where_no_browser_can_be_opened(person: Person) -> None:
    grant = {"status": "authorized", "personal_api_key": "phx_0123456789abcdef", "label": "CLI", "project_id": "3"}
    begin = {
        "device_code": "d" * 43,
        "user_code": "ABCD-1234",
        "verification_uri_complete": "http://internal.example/cli/authorize?code=ABCD-1234",
        "expires_in": 600,
        "interval": 5,
    }
    for more in ({"BROWSER": "/nonexistent/browser %s"}, {"BROWSER": "w3m"}):
        with FaultServer([http(200, begin), http(200, grant), http(404, {"detail": "Not found."})]) as server:
            code, out, _ = person.runs("login", "--host", server.url, **more)
        assert code == 0
        # On the host that the user named, not the one that PostHog believes to have.
        assert f"  {server.url}/cli/authorize?code=ABCD-1234&use_cases=error_tracking\n" in out
        assert "No browser could be opened here." in out
        assert [request.target for request in server.received][:2] == [
            "/api/cli-auth/device-code/",
            "/api/cli-auth/poll/",
        ]
        assert all("authorization" not in request.headers for request in server.received[:2])
        person.runs("logout")
