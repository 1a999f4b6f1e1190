"""A rules file as data: the assignees by name, and the rules of each kind in the order in which they are tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from mcp_errortracking.catalog.assignee import Assignee
from mcp_errortracking.catalog.filters import FilterGroup, Filters
from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.catalog.severity import Severity
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file.errors import RulesFileError
from mcp_errortracking.workflows.rules_file.kinds import DEFAULTS, KINDS, NEEDS_CONDITION, SETTINGS, with_defaults
from mcp_errortracking.workflows.rules_file.yaml_text import Path, YamlText

VERSION = 1
_LONGEST_NAME = 200
_FILTERS: TypeAdapter[FilterGroup] = TypeAdapter(Filters)
_SEVERITY: TypeAdapter[str] = TypeAdapter(Severity)


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule of a file.

    Attributes:
        id: that of the rule in PostHog; None if the file does not say it.
        settings: as a request sends them.
        written_filters: as the file has them.
        refusal: why PostHog, or the tool, does not take these settings; "" if it does.
        path: the place in the file.
    """

    kind: Kind
    name: str
    id: str | None
    settings: dict[str, Any]
    written_filters: Any
    refusal: str
    path: Path


@dataclass(frozen=True, slots=True)
class RulesFile:
    """`rules` has the kinds that the file manages, the empty ones too; `people` the assignees by name."""

    text: YamlText
    people: dict[str, dict[str, Any]]
    rules: dict[Kind, list[FileRule]] = field(default_factory=dict[Kind, list[FileRule]])

    def all(self) -> list[FileRule]:
        return [rule for rules in self.rules.values() for rule in rules]


def read_rules(text: YamlText) -> RulesFile:
    """Read a rules file.

    Raises:
        RulesFileError: it has unknown keys, wrong types or names, all of them listed.
    """
    return _Reader(text).read()


def read_people(text: YamlText) -> dict[str, dict[str, Any]]:
    """Read a map of names to `{user: 1}` or `{role: <UUID>}`.

    Raises:
        RulesFileError: as above.
    """
    reader = _Reader(text)
    people = reader.people(text.data, ())
    reader.end()
    return people


def written_assignee(assignee: Mapping[str, Any]) -> dict[str, Any]:
    """Return an assignee of PostHog as a file has it."""
    return {str(assignee.get("type")): assignee.get("id")}


class _Reader:
    """Reads one file, and collects its problems."""

    def __init__(self, text: YamlText) -> None:
        self._text = text
        self._problems = list[str]()
        self._ids = set[str]()
        self._names = set[tuple[Kind, str]]()

    def end(self) -> None:
        if self._problems:
            raise RulesFileError(*self._problems)

    def read(self) -> RulesFile:
        root = self._mapping((), self._text.data, "the file", ("version", "assignees", *KINDS))
        if root.get("version") != VERSION:
            self._report(("version",), f"version must be {VERSION}: the version of this format")
        found = RulesFile(self._text, self.people(root.get("assignees") or {}, ("assignees",)))
        for kind in KINDS:
            if kind in root:
                path: Path = (kind,)
                found.rules[kind] = [
                    rule
                    for index, entry in enumerate(self._list(path, root[kind]))
                    if (rule := self._rule(kind, (*path, index), entry, found.people)) is not None
                ]
        self.end()
        return found

    def people(self, data: Any, path: Path) -> dict[str, dict[str, Any]]:
        return {
            name: assignee
            for name, value in self._mapping(path, data, "the map of assignees", None).items()
            if (assignee := self._assignee((*path, name), value)) is not None
        }

    def _rule(self, kind: Kind, path: Path, entry: Any, people: Mapping[str, dict[str, Any]]) -> FileRule | None:
        before = len(self._problems)
        given = self._mapping(path, entry, f"a rule of {kind}", ("name", "id", *SETTINGS[kind]))
        name = given.get("name")
        if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
            self._report((*path, "name"), f"name must be a text of at most {_LONGEST_NAME} characters")
        elif (kind, name) in self._names:
            self._report((*path, "name"), f"another rule of {kind} has this name")
        else:
            self._names.add((kind, name))
        settings, refusal = dict[str, Any](), ""
        for setting in SETTINGS[kind]:
            place = (*path, setting)
            value = given.get(setting)
            if setting == "filters":
                settings[setting], refusal = self._filters(kind, place, value)
            elif setting == "assignee":
                settings[setting] = self._named_assignee(place, value, people)
            else:
                settings[setting] = self._setting(place, setting, value)
        identity = self._id((*path, "id"), given["id"]) if "id" in given else None
        if len(self._problems) > before:
            return None
        return FileRule(kind, str(name), identity, settings, with_defaults(given.get("filters")), refusal, path)

    def _id(self, path: Path, value: Any) -> str | None:
        try:
            identity = str(UUID(value))
        except (ValueError, TypeError, AttributeError):
            self._report(path, "id must be the UUID of the rule in PostHog; leave it out for a new rule")
            return None
        if identity in self._ids:
            self._report(path, "another rule has this id")
        self._ids.add(identity)
        return identity

    def _filters(self, kind: Kind, path: Path, value: Any) -> tuple[Any, str]:
        """Return filters as they are sent, and why they cannot be."""
        group = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if "type" not in group or not isinstance(group.get("values"), list):
            self._report(path, "filters must be {type: AND or OR, values: [...]}")
            return group, ""
        try:
            filters = _FILTERS.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            inner = tuple(step for step in first["loc"] if not (isinstance(step, str) and step.startswith("<")))
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in inner)
            return with_defaults(value), self._text.problem((*path, *inner), f"filters{where}: {first['msg']}.")
        refuses = kind in NEEDS_CONDITION and filters.matches_everything()
        refusal = self._text.problem(path, f"PostHog refuses a {kind} rule without a condition.") if refuses else ""
        return filters.as_sent(), refusal

    def _named_assignee(self, path: Path, value: Any, people: Mapping[str, dict[str, Any]]) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            if value not in people:
                self._report(path, f'"{clean(value, _LONGEST_NAME)}" is not in assignees: add it there')
            return people.get(value)
        return self._assignee(path, value)

    def _assignee(self, path: Path, value: Any) -> dict[str, Any] | None:
        members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if len(members) == 1:
            ((kind, identity),) = members.items()
            try:
                return Assignee.model_validate({"type": kind, "id": identity}).model_dump(mode="json")
            except ValidationError:
                pass
        self._report(path, "an assignee must be {user: <integer id>} or {role: <UUID>}")
        return None

    def _setting(self, path: Path, name: str, value: Any) -> Any:
        if value is None:
            if name == "severity":
                self._report(path, "severity is missing: low, medium, high or critical")
            return DEFAULTS[name]
        if name == "description" and not isinstance(value, str):
            self._report(path, "description must be a text")
        elif name == "sampling_rate" and not (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        ):
            self._report(path, "sampling_rate must be a number from 0 to 1: the share that is dropped")
        elif name == "severity":
            try:
                _SEVERITY.validate_python(value)
            except ValidationError:
                self._report(path, "severity must be low, medium, high or critical")
        return float(value) if name == "sampling_rate" and isinstance(value, int) else value

    def _mapping(self, path: Path, value: Any, what: str, known: tuple[str, ...] | None) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._report(path, f"{what} must be a mapping of keys to values")
            return {}
        members = cast("dict[str, Any]", value)
        for key in members:
            if known is not None and key not in known:
                self._report((*path, key), f'unknown key "{clean(key, _LONGEST_NAME)}"; known: {", ".join(known)}')
        return members

    def _list(self, path: Path, value: Any) -> list[Any]:
        if isinstance(value, list):
            return cast("list[Any]", value)
        self._report(path, f"{path[-1]} must be a list of rules; write [] for none")
        return []

    def _report(self, path: Path, text: str) -> None:
        self._problems.append(self._text.problem(path, f"{text}."))
