"""The sandbox's own paths need no key: a web page in a browser on this machine must neither use nor read them."""

import httpx
import pytest

from tests.sandbox_process import SandboxProcess

OWN = [("POST", "/_reset"), ("GET", "/_journal"), ("DELETE", "/_journal")]
RULE = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}


@pytest.mark.parametrize(("method", "path"), OWN)
def test_a_web_page_cannot_use_them(fresh: SandboxProcess, method: str, path: str) -> None:
    port = fresh.url.rsplit(":", 1)[1]
    fresh.empty_journal()
    assert fresh.api("POST", "assignment_rules/", RULE).status_code == 201
    before = (fresh.journal(), fresh.api("GET", "assignment_rules/").json())
    for headers in [
        *({"Host": host} for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1")),
        *({"Host": host} for host in (f"127.0.0.1:{port}.evil.example", "localhost@evil.example", "localhost:x", "")),
        *(
            {"Origin": origin}
            for origin in ("https://evil.example", "null", "http://localhost:3000", "", "http://127.0.0.1")
        ),
        *({"Origin": origin} for origin in (f"https://127.0.0.1:{port}", f"{fresh.url}.evil.example", f"{fresh.url}/")),
        *({"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")),
    ]:
        answer = httpx.request(method, f"{fresh.url}{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), headers
        assert "assignment_rules" not in answer.text

    assert fresh.journal()[:1] == before[0]
    assert fresh.api("GET", "assignment_rules/").json() == before[1]


@pytest.mark.parametrize(("method", "path"), OWN)
def test_people_and_programs_on_this_machine_can(fresh: SandboxProcess, method: str, path: str) -> None:
    port = fresh.url.rsplit(":", 1)[1]
    for headers in [
        {"Host": f"localhost:{port}"},
        {"Host": "[::1]"},
        {"Origin": fresh.url},
        {"Sec-Fetch-Site": "none"},
    ]:
        assert httpx.request(method, f"{fresh.url}{path}", headers=headers).status_code in (200, 204), headers
