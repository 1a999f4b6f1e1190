"""The projects in PostHog's description of a key (contract 1.8)."""

from typing import Any, cast

_NAMED = 20


def projects_of(key: Any) -> list[int]:
    """Return the projects that a key is limited to; an empty list if it is not limited, or the answer does not say."""
    teams = cast("dict[str, Any]", key).get("scoped_teams") if isinstance(key, dict) else None
    return [team for team in cast("list[Any]", teams) if type(team) is int] if isinstance(teams, list) else []


def name_projects(projects: list[int]) -> str:
    """Return the numbers of the projects; of many, only the first."""
    named = ", ".join(map(str, projects[:_NAMED]))
    return named if len(projects) <= _NAMED else f"{named} and {len(projects) - _NAMED} more"
