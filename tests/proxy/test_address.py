"""The addresses of requests."""

from mcp_errortracking.proxy.address import parse_url

URL = "https://us.posthog.com/api/projects/1/error_tracking/assignment_rules/?limit=20"


def test_a_url_that_comes_again_is_not_parsed_again() -> None:
    assert str(parse_url(URL)) == URL
    assert parse_url(URL) is parse_url(URL)


def test_a_long_url_is_not_kept() -> None:
    long = f"{URL}&search={'x' * 500}"

    assert str(parse_url(long)) == long
    assert parse_url(long) is not parse_url(long)
