"""One verdict from what is known, and always something to do."""

import itertools

import pytest

from mcp_errortracking.workflows.source_maps.resolve.chunk_age import built_at
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
        (Facts("a", set_exists=True, failure_reason="bad data", refusal="It has 7 numbers."), "refused_map"),
        (Facts("a", set_exists=False, has_local_map=True, refusal="It has 7 numbers."), "refused_map"),
        (Facts("a", set_exists=True, is_finished=True, deployed_chunk_id="b"), "other_build_deployed"),
        (Facts("a", set_exists=True, is_finished=True, deployed_chunk_id="a"), "should_resolve"),
        (
            Facts("a", set_exists=True, is_finished=True, has_local_map=True, resolves_locally=False),
            "map_does_not_cover",
        ),
        (Facts("a", set_exists=False, local_chunk_id="b", local_is_uploaded=True), "other_build_uploaded"),
        (Facts("a", set_exists=False, local_chunk_id="b", local_is_uploaded=False), "not_uploaded"),
        (Facts("a", set_exists=False, has_local_map=True, age=30), "expired"),
        (Facts("a", set_exists=False, has_local_map=True, age=29), "not_uploaded"),
        (Facts("a", set_exists=False, has_local_map=False, age=30), "unknown_build"),
        (Facts("a", set_exists=True, is_finished=True, was_missing=True), "uploaded_later"),
        (Facts("a"), "unknown"),
    ],
)
def test_verdicts(facts: Facts, code: str) -> None:
    assert diagnose(facts).code == code


def test_a_new_build_is_advised_only_for_ids_that_it_can_have() -> None:
    """Assert the advice for an id of the content, and for an id with the time of one build."""
    stable, timed = "0e9b3c7a-5d1f-52a8-b6c4-e2d0f8a17593", "0198c1de-5c1e-7000-8000-9a4be1d7c3e0"
    of_content, of_one_build = (diagnose(Facts(one, set_exists=False, has_local_map=False)) for one in (stable, timed))

    assert "the same sources give the same chunk ids" in of_content.next_step
    assert "Another build cannot have this chunk id" in of_one_build.next_step
    assert (built_at(stable), str(built_at(timed))) == (None, "2025-08-19 10:27:12.030000+00:00")


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
