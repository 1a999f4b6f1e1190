"""The composition root: from settings to the parts of a running server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from mcp_errortracking.config import (
    ConfigError,
    OAuthSettings,
    PostHogSettings,
    ToolSelection,
    http_proxy_for,
    roots_for,
)
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.proxy.rate_limit.store import Store
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.key_scopes import KeyScopes
from mcp_errortracking.server.rights import Grants
from mcp_errortracking.server.selection import SelectionError, can_run
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.registry import WORKFLOWS

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from mcp_errortracking.oauth.requests import Requests
    from mcp_errortracking.server.confirmation.argument import Mode
    from mcp_errortracking.server.confirmation.confirmation import Confirmation
    from mcp_errortracking.server.http.oauth import Checker, OAuth
    from mcp_errortracking.server.observe import Observer
    from mcp_errortracking.server.recording import Recorder


def proxy_for(settings: PostHogSettings, store: Store | None = None) -> Proxy:
    """Return the proxy to the PostHog that the settings describe.

    Args:
        store: of the shared limits, see `store_for`; None: only this process keeps the limits.
    """
    return Proxy(
        host=settings.host,
        key=settings.key and SecretStr(settings.key.get_secret_value()),
        project=settings.project,
        http_proxy=settings.http_proxy,
        rate_limiter=RateLimiter(settings.host, settings.rate_limited, store=store),
    )


def store_for(settings: PostHogSettings) -> Store | None:
    """Return the store in which replicas share their limits, if one is configured.

    Raises:
        ConfigError: the package redis is not installed, or does not accept the address.
    """
    if settings.shared_limits is None:
        return None
    try:
        return Store(settings.shared_limits)
    except ImportError:
        raise ConfigError("Shared limits need redis: pip install 'mcp_errortracking[redis]'") from None
    except ValueError:
        raise ConfigError(
            "--shared-limits or MCP_SHARED_LIMITS has an option or a database that redis does not know: "
            "give an address like redis://localhost:6379/0"
        ) from None


def toolbox_for(selection: ToolSelection, roots: tuple[Path, ...], *, with_journal: bool = True) -> Toolbox:
    """Return the tools that the settings select, without workflows for which the roots or the journal are missing.

    Raises:
        ConfigError: the selection names an unknown tool or toolset, or leaves no tool.
    """
    try:
        return Toolbox(
            toolsets=selection.toolsets,
            tools=selection.tools,
            exclude=selection.exclude,
            read_only=selection.read_only,
            workflows=(
                workflow
                for workflow in WORKFLOWS
                if can_run(workflow, with_files=bool(roots), with_journal=with_journal)
            ),
        )
    except SelectionError as error:
        raise ConfigError(str(error)) from None


def caller_for(
    settings: PostHogSettings,
    *,
    time_limit: float,
    max_result_tokens: int,
    roots: tuple[Path, ...],
    toolbox: Toolbox = EVERY_TOOL,
    observe: "Observer | None" = None,
    confirm: "Mode" = "never",
    per_caller: bool = False,
) -> ToolCaller:
    """Return what calls the tools of a toolbox: any tool, unless a toolbox is given.

    Args:
        per_caller: callers have keys or tokens of their own, and each sees only its own changes.
    """
    return ToolCaller(
        time_limit=time_limit,
        toolbox=toolbox,
        max_result_tokens=max_result_tokens,
        observe=observe,
        environment=Environment(roots, settings.host, settings.http_proxy, settings.release_mode),
        recorder=_recorder_for(settings, per_caller=per_caller),
        confirmation=_confirmation_for(confirm, settings.host),
    )


def _recorder_for(settings: PostHogSettings, *, per_caller: bool) -> "Recorder | None":
    file = settings.journal_file()
    if file is None:
        return None
    from mcp_errortracking.journal.store import Journal
    from mcp_errortracking.server.recording import Recorder

    return Recorder(Journal(file), settings.host, per_caller)


def _confirmation_for(mode: "Mode", host: str) -> "Confirmation | None":
    if mode == "never":
        return None
    from mcp_errortracking.server.confirmation.confirmation import Confirmation
    from mcp_errortracking.workflows.rules.simulation import effect_of

    return Confirmation(mode, host, effect=effect_of)


def server_for(
    settings: PostHogSettings,
    selection: ToolSelection,
    proxy: Proxy,
    *,
    time_limit: float,
    observe: "Observer",
    over_network: bool,
    per_caller: bool = False,
    scopes: KeyScopes | None = None,
) -> "Server[Any]":
    """Return the MCP server that the settings describe, over a proxy.

    Args:
        per_caller: callers have keys or tokens of their own: their lists of tools may differ, and each sees only its
            own changes.

    Raises:
        ConfigError: as for `roots_for` and `toolbox_for`.
    """
    from mcp_errortracking.server.app import build_server

    roots = roots_for(selection, over_network=over_network)
    caller = caller_for(
        settings,
        time_limit=time_limit,
        max_result_tokens=selection.max_result_tokens,
        roots=roots,
        toolbox=toolbox_for(selection, roots, with_journal=settings.journal_file() is not None),
        observe=observe,
        confirm=selection.confirm,
        per_caller=per_caller,
    )
    return build_server(
        proxy, caller, private_lists=per_caller, structured=selection.structured == "always", scopes=scopes
    )


def oauth_for(settings: OAuthSettings, selection: ToolSelection) -> "OAuth | None":
    """Return the check of tokens that the settings describe; None without an issuer.

    Raises:
        ConfigError: the settings do not fit together, or a grant names an unknown toolset.
    """
    settings.check()
    if settings.issuer is None:
        return None
    from mcp.server.auth.settings import AuthSettings

    from mcp_errortracking.oauth.requests import Requests
    from mcp_errortracking.server.http.oauth import IssuedTokens, OAuth, checking

    http_proxy_for(settings.issuer)
    requests = Requests(http_proxy_for)
    checker = _checker_for(settings, settings.issuer, requests)
    # Given as texts, addresses without a path stay without one: issuers are compared character by character.
    resource: Any = settings.resource_url
    issuer: Any = settings.issuer
    return OAuth(
        AuthSettings(issuer_url=issuer, resource_server_url=resource, validate_token_resource=False),
        IssuedTokens(checker),
        _grants_for(settings, selection),
        lambda: checking(checker, requests),
    )


async def examine_issuer(settings: OAuthSettings) -> str:
    """Return what the authorization server answers, as a finding.

    Raises:
        ConfigError: the settings do not fit together.
        IssuerError: it gives no usable answer.
    """
    from mcp_errortracking.oauth.requests import Requests

    settings.check()
    requests = Requests(http_proxy_for)
    try:
        return await _checker_for(settings, settings.issuer or "", requests).examine()
    finally:
        await requests.aclose()


def _checker_for(settings: OAuthSettings, issuer: str, requests: "Requests") -> "Checker":
    if settings.introspection is not None and settings.client_id is not None and settings.client_secret is not None:
        from mcp_errortracking.oauth.introspection import Introspection

        return Introspection(
            requests,
            settings.introspection,
            issuer=issuer,
            audience=settings.audience,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
        )
    from mcp_errortracking.oauth.signed_tokens import SignedTokens
    from mcp_errortracking.oauth.signing_keys import SigningKeys

    return SignedTokens(SigningKeys(requests, issuer, settings.jwks), issuer, settings.audience)


def _grants_for(settings: OAuthSettings, selection: ToolSelection) -> Grants | None:
    if not settings.scopes:
        return None
    toolbox = toolbox_for(selection, roots_for(selection, over_network=True))
    by_scope = dict[str, frozenset[str]]()
    for one in settings.scopes:
        try:
            by_scope[one.scope] = by_scope.get(one.scope, frozenset()) | toolbox.granted_by(one.grant)
        except SelectionError as error:
            raise ConfigError(f"MCP_OAUTH_SCOPES gives {one.scope} an unknown grant. {error}") from None
    return Grants(by_scope)
