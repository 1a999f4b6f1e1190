"""The checks of the `doctor` command: address, key, scopes, project, path form, shared limits, OAuth."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import anyio

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.catalog.assignment_rules import ListAssignmentRules
from mcp_errortracking.compose import examine_issuer, proxy_for, store_for
from mcp_errortracking.config import ConfigError, OAuthSettings, PostHogSettings
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.explanation import Explanation
from mcp_errortracking.oauth.errors import IssuerError
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.address import KEY_PATH, form_root
from mcp_errortracking.proxy.errors import PostHogError, RefusedBeforeError
from mcp_errortracking.proxy.key import name_projects, projects_of
from mcp_errortracking.proxy.rate_limit.store import shown_address
from mcp_errortracking.proxy.rate_limit.store_check import StoreProblemError, check_store
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.server.key_scopes import read_scopes
from mcp_errortracking.server.selection import covers
from mcp_errortracking.server.toolbox import Toolbox

READ, WRITE = "error_tracking:read", "error_tracking:write"
_MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding, and the next step if something is wrong."""

    name: str
    verdict: Literal["ok", "warning", "problem"]
    explanation: Explanation

    @classmethod
    def of(cls, name: str, verdict: Literal["ok", "warning", "problem"], finding: str, fix: str = "") -> "Check":
        """Return the check of a finding that needs no reason."""
        return cls(name, verdict, Explanation("", finding, next_step=fix))

    @property
    def finding(self) -> str:
        """The finding on one line: it quotes PostHog, and may not control the terminal."""
        return clean(self.explanation.reason)

    @property
    def fix(self) -> str:
        """The next step on one line."""
        return clean(self.explanation.next_step)

    def as_json(self) -> dict[str, str]:
        """Return the check as data."""
        return {"name": self.name, "verdict": self.verdict, "finding": self.finding, "fix": self.fix}


def run(settings: PostHogSettings, oauth: OAuthSettings | None = None, *, as_json: bool) -> int:
    """Check the settings and print the findings. Return 1 if there is a problem, else 0."""
    checks = list[Check]()

    def report(check: Check) -> None:
        checks.append(check)
        if not as_json:
            print(f"{_MARKS[check.verdict]}  {check.name}: {check.finding}", flush=True)
            if check.fix:
                print(f"         to fix: {check.fix}")

    anyio.run(examine, settings, report, oauth or OAuthSettings())
    if as_json:
        print(json.dumps({"checks": [check.as_json() for check in checks]}, ensure_ascii=False))
    return 1 if any(check.verdict == "problem" for check in checks) else 0


async def problem(proxy: Proxy) -> str | None:
    """Return the problem with PostHog in one sentence; None if it answers and accepts the key, if one is configured."""
    try:
        if not proxy.has_key:
            await proxy.reach()
            return None
        await proxy.send("GET", KEY_PATH)
    except PostHogError as error:
        return None if _is_older_server(error) else error.what
    return None


def _is_older_server(error: PostHogError) -> bool:
    """True if an older server answered, which does not describe a key."""
    return error.status in (403, 404) and not isinstance(error, RefusedBeforeError)


async def examine(settings: PostHogSettings, report: Callable[[Check], None], oauth: OAuthSettings) -> None:
    """Make the checks in order until the first problem; never show the key or a password."""
    await _check_store(settings, report)
    await _check_oauth(oauth, report)
    report(Check.of("host", "ok", settings.host))
    if settings.key is None:
        report(
            Check.of(
                "key",
                "problem",
                "no API key is configured",
                "log in with mcp-errortracking login, or create a personal API key in PostHog (Settings, Personal "
                f"API keys) with the scopes {READ} and "
                f"{WRITE}, and set it as POSTHOG_PERSONAL_API_KEY",
            )
        )
        return
    async with proxy_for(settings) as proxy:
        for check in (_check_key, _check_project):
            try:
                await check(proxy, settings, report)
            except PostHogError as error:
                fix = error.next_step[:1].lower() + error.next_step[1:].rstrip(".")
                report(Check(_NAMES[check], "problem", replace(error.explanation, next_step=fix)))
                return


async def _check_store(settings: PostHogSettings, report: Callable[[Check], None]) -> None:
    """Check the store of the shared limits. Calls work without it, so the other checks go on."""
    url = settings.shared_limits
    if url is None:
        return
    try:
        store_for(settings)  # refuses what a start refuses
        state = await check_store(url)
    except ConfigError as error:
        report(Check.of("shared limits", "problem", str(error)))
    except StoreProblemError as problem:
        report(Check.of("shared limits", "problem", f"the store at {shown_address(url)}: {problem}", problem.fix))
    else:
        finding = f"{state.product} at {shown_address(url)} answers in {state.milliseconds:.1f} ms"
        report(Check.of("shared limits", "ok", finding))


async def _check_oauth(settings: OAuthSettings, report: Callable[[Check], None]) -> None:
    """Check the authorization server whose tokens callers present over HTTP."""
    if settings == OAuthSettings():
        return
    try:
        report(Check.of("OAuth", "ok", await examine_issuer(settings)))
    except ConfigError as error:
        report(Check.of("OAuth", "problem", str(error)))
    except IssuerError as error:
        fix = "check MCP_OAUTH_ISSUER, and that this machine can reach the authorization server"
        report(Check.of("OAuth", "problem", str(error), fix))


async def _check_key(proxy: Proxy, settings: PostHogSettings, report: Callable[[Check], None]) -> None:
    began = time.monotonic()
    try:
        # Every key may read itself, with any scopes (contract 1.8).
        data = (await proxy.send("GET", KEY_PATH)).data
    except PostHogError as error:
        if not _is_older_server(error):
            raise
        finding = f"found in {settings.source}; this PostHog is too old to describe the key's scopes"
        report(Check.of("key", "warning", finding))
        return
    key = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    took = (time.monotonic() - began) * 1000
    report(Check.of("key", "ok", f"accepted in {took:.0f} ms; found in {settings.source}"))
    _check_scopes(key, report)
    projects = projects_of(key)
    if projects and settings.project != "@current" and int(settings.project) not in projects:
        report(
            Check.of(
                "key",
                "problem",
                f"it is limited to other projects than {settings.project}: {name_projects(projects)}",
                "set POSTHOG_PROJECT_ID to one of them, or let the key's owner add the project",
            )
        )


def _check_scopes(key: Any, report: Callable[[Check], None]) -> None:
    held = read_scopes(key)
    if held is None:
        return
    box = Toolbox()
    usable = box.names_for(held)
    unused = [tool for tool in box.names if tool not in usable]
    if not unused:
        report(Check.of("scopes", "ok", f"all {len(usable)} tools of the default set can be used"))
        return
    lacking = sorted({scope for tool in unused for scope in CATALOG[tool].scopes if not covers(held, scope)})
    verdict = "warning" if usable else "problem"
    finding = f"{len(usable)} of {len(box.names)} tools can be used; for the others it lacks {', '.join(lacking)}"
    report(Check.of("scopes", verdict, finding, "add them to the key in PostHog's Settings, Personal API keys"))


async def _check_project(proxy: Proxy, settings: PostHogSettings, report: Callable[[Check], None]) -> None:
    page = await send_endpoint(proxy, ListAssignmentRules(limit=1))
    count = cast("dict[str, Any]", page).get("count") if isinstance(page, dict) else None
    rules = f", {count} assignment rules" if isinstance(count, int) else ""
    report(Check.of("project", "ok", f"{settings.project} can be read{rules}"))
    if proxy.form == "environments":
        report(Check.of("paths", "warning", "this PostHog is older than mid 2026: some tools may be too new for it"))
    else:
        report(Check.of("paths", "ok", form_root("projects")))


_NAMES: dict[Any, str] = {_check_key: "key", _check_project: "project"}
