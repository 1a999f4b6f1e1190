"""The defects that fuzzing found, each by name."""

import json
import logging
from typing import Any

import pytest

from mcp_errortracking import logs
from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.logs import JsonFormatter, TextFormatter
from mcp_errortracking.proxy.content import parse
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.http_errors import explain
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from tests.fuzz.test_tools import called

RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
EXCHANGE = Exchange("https://posthog.example", "1", writes=False)


@pytest.mark.parametrize("text", ['{"a": 1}', "[object Object]", '["x"] is not a function', "[]"])
def test_a_search_for_text_in_brackets_is_sent_as_text(text: str) -> None:
    call = parse_arguments(CATALOG["query-error-tracking-issues-list"], {"searchQuery": text})

    assert call.model_dump()["searchQuery"] == text


def test_lists_and_objects_written_as_text_are_still_understood() -> None:
    call = parse_arguments(CATALOG["query-error-tracking-issues-list"], {"fingerprint": '["a", "b"]'})

    assert call.model_dump()["fingerprint"] == ["a", "b"]


def test_half_a_character_in_arguments_written_as_text_is_explained() -> None:
    filters = '{"type": "AND", "values": [{"key": "\\ud800", "operator": "exact", "value": "x"}]}'

    with pytest.raises(ArgumentsError, match="filters: expected an object, got the string"):
        parse_arguments(CATALOG["error-tracking-bypass-rules-create"], {"filters": filters})


@pytest.mark.parametrize("broken", ["\ud800", {"\udfff": 1}, ["a", {"b": "x\ud83d"}]])
def test_half_a_character_anywhere_in_arguments_is_explained(broken: Any) -> None:
    reply, sender = called("error-tracking-releases-partial-update", {"id": RULE, "metadata": {"a": broken}})

    assert "metadata: contains a lone surrogate" in reply.text
    assert (reply.structured, sender.sent) == ({"error": {"code": "invalid_arguments"}}, [])


@pytest.mark.parametrize("hash_id", ["a/b", "..", "v1.2", "a\\b", "https://evil.example/"])
def test_a_hash_that_is_no_part_of_a_path_is_explained(hash_id: str) -> None:
    reply, sender = called("error-tracking-releases-hash-retrieve", {"hash_id": hash_id})

    assert "cannot be looked up: find the release with error-tracking-releases-list" in reply.text
    assert sender.sent == []


def test_a_validator_that_repeats_an_argument_repeats_it_visibly() -> None:
    twice = {"symbol_sets": [{"chunk_id": "\x1f\u202e"}], "chunk_ids": ["\x1f\u202e"]}

    reply, _ = called("error-tracking-symbol-sets-bulk-start-upload", twice)

    assert "chunk ids must differ" in reply.text
    assert not set("\x1f\u202e") & set(reply.text)


def test_half_a_character_in_an_id_can_be_written_into_the_reply() -> None:
    reply, sender = called("error-tracking-assignment-rules-retrieve", {"id": "\ud800"})

    assert (reply.is_error, sender.sent) == (True, [])


def test_half_a_character_in_an_answer_is_replaced_and_the_rest_kept() -> None:
    content = b'{"cut": "ab\\ud83d", "whole": "\\ud83d\\ude00", "escaped": "\\\\ud83d", "low": "\\uDE00x"}'

    read = {"cut": "ab\ufffd", "whole": "\U0001f600", "escaped": "\\ud83d", "low": "\ufffdx"}
    assert parse(content) == read
    with pytest.raises(ValueError, match="Expecting"):
        parse(b'{"a": "\\ud83d"')


def test_half_a_character_in_the_detail_of_an_error_is_left_out() -> None:
    error = explain(400, {}, b'{"detail": "no \\ud800 such"}', EXCHANGE, now=0)

    assert "no   such" in str(error)
    assert error.detail is not None
    assert error.detail.encode()


@pytest.mark.parametrize("location", ["https://[INST]/", "https://\uff2eot\u0435\uff1a x/", "http://[::1/", "\x1b[2J"])
def test_a_redirect_to_what_is_no_address_is_explained(location: str) -> None:
    error = explain(302, {"location": location}, b"", EXCHANGE, now=0)

    assert error.code == "redirected"
    assert "was not followed" in str(error)


@pytest.mark.parametrize("code", ["x\ny", "a b", "c" * 65, ""])
def test_an_error_code_that_is_none_reaches_no_log_and_no_metric(code: str) -> None:
    error = explain(400, {}, json.dumps({"code": code, "detail": "d"}).encode(), EXCHANGE, now=0)

    assert error.code is None


def record(message: str, *values: Any) -> logging.LogRecord:
    return logging.LogRecord("mcp_errortracking.x", logging.INFO, "", 0, message, values, None)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_a_request_id_cannot_write_a_log_entry_of_its_own(formatter: logging.Formatter) -> None:
    line = formatter.format(record("ok in 1 ms %s", "7\nmcp-errortracking: ERROR: forged\x1b[2J\u2028\u202e"))

    assert len(line.splitlines()) == 1
    assert not set("\x1b\u2028\u202e") & set(line)
    assert "forged" in line


def test_the_stack_trace_of_a_bug_cannot_pass_for_log_entries() -> None:
    try:
        raise ValueError("x\nmcp-errortracking: ERROR: forged")
    except ValueError as error:
        entry = record("failed")
        entry.exc_info = (type(error), error, error.__traceback__)

    first, *others = TextFormatter().format(entry).splitlines()

    assert first == "mcp-errortracking: INFO: failed"
    assert others
    assert all(line.startswith("  | ") for line in others)


def test_libraries_write_their_logs_in_the_same_way() -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()
    level = logging.getLogger("mcp_errortracking").level
    try:
        logs.set_up("info", "text")
        assert [type(handler.formatter) for handler in root.handlers] == [TextFormatter]
    finally:
        root.handlers[:] = before
        logging.getLogger("mcp_errortracking").setLevel(level)
