"""Every tool meets every fault: the reply to the caller, the number of requests, and no write applied twice."""

import json
from collections import Counter

import pytest

from mcp_errortracking.catalog import Endpoint
from tests.faults.bench import ALL, KEY, READS, WRITES, Bench, Result
from tests.faults.faults import BODY_LIMIT, FAULTS, Fault, Outcome

pytestmark = pytest.mark.anyio

_MOST_BYTES = BODY_LIMIT + 16 * 2**20  # what the sockets between hold comes on top


@pytest.mark.parametrize("name", FAULTS)
async def test_fault(bench: Bench, name: str) -> None:
    fault = FAULTS[name]
    wrong = list[str]()
    for endpoints, once, outcome in fault.expected.runs():
        for endpoint in READS if endpoints == "read" else WRITES:
            if (await bench.baseline(endpoint)).is_known:
                result = await bench.try_(endpoint, fault, once=once)
                problems = problems_of(endpoint, fault, result, outcome)
                wrong += [f"{endpoint.tool}, {'once' if once else 'lasting'}: {problem}" for problem in problems]

    assert wrong == []


def problems_of(endpoint: type[Endpoint], fault: Fault, result: Result, outcome: Outcome) -> list[str]:
    """Return the deviations from the expected outcome."""
    reply, problems = result.reply, list[str]()
    said = json.dumps(reply.structured) + reply.text
    if result.outcome is not outcome:
        problems.append(f"{result.outcome!r}, not {outcome!r}: {reply.text[:300]}")
    if result.heard_elsewhere:
        problems.append("another host was spoken to")
    if KEY in said or KEY.encode() in said.encode():
        problems.append("the key was shown")
    if "poison" in said:
        problems.append("an answer was taken for that to another request")
    if result.bytes_sent > _MOST_BYTES:
        problems.append(f"{result.bytes_sent} bytes were taken")
    if reply.is_error and (len(reply.text) > 1000 or "\n" in reply.text or "bug" in reply.text):
        problems.append(f"not explained: {reply.text[:300]}")
    twice = [write for write, times in Counter(result.writes).items() if times > 1]
    if twice:
        problems.append(f"applied twice: {twice}")
    if not endpoint.read_only and result.outcome is Outcome.IN_DOUBT:
        if len(result.writes) != fault.arrives:
            problems.append(f"{len(result.writes)} writes arrived, {int(fault.arrives)} expected")
        if len(set(result.sent)) != len(result.sent):
            problems.append(f"sent again: {result.sent}")
    if result.outcome in (Outcome.EXPLAINED, Outcome.GIVEN_UP) and result.writes:
        problems.append(f"reported as not applied, but it was: {result.writes}")
    return problems


async def test_the_bench_reaches_what_the_tools_are_for(bench: Bench) -> None:
    """The tools' examples fit the bench's PostHog, so that every fault meets a write that would have been done."""
    unfit = list[str]()
    for endpoint in ALL:
        baseline = await bench.baseline(endpoint)
        fits = baseline.record.requests and (endpoint.read_only or baseline.first_write is not None)
        if not fits or not baseline.is_known or (baseline.record.status or 0) >= 500:
            unfit.append(f"{endpoint.tool}: {baseline.reply.text[:200]}")

    assert unfit == []


async def test_a_second_answer_is_not_taken_for_that_to_the_next_request(bench: Bench) -> None:
    from tests.faults.wire import Plan

    fault = FAULTS["second-answer"]
    await bench.wire.plan(Plan(0, True, fault.act))
    async with bench.proxy() as proxy:
        for _ in range(3):
            answer = await proxy.send("GET", "error_tracking/assignment_rules/")
            assert answer.data["count"] == 1
