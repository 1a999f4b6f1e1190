"""One verdict from what is known, and always something to do."""

import itertools

import pytest

from mcp_errortracking.workflows.source_maps.resolve.diagnosis import Facts, diagnose


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts(), "no_chunk_id"),
        (Facts(deployed_chunk_id="a"), "sdk_sends_no_chunk_id"),
        (Facts(local_chunk_id="", deployed_chunk_id=""), "not_injected"),
        (Facts(local_chunk_id="a", deployed_chunk_id=""), "injected_not_deployed"),
        (Facts(local_chunk_id="a"), "no_chunk_id"),
        (Facts("a", set_exists=False), "not_uploaded"),
        (Facts("a", set_exists=False, has_local_map=True), "not_uploaded"),
        (Facts("a", set_exists=False, has_local_map=False), "unknown_build"),
        (Facts("a", set_exists=True, has_file=False, failure_reason="no map"), "not_uploaded"),
        (Facts("a", set_exists=True, has_file=True, is_finished=False), "never_finished"),
        (Facts("a", set_exists=True, is_finished=True, failure_reason="bad data"), "rejected"),
        (Facts("a", set_exists=True, is_finished=True, deployed_chunk_id="b"), "other_build_deployed"),
        (Facts("a", set_exists=True, is_finished=True, deployed_chunk_id="a"), "should_resolve"),
        (
            Facts("a", set_exists=True, is_finished=True, has_local_map=True, resolves_locally=False),
            "map_does_not_cover",
        ),
        (Facts("a"), "unknown"),
    ],
)
def test_verdicts(facts: Facts, code: str) -> None:
    assert diagnose(facts).code == code


def test_the_reason_that_posthog_notes_is_passed_on() -> None:
    assert "PostHog notes: no map." in diagnose(Facts("a", set_exists=False, failure_reason="no map")).what
    assert "bad data" in diagnose(Facts("a", set_exists=True, is_finished=True, failure_reason="bad data")).what


def test_whatever_is_known_there_is_one_sentence_and_one_thing_to_do() -> None:
    known = (None, True, False)
    ids = (None, "", "a", "b")
    for chunk_id, exists, file, done, here, resolves, local, deployed in itertools.product(
        (None, "a"), known, known, known, known, known, ids, ids
    ):
        facts = Facts(chunk_id, exists, file, done, None, local, here, resolves, deployed)
        verdict = diagnose(facts)
        assert verdict.what.endswith(".")
        assert verdict.next_step.endswith(".")
        assert (verdict.code == "unknown") <= (chunk_id is not None)
