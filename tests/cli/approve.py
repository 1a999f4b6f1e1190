"""A browser for tests: BROWSER names it, it approves the login whose page it is given, or refuses it.

TEST_BROWSER is JSON: `decision` (authorize, deny, none), `scopes`, `project`, and `seen`, a file for the addresses.
"""

import json
import os
import sys
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen


def browse(page: str) -> None:
    """Do on the page what TEST_BROWSER says."""
    wanted = json.loads(os.environ["TEST_BROWSER"])
    with open(wanted["seen"], "a", encoding="utf-8") as seen:
        seen.write(f"{page}\n")
    if wanted["decision"] == "none":
        return
    with urlopen(page) as answer:
        assert b'<form method="post" action="/cli/authorize">' in answer.read()
    parts = urlsplit(page)
    fields = {
        "user_code": parse_qs(parts.query)["code"][0],
        "project_id": wanted["project"],
        "scopes": " ".join(wanted["scopes"]),
        "decision": wanted["decision"],
    }
    target = f"{parts.scheme}://{parts.netloc}/cli/authorize"
    with urlopen(Request(target, urlencode(fields).encode(), method="POST")) as answer:
        answer.read()


if __name__ == "__main__":
    browse(sys.argv[1])
