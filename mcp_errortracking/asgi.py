"""The server as an ASGI app, for any host of such apps:

    uvicorn --factory mcp_errortracking.asgi:create_app --workers 4

Every setting comes from the environment (`mcp-errortracking serve --help` lists the variables).
"""

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from mcp_errortracking import config, logs
from mcp_errortracking.config import Offer, Serving, Settings
from mcp_errortracking.connecting import proxy_for
from mcp_errortracking.doctor import problem
from mcp_errortracking.offering import roots_for, toolbox_for, workshop_for
from mcp_errortracking.server.admission import HttpLimits
from mcp_errortracking.server.app import build_server
from mcp_errortracking.server.calls import MAX_RESULT_TOKENS
from mcp_errortracking.server.guard import OAuth
from mcp_errortracking.server.http import HttpOptions, build_app
from mcp_errortracking.server.observe import CallRecord, log_calls

if TYPE_CHECKING:
    from mcp_errortracking.server.metrics import Metrics


def create_app(*, oauth: OAuth | None = None) -> Starlette:
    """The app, configured by the environment.

    Args:
        oauth: accepts tokens of an authorization server too, see docs/deploy.md.

    Raises:
        ConfigError: a setting is wrong.
    """
    serving = config.load_serving()
    logs.set_up(serving.log_level, serving.log_format)
    return app_for(config.load(keyless=serving.caller_keys), serving, config.load_offer(), oauth=oauth)


def app_for(settings: Settings, serving: Serving, offer: Offer, *, oauth: OAuth | None = None) -> Starlette:
    """The app for given settings. It owns its connections to PostHog, and closes them when it ends.

    Raises:
        ConfigError: metrics are wanted, and prometheus-client is not installed; or the offer names no tool.
    """
    roots = roots_for(offer, over_network=True)
    toolbox = toolbox_for(offer, roots)
    proxy = proxy_for(settings)
    metrics = _metrics() if serving.metrics else None
    write = log_calls(logging.INFO)

    def observe(record: CallRecord) -> None:
        write(record)
        if metrics is not None:
            metrics.observe(record)

    return build_app(
        build_server(
            proxy,
            time_limit=serving.timeout,
            toolbox=toolbox,
            max_result_tokens=offer.max_result_tokens or MAX_RESULT_TOKENS,
            observe=observe,
            private_lists=serving.caller_keys,
            workshop=workshop_for(settings, roots),
        ),
        ready=lambda: problem(proxy),
        options=HttpOptions(
            transport=serving.transport,
            tokens=serving.tokens,
            allowed_hosts=serving.allowed_hosts,
            allowed_origins=serving.allowed_origins,
            limits=limits_of(serving),
            oauth=oauth,
        ),
        caller_keys=proxy if serving.caller_keys else None,
        metrics=metrics,
        on_end=proxy.aclose,
    )


def limits_of(serving: Serving) -> HttpLimits:
    """The limits of the app: what is set, else the defaults."""
    chosen = {"calls": serving.max_calls, "sessions": serving.max_sessions, "idle": serving.idle}
    return HttpLimits(**{name: value for name, value in chosen.items() if value is not None})  # pyright: ignore[reportArgumentType]


def _metrics() -> "Metrics":
    try:
        from mcp_errortracking.server.metrics import Metrics
    except ImportError:
        raise config.ConfigError("Metrics need prometheus-client: pip install 'mcp_errortracking[metrics]'") from None
    return Metrics()
