"""Every setting of the table, as the command line and the environment give it, and as the docs and help name it."""

import ast
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mcp_errortracking
from mcp_errortracking import config
from mcp_errortracking.cli.main import parse
from mcp_errortracking.cli.options import given
from mcp_errortracking.config import GROUPS, SETTINGS, VARIABLES, ConfigError, ScopeGrant
from mcp_errortracking.config.settings import Setting, settings_of
from mcp_errortracking.server.toolbox import Toolbox
from tests.command import run_here

ROOT = Path(__file__).parents[1]
KEY, OTHER_KEY = "phx_0123456789abcdef", "phx_fedcba9876543210"

LOADERS: dict[str, Callable[..., Any]] = {
    "PostHog": config.load_posthog,
    "Tools": config.load_tool_selection,
    "Transport": config.load_listen,
    "HTTP": config.load_http,
    "OAuth": config.load_oauth,
    "Logs": config.load_log,
}

VALUES: dict[str, tuple[tuple[str, Any], tuple[str, Any], str | None]] = {
    "host": (
        ("https://eu.posthog.com", "https://eu.posthog.com"),
        ("http://localhost:1", "http://localhost:1"),
        "ftp://x",
    ),
    "key": ((KEY, KEY), (OTHER_KEY, OTHER_KEY), "phc_0123"),
    "project": (("7", "7"), ("@current", "@current"), "0"),
    "release_mode": (("symbol-set", "symbol-set"), ("EVENT", "event"), "none"),
    "rate_limited": (("1", True), ("off", False), "2"),
    "shared_limits": (
        ("redis://:secret@a.example:1/0", "redis://:secret@a.example:1/0"),
        ("valkeys://b", "rediss://b"),
        "http://a.example",
    ),
    "journal": (("/a.db", Path("/a.db")), ("OFF", "off"), "phx_0123456789abcdef"),
    "toolsets": (("issues, alerts", ("issues", "alerts")), ("all", ("all",)), None),
    "tools": (("a,b", ("a", "b")), ("c", ("c",)), None),
    "exclude": (("a", ("a",)), ("b", ("b",)), None),
    "read_only": (("1", True), ("0", False), "maybe"),
    "confirm": (("writes", "writes"), ("DESTRUCTIVE", "destructive"), "always"),
    "roots": (("/a", (Path("/a"),)), ("off", ()), None),
    "max_result_tokens": (("100", 100), ("1000000", 10**6), "99"),
    "structured": (("always", "always"), ("NEVER", "never"), "yes"),
    "transport": (("http", "http"), ("SSE", "sse"), "tcp"),
    "bind": (("::1", "::1"), ("127.0.0.1", "127.0.0.1"), None),
    "port": (("0", 0), ("65535", 65535), "65536"),
    "tokens": (("a" * 16, ["a" * 16]), ("b" * 16, ["b" * 16]), "short"),
    "token_file": (("one", Path("one")), ("two", Path("two")), None),
    "caller_keys": (("yes", True), ("no", False), "2"),
    "allowed_hosts": (("a.example,b", ("a.example", "b")), ("c", ("c",)), None),
    "allowed_origins": (("https://a.example", ("https://a.example",)), ("http://b", ("http://b",)), None),
    "timeout": (("1", 1.0), ("3600", 3600.0), "3600.5"),
    "max_calls": (("1", 1), ("100000", 100_000), "100001"),
    "max_sessions": (("1", 1), ("100000", 100_000), "0"),
    "idle": (("1", 1.0), ("10000000", 1e7), "0.5"),
    "metrics": (("on", True), ("false", False), "-"),
    "issuer": (
        ("https://login.example/a/", "https://login.example/a/"),
        ("http://localhost:1", "http://localhost:1"),
        "http://login.example",
    ),
    "audience": (("a,https://b.example/mcp", ("a", "https://b.example/mcp")), ("c", ("c",)), None),
    "scopes": (
        ("a:b=read,https://x/y=alerts:read", (ScopeGrant("a:b", "read"), ScopeGrant("https://x/y", "alerts:read"))),
        ("errors", (ScopeGrant("errors", "write"),)),
        "a=All tools",
    ),
    "resource": (("https://a.example/mcp", "https://a.example/mcp"), ("http://[::1]:8", "http://[::1]:8"), "mcp"),
    "jwks": (("https://a.example/keys", "https://a.example/keys"), ("https://b", "https://b"), "https://a@b.example"),
    "introspection": (("https://a.example/i", "https://a.example/i"), ("https://b", "https://b"), "https://b?c=d"),
    "client_id": (("mcp", "mcp"), ("other", "other"), KEY),
    "client_secret": (("s3cret", "s3cret"), ("other", "other"), None),
    "log_level": (("DEBUG", "debug"), ("error", "error"), "loud"),
    "log_format": (("json", "json"), ("text", "text"), "xml"),
}
"""For each setting two texts with their values, and a text that is refused, if any is."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).write_text("a-token-of-24-characters\n")
        (tmp_path / name).chmod(0o600)


CASES = [pytest.param(name, one, id=one.field) for name, group in GROUPS.items() for one in settings_of(group)]
each_setting = pytest.mark.parametrize(("group", "one"), CASES)


def load(group: str, one: Setting, words: list[str], environ: dict[str, str]) -> Any:
    """Return the value of a setting that a command line and an environment give."""
    found = LOADERS[group](environ=environ, **given(parse(words), GROUPS[group]))
    value = getattr(found, one.field)
    if one.field in ("key", "shared_limits", "client_secret"):
        return value and value.get_secret_value()
    return [token.get_secret_value() for token in value] if one.field == "tokens" else value


def words_for(one: Setting, text: str, value: Any) -> list[str]:
    """Return the words of a command line that give a value."""
    if one.is_switch:
        return [one.option if value else f"--no-{one.option[2:]}"]
    return [f"{one.option}={text}"]


@each_setting
def test_option_alone_variable_alone_both_and_neither(group: str, one: Setting) -> None:
    (first, first_value), (second, second_value), _ = VALUES[one.field]
    default = list(one.default) if one.field == "tokens" else one.default

    assert load(group, one, [], {}) == default
    assert one.option or one.variable
    if one.variable:
        assert load(group, one, [], {one.variable: first}) == first_value
        assert load(group, one, [], {one.variable: second}) == second_value
        assert load(group, one, [], {one.variable: " "}) == default
        assert load(group, one, [], {one.variable: "${" + one.variable + "}"}) == default
    if one.option:
        assert load(group, one, words_for(one, first, first_value), {}) == first_value
        assert load(group, one, words_for(one, second, second_value), {}) == second_value
        assert load(group, one, ["serve", *words_for(one, second, second_value)], {}) == second_value
        assert load(group, one, [*words_for(one, second, second_value), "serve"], {}) == second_value
    if one.variable and one.option:
        assert load(group, one, words_for(one, second, second_value), {one.variable: first}) == second_value
        assert load(group, one, words_for(one, first, first_value), {one.variable: second}) == first_value


@each_setting
def test_an_option_and_a_variable_are_refused_in_the_same_sentence(group: str, one: Setting) -> None:
    wrong = VALUES[one.field][2]
    if wrong is None:
        assert not one.allowed
        return
    sentences = dict[str, str]()
    if one.variable:
        with pytest.raises(ConfigError) as caught:
            load(group, one, [], {one.variable: wrong})
        sentences[one.variable] = str(caught.value)
    if one.option and not one.is_switch:
        with pytest.raises(ConfigError) as caught:
            load(group, one, [f"{one.option}={wrong}"], {})
        sentences[one.option] = str(caught.value)

    assert all(sentence.startswith(f"{name} ") for name, sentence in sentences.items())
    assert len({sentence.removeprefix(name) for name, sentence in sentences.items()}) == 1
    if one.allowed:
        assert all(f"must be {one.allowed}, not {wrong!r}" in sentence for sentence in sentences.values())


def test_the_cases_are_those_of_the_table() -> None:
    assert list(VALUES) == [one.field for one in SETTINGS]
    for names in ([one.option for one in SETTINGS], [one.variable for one in SETTINGS]):
        assert len([name for name in names if name]) == len({name for name in names if name})


@pytest.mark.parametrize("text", ["0", "off", "OFF"])
@pytest.mark.parametrize("words", [True, False])
def test_the_limit_of_a_result_can_be_switched_off(text: str, words: bool) -> None:
    one = next(one for one in SETTINGS if one.field == "max_result_tokens")
    value = load("Tools", one, [one.option, text] if words else [], {} if words else {one.variable: text})

    assert value > 10**9


def test_an_empty_option_overrules_its_variable_where_empty_makes_sense() -> None:
    options = given(
        parse(["--exclude", "", "--allowed-host", "", "--no-read-only", "--root", "off"]), config.ToolSelection
    )
    environ = {"MCP_EXCLUDE": "alerts", "MCP_READ_ONLY": "1", "MCP_ROOTS": "/a"}

    assert config.load_tool_selection(environ, **options) == config.ToolSelection(roots=())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", ""], "--host is empty"),
        (["--project", ""], "--project must be a project number"),
        (["--timeout", ""], "--timeout must be a number from 1 to 3600, not ''"),
        (["--root", " "], "--root is empty: give a path, or set the variable that it comes from"),
        (["--token-file", ""], "--token-file is empty"),
        (["--transport", ""], "--transport must be one of: stdio, http, sse, not ''"),
    ],
)
def test_an_empty_option_is_refused_where_it_must_be_a_mistake(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(words)
    assert str(caught.value).startswith(says)


def refusal(read: Callable[[], object]) -> str:
    """Return the message of a refusal; empty if there is none."""
    try:
        read()
    except ConfigError as error:
        return str(error)
    return ""


@each_setting
def test_a_secret_in_the_wrong_place_is_not_shown(group: str, one: Setting) -> None:
    # A secret of no known form cannot be told from an address or a path; elsewhere it is not shown either.
    for text in (KEY, "phc_0123456789", *(["f9b0c1d2e3a4f5968778695a4b3c2d1e"] if one.allowed else [])):
        if one.variable:
            assert text not in refusal(lambda text=text: load(group, one, [], {one.variable: text}))
        if one.option and not one.is_switch:
            assert text not in refusal(lambda text=text: parse([one.option, text]))


def test_options_that_may_be_repeated() -> None:
    options = parse(["--root", "/a:b", "--root", "/c", "--allowed-host", "a,b", "--allowed-host", "c"])

    assert (options.roots, options.allowed_hosts) == ((Path("/a:b"), Path("/c")), ("a", "b", "c"))
    assert config.load_tool_selection({"MCP_ROOTS": "/a:/b"}).roots == (Path("/a"), Path("/b"))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("MCP_TOOLSET", "MCP_TOOLSETS"),
        ("MCP_READONLY", "MCP_READ_ONLY"),
        ("MCP_LOGLEVEL", "MCP_LOG_LEVEL"),
        ("MCP_ALLOWED_HOST", "MCP_ALLOWED_HOSTS"),
        ("MCP_SERVER_TOKENS", "MCP_SERVER_TOKEN"),
        ("POSTHOG_PROJECT", "POSTHOG_PROJECT_ID"),
        ("POSTHOG_PERSONAL_KEY", "POSTHOG_PERSONAL_API_KEY"),
    ],
)
def test_a_misspelled_variable_gets_the_right_name(name: str, right: str, caplog: pytest.LogCaptureFixture) -> None:
    config.warn_of_misspelled_variables({name: KEY, "HOME": "/", right: "x"})

    assert [record.getMessage() for record in caplog.records] == [
        f"{name} is not a setting and is ignored; did you mean {right}?"
    ]


@pytest.mark.parametrize(
    "name",
    [
        *VARIABLES,
        *("MCP_PROTOCOL_NEGOTIATION", "MCP_TOOL_TIMEOUT", "MCP_SERVER_PORT", "MCP_SERVER_NAME", "MCP_REQUEST_TIMEOUT"),
        *("MCP_FUZZ_TIMES", "MCP_PROXY_AUTH_TOKEN", "MCP_INSPECTOR_API_TOKEN", "MCP_AUTO_OPEN_ENABLED", "MCP_PORT"),
        *("POSTHOG_API_KEY", "POSTHOG_PROJECT_API_KEY", "POSTHOG_KEY", "POSTHOG_DISABLED", "POSTHOG_APP_HOST"),
        *("GITHUB_TOOLSETS", "XMCP_TOOLSET", "MCP_" + "TOOLSETS" * 100),
    ],
)
def test_no_warning_for_the_variables_of_others(name: str, caplog: pytest.LogCaptureFixture) -> None:
    config.warn_of_misspelled_variables({name: "x"})

    assert caplog.records == []


def test_warnings_of_misspelled_variables_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    config.warn_of_misspelled_variables({f"MCP_TOOLSETS{number}": "x" for number in range(5000)})

    assert len(caplog.records) == 5


@pytest.mark.parametrize(("text", "expected", "warns"), [("20", 20, False), ("30000", 55, True), ("soon", 55, True)])
def test_the_timeout_of_a_client_is_not_taken_for_ours(
    text: str, expected: float, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert config.load_timeout({"MCP_TIMEOUT": text}) == expected
    assert ("MCP_TIMEOUT must be a number from 1 to 3600" in caplog.text) == warns
    caplog.clear()

    assert config.load_timeout({"MCP_TIMEOUT": text}, timeout=7) == 7
    assert config.load_timeout({}, default=3600) == 3600
    assert not caplog.records


CONTRACT = {ROOT / "docs" / name for name in ("posthog-api.md", "rule-matching.md")}
"""They name variables of PostHog's own programs."""


def pages() -> dict[str, str]:
    docs = set((ROOT / "docs").glob("*.md")) - CONTRACT
    deploy = (file for file in (ROOT / "deploy").rglob("*") if file.is_file())
    files = [ROOT / "README.md", ROOT / "SECURITY.md", *docs, *deploy]
    return {file.name: file.read_text("utf-8") for file in [*files, ROOT / "manifest.json"]}


def test_every_variable_that_is_named_exists() -> None:
    sources = {str(file): file.read_text("utf-8") for file in Path(mcp_errortracking.__file__).parent.rglob("*.py")}
    for place, text in (pages() | sources).items():
        named = set(re.findall(r"\b(?:MCP|POSTHOG)_[A-Z]+(?:_[A-Z]+)*\b(?!_)", text))
        assert named - set(VARIABLES) == set(), place


@pytest.mark.parametrize("command", [(), ("serve",)])
def test_help_names_every_setting(command: tuple[str, ...]) -> None:
    _, out, _ = run_here(*command, "--help")
    text = " ".join(out.split())

    for one in SETTINGS:
        assert not one.option or f"{one.option} " in text or f"{one.option}," in text
        assert one.variable in text
        assert one.shown_default in text


def test_the_docs_name_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith(("| `", "| - |"))]

    assert len(rows) == len(SETTINGS)
    for one, row in zip(SETTINGS, rows, strict=True):
        cells = [cell.strip(" `") for cell in row.strip("|").split("|")]
        assert cells == [one.option or "-", one.variable or "-", one.shown_default, one.allowed, one.help]


def test_the_numbers_in_the_docs_are_the_defaults() -> None:
    found = re.findall(r"`(--[a-z-]+)`, ([\d,]+)( hours)?", pages()["deploy.md"] + pages()["README.md"])
    said = {option: int(text.replace(",", "")) * (3600 if hours else 1) for option, text, hours in found}

    fields = ("max_result_tokens", "timeout", "max_calls", "max_sessions", "idle")
    assert said == {one.option: one.default for one in SETTINGS if one.field in fields}


def test_the_table_of_the_readme_is_the_tables() -> None:
    rows = re.findall(r"^\| `(POSTHOG_\w+)` \| .* \| (.*)\|$", pages()["README.md"], re.MULTILINE)
    defaults = {one.variable: one.shown_default for one in SETTINGS}

    assert [variable for variable, _ in rows] == ["POSTHOG_PERSONAL_API_KEY", "POSTHOG_HOST", "POSTHOG_PROJECT_ID"]
    for variable, default in rows:
        assert default.replace("`", "").strip() == defaults[variable]


def test_the_settings_of_the_bundle_are_ours() -> None:
    manifest = json.loads(pages()["manifest.json"])
    names = {
        variable: re.fullmatch(r"\$\{user_config\.(\w+)\}", text)
        for variable, text in manifest["server"]["mcp_config"]["env"].items()
    }
    by_variable = {one.variable: one for one in SETTINGS}

    assert sorted(found[1] for found in names.values() if found) == sorted(manifest["user_config"])
    for variable, found in names.items():
        assert found
        one, asked = by_variable[variable], manifest["user_config"][found[1]]
        if "default" in asked and variable != "MCP_TOOLSETS":
            text = asked["default"] if isinstance(asked["default"], str) else str(asked["default"]).lower()
            assert one.read(text) == one.default
    assert Toolbox(toolsets=(manifest["user_config"]["toolsets"]["default"],)).names == Toolbox().names


def test_only_config_reads_the_environment() -> None:
    package = Path(mcp_errortracking.__file__).parent
    readers = set[str]()
    for file in package.rglob("*.py"):
        source = file.read_text("utf-8")
        if not re.search(r"\b(environb?|getenv)\b", source):
            continue  # parsing takes most of the time
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(file.relative_to(package).parts[0])
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                assert not {name.name for name in node.names} & {"environ", "getenv"}

    assert readers == {"config", "child.py"}  # which passes PATH and the like on to a child process
