"""Answers about symbol sets and releases that are not as documented: explained, never misread."""

from collections.abc import Callable
from typing import Any

import pytest

from mcp_errortracking.proxy.errors import NotFoundError, PostHogError
from mcp_errortracking.workflows.source_maps.remote import symbol_sets
from mcp_errortracking.workflows.source_maps.remote.download import download
from mcp_errortracking.workflows.source_maps.remote.releases import ReleaseName, find_or_create_release
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.stored import State, check
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import SymbolSets, UploadRequest

pytestmark = pytest.mark.anyio

ID, OTHER = "01936f2e-7a51-7000-8000-0000000000a1", "01936f2e-7a51-7000-8000-0000000000a2"
STORAGE = Storage("https://posthog.example")
NO_TEXT = [None, 5, 1.5, True, [], ["a"], {}, {"a": 1}]
NO_ID = [*NO_TEXT, "", ".", "..", "../../users", "0", f"{ID}/x", ID[:-1]]
NO_PAGE = [None, 5, "x", [], [{"ref": "a"}], {}, {"results": None}, {"results": {"a": 1}}, {"results": "x"}]


class Answering:
    """A sender that answers each request by a function, or with one value."""

    attempts = 1

    def __init__(self, answer: Any) -> None:
        self.answer: Callable[[str, Any], Any] = answer if callable(answer) else lambda *_: answer
        self.sent = list[tuple[str, Any]]()
        self.data: Any = None

    async def send(self, method: str, path: str, *, query: Any = None, **_: Any) -> "Answering":
        self.sent.append((path, query))
        self.data = self.answer(path, query)
        return self


async def failure(run: Any) -> str:
    with pytest.raises(PostHogError) as caught:
        await run
    assert caught.value.code == "unreadable_answer"
    return caught.value.what


@pytest.mark.parametrize("ref", NO_TEXT)
async def test_a_set_without_a_text_as_its_ref_is_passed_over(ref: Any) -> None:
    sender = Answering({"results": [{"id": OTHER, "ref": ref}, {"id": OTHER}, ref, {"id": ID, "ref": "a"}]})

    assert await SymbolSets(sender).by_ref(["a", "None", "5"]) == {"a": {"id": ID, "ref": "a"}}


@pytest.mark.parametrize("answer", NO_PAGE)
async def test_an_answer_that_is_not_a_page_does_not_mean_missing(answer: Any) -> None:
    assert await failure(SymbolSets(Answering(answer)).by_ref(["a"])) == "PostHog's answer lists no symbol sets."
    releases = Answering(lambda path, _: {"id": None} if "hash" in path else answer)
    name = ReleaseName("1", "shop")
    assert await failure(find_or_create_release(releases, name)) == "PostHog's answer has no release id."


@pytest.mark.parametrize("answer", NO_PAGE)
async def test_a_lookup_of_one_that_is_not_a_page_does_not_mean_missing(answer: Any) -> None:
    first = {"count": 10_000, "next": "x", "results": [{"id": OTHER, "ref": "b"}]}
    sender = Answering(lambda _path, query: answer if "ref" in query else first)

    assert await failure(SymbolSets(sender).by_ref(["a", "c"])) == "PostHog's answer lists no symbol sets."


@pytest.mark.parametrize("wrong", NO_ID)
async def test_an_id_that_is_not_a_uuid_is_sent_nowhere(wrong: Any) -> None:
    row = {"id": wrong, "ref": "a", "has_uploaded_file": True}
    wanted: list[Any] = [{"ref": "a"}, {"symbol_set_id": ID}]
    for more in wanted:
        sender = Answering(lambda path, _: row if ID in path else {"results": [row]})
        what = await failure(download(sender, STORAGE, **more))
        assert what in (
            "PostHog's answer names a symbol set without its id.",
            "PostHog's answer is not about the symbol set that was asked for.",
        )
        assert not any("download" in path for path, _ in sender.sent)

    sender = Answering({"results": [row]})
    [stored] = await check(sender, STORAGE, {"a": None})
    assert (stored.state, stored.symbol_set_id) == (State.UPLOADED, None)
    assert [path for path, _ in sender.sent] == ["error_tracking/symbol_sets/"]


async def test_an_error_of_a_probe_is_raised_itself() -> None:
    rows = {"results": [{"id": ID, "ref": ref, "has_uploaded_file": True} for ref in "ab"]}
    sender = Answering(lambda path, _: {} if "download" in path else rows)

    assert await failure(check(sender, STORAGE, {"a": None, "b": None})) == "PostHog's answer names no download URL."


async def test_another_set_than_the_one_asked_for_is_refused() -> None:
    what = await failure(SymbolSets(Answering({"id": OTHER, "ref": "a"})).get(ID))

    assert what == "PostHog's answer is not about the symbol set that was asked for."


@pytest.mark.parametrize("wrong", NO_ID)
async def test_an_upload_without_a_symbol_set_of_its_own_is_not_started(wrong: Any) -> None:
    requests = [UploadRequest("a", "h"), UploadRequest("b", "h")]
    for entry, what in ((wrong, "names an upload without its"), (ID, "gives two uploads the same")):
        sender = Answering({"id_map": {"a": {"symbol_set_id": ID}, "b": {"symbol_set_id": entry}}})
        found = await failure(SymbolSets(sender).start(requests, force=False, skip_on_conflict=False))
        assert found == f"PostHog's answer {what} symbol_set_id."


@pytest.mark.parametrize("last_used", [*NO_TEXT, 20260101, "x", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_last_use_that_is_no_time_is_left_out(last_used: Any) -> None:
    row = {"id": ID, "ref": "a", "has_uploaded_file": True, "last_used": last_used, "release": last_used}
    sender = Answering(lambda path, _: {"results": [row], "chunk_ids_to_upload": [last_used]})
    [stored] = await check(sender, STORAGE, {"a": "h"}, release_id=ID)

    assert (stored.state, stored.expires, stored.wrong_release) == (State.UPLOADED, None, True)


async def test_pages_without_an_end_are_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_sets, "_MOST_PAGES", 5)

    def page(_path: str, query: Any) -> Any:
        return {"next": "x", "results": [{"id": ID, "ref": f"{query.get('offset')}"}]}

    sender = Answering(page)
    assert await failure(SymbolSets(sender).by_ref(["a"])) == "PostHog's answer lists more than 500 symbol sets."
    assert [query.get("offset") for _, query in sender.sent] == [None, 1, 2, 3, 4]


async def test_a_page_that_comes_again_ends_the_list() -> None:
    pages = [[{"id": ID, "ref": "b"}], [{"id": ID, "ref": "c"}]]
    sender = Answering(lambda _path, query: {"next": "x", "results": pages[query.get("offset", 0) % 2]})

    assert await failure(SymbolSets(sender).by_ref(["a"])) == "PostHog's answer repeats a page of the symbol sets."
    assert len(sender.sent) == 3


@pytest.mark.parametrize("wrong", NO_TEXT)
async def test_a_release_keeps_the_name_that_was_asked_for(wrong: Any) -> None:
    sender = Answering({"id": ID, "version": wrong, "project": wrong})
    release = await find_or_create_release(sender, ReleaseName("1", "shop"))

    assert (release.id, release.version, release.project) == (ID, "1", "shop")
    assert len(sender.sent) == 1


@pytest.mark.parametrize("wrong", NO_ID)
async def test_a_release_without_an_id_is_not_used(wrong: Any) -> None:
    assert await failure(find_or_create_release(Answering({"id": wrong}), ReleaseName("1", "shop"))) == (
        "PostHog's answer has no release id."
    )


async def test_values_that_no_caller_may_give_are_sent_as_they_are_or_not_at_all() -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    first = {"count": 10_000, "next": "x", "results": [{"id": OTHER, "ref": "b"}]}
    sender = Answering(lambda path, query: {"id": nil} if nil in path else {"results": []} if "ref" in query else first)
    sets = SymbolSets(sender)

    assert (await sets.get(nil), await sets.by_ref(["", "a"])) == ({"id": nil}, {})
    assert [query.get("ref") for path, query in sender.sent if nil not in path] == [None, "a"]


async def test_a_release_without_a_product_is_left_to_posthog() -> None:
    def answer(path: str, query: Any) -> Any:
        if "hash" in path:
            raise NotFoundError("Not found.", "", "", status=404, code="not_found")
        return {"results": []} if query else {"id": OTHER}

    sender = Answering(answer)

    assert (await find_or_create_release(sender, ReleaseName("1", ""))).id == OTHER
    assert sender.sent[-1] == ("error_tracking/releases/", None)
