"""Links to lines of code at git hosts (contract 6.15). No scope covers them, so API keys may not use them."""

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer


def resolve(_call: Call) -> Response:
    return json_answer({"found": False, "error": "No integration of that kind."})


ROUTES = [
    Route(f"git-provider-file-links/resolve_{provider}", {"GET": Action(resolve, None)}, "issue_queries")
    for provider in ("github", "gitlab")
]
