"""The server as an ASGI app, for any ASGI host:

    uvicorn --factory mcp_errortracking.asgi:create_app --workers 4

Every setting comes from the environment (docs/settings.md lists the variables).
"""

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from mcp_errortracking import config, logs
from mcp_errortracking.compose import oauth_for, proxy_for, server_for, store_for
from mcp_errortracking.config import HttpSettings, PostHogSettings, ToolSelection
from mcp_errortracking.doctor import problem
from mcp_errortracking.server.http.app import HttpOptions, build_app
from mcp_errortracking.server.http.oauth import OAuth
from mcp_errortracking.server.http.slots import HttpLimits
from mcp_errortracking.server.observe import CallRecord, log_calls

__all__ = ["OAuth", "create_app"]

if TYPE_CHECKING:
    from mcp_errortracking.server.http.metrics import Metrics
    from mcp_errortracking.server.http.one_time import OneTimeCode


def create_app(*, oauth: OAuth | None = None) -> Starlette:
    """Return the app that the environment configures.

    Args:
        oauth: accepts tokens of an authorization server too, in place of the settings `MCP_OAUTH_...`, see
            docs/oauth.md.

    Raises:
        ConfigError: a setting is wrong.
    """
    log = config.load_log()
    logs.set_up(log.log_level, log.log_format)
    config.warn_of_misspelled_variables()
    http, selection, oauth_settings = config.load_http(), config.load_tool_selection(), config.load_oauth()
    if oauth is not None and oauth_settings.is_on:
        raise config.ConfigError("MCP_OAUTH_ISSUER is set, and create_app got an OAuth of its own: leave one out.")
    oauth = oauth or oauth_for(oauth_settings, selection)
    return app_for(config.load_posthog(keyless=http.caller_keys), http, selection, oauth=oauth)


def app_for(
    settings: PostHogSettings,
    http: HttpSettings,
    selection: ToolSelection,
    *,
    oauth: OAuth | None = None,
    one_time: "OneTimeCode | None" = None,
) -> Starlette:
    """Return the app for given settings. It owns its connections to PostHog, and closes them when it ends.

    Args:
        one_time: a code that is exchanged once for a token of `http`.

    Raises:
        ConfigError: an optional package that the settings need is not installed; or the selection leaves no tool.
    """
    metrics = _metrics() if http.metrics else None
    store = store_for(settings)
    if metrics is not None and store is not None:
        metrics.watch("mcp_shared_limits_up", "1 if the store of the shared limits answers, else 0.", store.is_up)
    proxy = proxy_for(settings, store)
    write = log_calls(logging.INFO)

    def observe(record: CallRecord) -> None:
        write(record)
        if metrics is not None:
            metrics.observe(record)

    return build_app(
        server_for(
            settings,
            selection,
            proxy,
            time_limit=http.timeout,
            observe=observe,
            over_network=True,
            per_caller=http.caller_keys or oauth is not None,
        ),
        ready=lambda: problem(proxy),
        options=HttpOptions(
            transport=http.transport,
            tokens=http.tokens,
            allowed_hosts=[*http.allowed_hosts, *_hosts_of(oauth)],
            allowed_origins=http.allowed_origins,
            limits=limits_of(http),
            oauth=oauth,
            one_time=one_time,
        ),
        caller_keys=proxy if http.caller_keys else None,
        metrics=metrics,
        on_end=proxy.aclose,
    )


def _hosts_of(oauth: OAuth | None) -> list[str]:
    """Return the name of this server that clients use with OAuth."""
    resource = oauth and oauth.settings.resource_server_url
    return [resource.host] if resource and resource.host else []


def limits_of(http: HttpSettings) -> HttpLimits:
    """Return the limits of the app."""
    return HttpLimits(calls=http.max_calls, sessions=http.max_sessions, idle=http.idle)


def _metrics() -> "Metrics":
    try:
        from mcp_errortracking.server.http.metrics import Metrics
    except ImportError:
        raise config.ConfigError("Metrics need prometheus-client: pip install 'mcp_errortracking[metrics]'") from None
    return Metrics()
