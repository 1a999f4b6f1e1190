"""The slots of a key that processes share: each request reserves one in the store before it is sent.

The store holds a sorted set for each key and count, of the moments from which requests count. That of a request in
flight lies in the future, so that it counts even if its process dies; it becomes the present when the request ends.
The names hold a hash of host and key, and all times are the store's, so no clocks have to agree.
"""

import secrets
from collections import deque
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from mcp_errortracking.posthog_keys import digest_of
from mcp_errortracking.proxy.rate_limit.store import Store
from mcp_errortracking.proxy.rate_limit.window import SYMBOL_SETS, Rate

_LONGEST_FLIGHT = 60_000
"""Milliseconds after which a request whose end was never noted is taken to have ended."""
_LEAST_DELAY = 0.01

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local log, pause = KEYS[1], KEYS[2]
local function text(number) return string.format('%.0f', number) end
"""

_RESERVE = f"""{_NOW}
local wanted, flight, name, first = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local paused = tonumber(redis.call('GET', pause) or '0') - now
if paused > 0 then return {{0, paused}} end
local longest, granted, used = 0, wanted, {{}}
for index = 5, #ARGV, 2 do
  local most, period = tonumber(ARGV[index]), tonumber(ARGV[index + 1])
  longest = math.max(longest, period)
  used[index] = redis.call('ZCOUNT', log, '(' .. text(now - period), '+inf')
  granted = math.max(0, math.min(granted, most - used[index]))
end
local delay = 0
for index = 5, #ARGV, 2 do
  local most, period = tonumber(ARGV[index]), tonumber(ARGV[index + 1])
  local rank = used[index] + granted - most
  if granted < wanted and rank >= 0 then
    local since = '(' .. text(now - period)
    local entry = redis.call('ZRANGEBYSCORE', log, since, '+inf', 'WITHSCORES', 'LIMIT', rank, 1)
    local counts_from = math.min(now, tonumber(entry[2] or now))
    delay = math.max(delay, counts_from + period - now)
  end
end
redis.call('ZREMRANGEBYSCORE', log, '-inf', text(now - longest))
for number = first, first + granted - 1 do
  redis.call('ZADD', log, text(now + flight), name .. text(number))
end
if granted > 0 then redis.call('PEXPIRE', log, text(longest + flight)) end
return {{granted, delay}}
"""

_SETTLE = f"""{_NOW}
local ended, asked = tonumber(ARGV[1]), tonumber(ARGV[2])
for index = 3, #ARGV do
  if index < 3 + ended then redis.call('ZADD', log, 'XX', text(now), ARGV[index])
  else redis.call('ZREM', log, ARGV[index]) end
end
if asked > 0 and now + asked > tonumber(redis.call('GET', pause) or '0') then
  redis.call('SET', pause, text(now + asked), 'PX', text(asked))
end
return {{0, 0}}
"""


class SharedSlots:
    """The slots of one key and count that this process has reserved: those free, and those of requests in flight.

    Which slot is whose does not matter: the end of a request is noted for the oldest.
    """

    def __init__(self, store: Store, host: str, key: SecretStr, rates: Sequence[Rate]) -> None:
        secret = digest_of(host, key.get_secret_value())
        count = "symbol_sets" if rates == SYMBOL_SETS else "default"
        name = f"mcp-errortracking:{{{secret}}}:{count}"  # one hash slot of a cluster
        self._keys = [name, f"{name}:pause"]
        self._store = store
        self._process = f"{secrets.token_hex(8)}:"
        self._next = 0
        self._free, self._in_flight = deque[str](), deque[str]()
        self._ended, self._unused = list[str](), list[str]()
        self._pause = 0
        self._is_asking = self._is_settling = False

    def __len__(self) -> int:
        """The number of free slots."""
        return len(self._free)

    def are_needed(self) -> bool:
        """Return True if a request needs one; False while the store is away."""
        return self._store.is_up()

    def take(self) -> None:
        """Use a free slot for a request, if there is one."""
        if self._free:
            self._in_flight.append(self._free.popleft())

    def release(self, *, counts: bool) -> None:
        """Note the end of a request.

        Args:
            counts: False if PostHog has not counted it.
        """
        if self._in_flight and counts:
            self._ended.append(self._in_flight.popleft())
            self._settle()
        elif self._in_flight:
            self._unused.append(self._in_flight.pop())
            self._settle()

    def release_free(self) -> None:
        """Leave the slots that nobody waits for to other processes."""
        if self._free:
            self._unused += self._free
            self._free.clear()
            self._settle()

    def pause(self, seconds: float) -> None:
        """Make the other processes wait too, after a 429."""
        self._pause = max(self._pause, int(seconds * 1000))
        self._settle()

    def ask(self, number: int, rates: Sequence[Rate], then: Callable[[float], None]) -> None:
        """Reserve up to that many slots, unless this is under way.

        Args:
            then: called with the seconds until there will be more; 0: now, or the store is away.
        """
        if not self._is_asking:
            self._is_asking = True
            self._store.start(self._ask(number, rates, then))

    async def _ask(self, number: int, rates: Sequence[Rate], then: Callable[[float], None]) -> None:
        first, self._next = self._next, self._next + number
        limits = [value for rate in rates for value in (rate.requests, int(rate.seconds * 1000))]
        try:
            answer = await self._store.evaluate(
                _RESERVE, self._keys, [number, _LONGEST_FLIGHT, self._process, first, *limits]
            )
        finally:
            self._is_asking = False
        granted, delay = answer or (0, 0)
        granted, delay = min(granted, number), min(delay, max(limits))  # whatever the store says
        self._free += [f"{self._process}{first + index}" for index in range(granted)]
        then(max(delay / 1000, _LEAST_DELAY) if answer and granted < number else 0.0)

    def _settle(self) -> None:
        if not self._is_settling:
            self._is_settling = True
            self._store.start(self._send_settlements())

    async def _send_settlements(self) -> None:
        try:
            while self._ended or self._unused or self._pause:
                ended, self._ended = self._ended, []
                unused, self._unused = self._unused, []
                pause, self._pause = self._pause, 0
                await self._store.evaluate(_SETTLE, self._keys, [len(ended), pause, *ended, *unused])
        finally:
            self._is_settling = False
