"""Subscriptions to issues as resources, in both eras: one shared poll, as long as anybody is subscribed.

In the 2025 era, clients subscribe with `resources/subscribe`, over stdio or SSE. Streamable HTTP keeps no sessions,
so it has no channel for notifications. In the 2026 era a client opens a stream with `subscriptions/listen`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from mcp.server.connection import Connection
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.rate_limit import context as call_context
from mcp_errortracking.proxy.sender import Sender, account_of, project_of
from mcp_errortracking.server.callers import caller_id, caller_of_message, sender_of
from mcp_errortracking.server.issue_states import IssueStates
from mcp_errortracking.server.resources import KINDS, Resources, shown_uri

logger = logging.getLogger(__name__)

MOST_URIS = 100
"""Issues that one caller may be subscribed to, and streams that it may have open."""
_PAUSE, _LONGEST_PAUSE = 30.0, 300.0


class IssueUpdates:
    """The subscriptions of all clients. Callers with one key share a feed, and see nothing of others."""

    def __init__(self, sender: Sender, resources: Resources) -> None:
        self._sender = sender
        self._resources = resources
        self._feeds = dict[tuple[str, str], _Feed]()
        self._subscribed = dict[tuple[int, str], _Subscriber]()
        """By connection and URI, in the 2025 era."""

    async def subscribe(self, context: Any, params: SubscribeRequestParams) -> EmptyResult:
        """Subscribe a connection of the 2025 era to one issue.

        Raises:
            MCPError: it cannot be subscribed to.
        """
        uri, connection = str(params.uri), _connection_of(context)
        if not can_notify(context):
            raise MCPError(
                INVALID_PARAMS,
                "Streamable HTTP keeps no sessions, so no notification can be sent. Use the 2026-07-28 version of "
                "MCP, stdio or SSE, or call error-tracking-issue-watch.",
            )
        if (id(connection), uri) not in self._subscribed:
            share = await self._join(context, [self._known(uri)])
            subscriber = _Subscriber(uri, context.session, share.feed.bus)
            self._subscribed[id(connection), uri] = subscriber

            def leave() -> None:
                if self._subscribed.pop((id(connection), uri), None) is subscriber:
                    subscriber.end()
                    self._leave(share, [uri])

            subscriber.leave = leave
            connection.exit_stack.callback(leave)
        return EmptyResult()

    async def unsubscribe(self, context: Any, params: UnsubscribeRequestParams) -> EmptyResult:
        """End a subscription of the 2025 era; one that does not exist is ignored."""
        subscriber = self._subscribed.get((id(_connection_of(context)), str(params.uri)))
        if subscriber is not None:
            subscriber.leave()
        return EmptyResult()

    async def listen(self, context: Any, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """Serve a stream of the 2026 era. The lists of this server never change, so only issues are honored.

        Raises:
            MCPError: PostHog does not answer, or there are too many subscriptions.
        """
        asked = params.notifications.resource_subscriptions or ()
        uris = [uri for uri in dict.fromkeys(asked) if self._resources.issue_of(uri)]
        share = await self._join(context, uris)
        try:
            honored = SubscriptionFilter(resource_subscriptions=uris or None)
            return await share.handler(context, params.model_copy(update={"notifications": honored}))
        finally:
            self._leave(share, uris)

    def _known(self, uri: str) -> str:
        if self._resources.issue_of(uri) is None:
            raise MCPError(
                INVALID_PARAMS, f"Only issues can be subscribed to, as posthog://issues/ID, not {shown_uri(uri)}."
            )
        return uri

    async def _join(self, context: Any, uris: Sequence[str]) -> "_Share":
        """Return the caller's share of the feed of its key, which then watches these issues too.

        Raises:
            MCPError: the caller may not read issues or has too many subscriptions, or PostHog does not answer.
        """
        caller = caller_of_message(context.request)
        rights = caller and caller.rights
        if uris and rights is not None and KINDS[0].lists not in rights.tools:
            raise MCPError(INVALID_PARAMS, rights.explain(KINDS[0].lists))
        sender = sender_of(context.request) or self._sender
        key = account_of(sender), project_of(sender) or ""
        feed = self._feeds.setdefault(key, _Feed(sender))
        share = feed.share_of(caller_id(context.request))
        try:
            await share.add({uri: self._resources.issue_of(uri) or "" for uri in uris})
        except PostHogError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        finally:
            self._forget(feed)
        return share

    def _leave(self, share: "_Share", uris: Sequence[str]) -> None:
        share.remove(uris)
        self._forget(share.feed)

    def _forget(self, feed: "_Feed") -> None:
        """Forget a feed without subscriptions, and the key in it."""
        if not feed.uris:
            self._feeds = {key: one for key, one in self._feeds.items() if one is not feed}


class _Subscriber:
    """A connection of the 2025 era and one issue. A client that does not read has one notification waiting."""

    def __init__(self, uri: str, session: Any, bus: InMemorySubscriptionBus) -> None:
        self._uri = uri
        self._session = session
        self._sending: asyncio.Task[None] | None = None
        self._unsubscribe = bus.subscribe(self._deliver)
        self.leave = self.end

    def _deliver(self, event: ServerEvent) -> None:
        is_idle = self._sending is None or self._sending.done()
        if isinstance(event, ResourceUpdated) and event.uri == self._uri and is_idle:
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        with suppress(Exception):  # a client that is gone must not end the notifications of others
            await self._session.send_resource_updated(self._uri)

    def end(self) -> None:
        """Deliver nothing more."""
        self._unsubscribe()
        if self._sending is not None:
            self._sending.cancel()


class _Share:
    """The subscriptions of one caller in the feed of a key, whose limit leaves room to the other callers."""

    def __init__(self, feed: "_Feed", caller: str) -> None:
        self.feed = feed
        self.caller = caller
        self.uris = Counter[str]()
        self.handler = ListenHandler(feed.bus, max_subscriptions=MOST_URIS)

    async def add(self, issues: dict[str, str]) -> None:
        """Watch issues, by their URIs, from their present state on.

        Raises:
            MCPError: there are too many.
            PostHogError: PostHog does not answer.
        """
        if len(self.uris.keys() | issues.keys()) > MOST_URIS:
            raise MCPError(INVALID_PARAMS, f"At most {MOST_URIS} issues can be subscribed to. Unsubscribe from others.")
        self.uris.update(issues.keys())
        try:
            await self.feed.add(issues, self.caller)
        except BaseException:
            self.remove(list(issues))
            raise

    def remove(self, uris: Sequence[str]) -> None:
        """Stop watching issues."""
        self.uris.subtract(uris)
        self.uris = +self.uris
        self.feed.remove(uris)


class _Feed:
    """The issues that callers with one key are subscribed to, and the poll that looks at them."""

    def __init__(self, sender: Sender) -> None:
        self._shares = WeakValueDictionary[str, _Share]()
        self.uris = Counter[str]()
        self._issues = dict[str, str]()
        self._states = IssueStates(sender)
        self._poll: asyncio.Task[None] | None = None
        self.bus = InMemorySubscriptionBus()

    def share_of(self, caller: str) -> _Share:
        """Return the subscriptions of a caller."""
        return self._shares.setdefault(caller, _Share(self, caller))

    async def add(self, issues: dict[str, str], caller: str) -> None:
        """Watch issues, by their URIs, from their present state on.

        Raises:
            PostHogError: PostHog does not answer.
        """
        self.uris.update(issues.keys())
        self._issues |= issues
        if issues:
            await self._states.begin(issues.values())
        if self.uris and self._poll is None:
            self._poll = asyncio.create_task(self._watch(caller))

    def remove(self, uris: Sequence[str]) -> None:
        """Stop watching issues; without any, the poll ends."""
        self.uris.subtract(uris)
        self.uris = +self.uris
        self._issues = {uri: issue for uri, issue in self._issues.items() if uri in self.uris}
        if not self.uris and self._poll is not None:
            self._poll.cancel()
            self._poll = None

    async def _watch(self, caller: str) -> None:
        call_context.on_wait.set(None)  # that of the call which began the poll
        call_context.caller.set(caller)
        pause = _PAUSE
        while True:
            await asyncio.sleep(pause)
            try:
                changed = await self._states.look(set(self._issues.values()))
            except PostHogError as error:
                pause = min(2 * pause, _LONGEST_PAUSE)
                logger.info("subscribed issues could not be read: %s", error.explanation.what)
                continue
            pause = _PAUSE
            for uri, issue in list(self._issues.items()):
                if issue in changed:
                    await self.bus.publish(ResourceUpdated(uri))


def can_notify(context: Any) -> bool:
    """True if notifications that belong to no request reach the client of a request of the 2025 era."""
    return _connection_of(context).has_standalone_channel


def _connection_of(context: Any) -> Connection:
    """Return the connection of a request, which a subscription outlives. The SDK has no public name for it."""
    return context.session._connection
