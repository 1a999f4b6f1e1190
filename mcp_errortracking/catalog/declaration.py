"""The declaration of a tool: the fields of a class are its arguments, the docstring is its description."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_T = TypeVar("_T")

Scope = Literal[
    "error_tracking:read",
    "error_tracking:write",
    "hog_function:read",
    "hog_function:write",
    "integration:read",
    "activity_log:read",
]


@dataclass(frozen=True, slots=True)
class ListedBy:
    """Metadata of an id field: the kind of object, the tool that lists such ids, and a hint for an id not found."""

    noun: str
    tool: str
    hint: str = ""

    @property
    def advice(self) -> str:
        """The next step after PostHog did not find the id."""
        return f"Get the {self.noun}'s id from {self.tool}{self.hint and '; '}{self.hint}."


def metadata_of(annotated: object, kind: type[_T]) -> Iterator[_T]:
    """Yield the annotations of that kind on a field and on the types inside it."""
    if isinstance(annotated, kind):
        yield annotated
    if isinstance(annotated, FieldInfo):
        for item in annotated.metadata:
            yield from metadata_of(item, kind)
        annotated = annotated.annotation
    for inner in get_args(annotated):
        yield from metadata_of(inner, kind)


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article."""
    return f"a{'n' if noun[0] in 'aeiou' else ''} {noun}"


@dataclass(frozen=True, slots=True)
class Formatted:
    """Metadata of a text in a format of its own, a time or a hash: "null" and the empty text mean not given."""


FormattedText = Annotated[str, Formatted()]


@dataclass(frozen=True, slots=True)
class AtMost:
    """Metadata of a number with a maximum: a higher one counts as the maximum, and a note says so."""

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(lambda value: min(value, self.most), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "maximum": self.most}


def refuse_boolean(value: Any) -> Any:
    """Refuse true where a number is expected; pydantic would take it for 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "a number is wanted")
    return value


class Declaration(BaseModel):
    """A tool; each subclass is one, each instance a validated call of it."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    tool: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]]
    """All that the key needs."""
    title: ClassVar[str]
    summary: ClassVar[str]
    """The description that an agent reads: the docstring. (`description` is an argument of some tools.)"""
    toolset: ClassVar[str]
    """The group it is chosen by: the name of its module, unless said."""
    in_default: ClassVar[bool] = True
    """False leaves a workflow out of the default toolset; `toolsets` names the endpoints that are in it."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names a call may use; they are not listed."""
    since: ClassVar[str | None] = None
    """When PostHog added the endpoint, as far as known; None: before 2026."""
    advice: ClassVar[Mapping[str, str]] = {}
    """The next step by PostHog error code, where this tool knows better than the general explanation."""
    meant: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("project_id", "team_id", "environment_id", "project"),
            "this server works in one PostHog project (POSTHOG_PROJECT_ID); leave it out",
        ),
        **dict.fromkeys(
            ("api_key", "personal_api_key", "token", "host"), "the server has its own key and host; leave it out"
        ),
    }
    """Arguments that the tool does not have, in any spelling, and the one that was meant, or a sentence. Those of base
    classes hold too; the models of arguments may have their own."""
    meant_by: ClassVar[Mapping[str, str]] = {}
    """Words of invented names of the tool, and the arguments that do what such a name says."""
    example_fields: ClassVar[tuple[str, ...]] = ()
    """Optional arguments that an example of a call must have."""
    read_only: ClassVar[bool]
    destructive: ClassVar[bool]
    idempotent: ClassVar[bool]

    @field_validator("*", mode="before")
    @classmethod
    def no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Apply `refuse_boolean` to the arguments themselves; types inside them state it where they need a number."""
        if isinstance(value, bool) and _is_number(cls.model_fields[info.field_name or ""].annotation):
            return refuse_boolean(value)
        return value

    def advice_on(self, code: str) -> str | None:
        """Return the next step after a failure with this PostHog error code; None if the general one applies.

        An unknown id in the path is looked up where its type says, unless the tool has advice of its own.
        """
        if code in self.advice or code != "not_found":
            return self.advice.get(code)
        return next((kind.advice for kind in self.ids_in_path()), None)

    def writes(self) -> bool:
        """True if this call changes something; a call of a tool that writes may only look, like a dry run."""
        return not self.read_only

    @classmethod
    def ids_in_path(cls) -> list[ListedBy]:
        """The kinds of ids in the request's path; none for a tool without a path."""
        return []

    def __init_subclass__(
        cls,
        *,
        tool: str | None = None,
        scope: Scope | tuple[Scope, ...] | None = None,
        toolset: str | None = None,
        aliases: tuple[str, ...] = (),
        since: str | None = None,
        read_only: bool = False,
        destructive: bool = False,
        idempotent: bool = True,
        **kwargs: Any,
    ) -> None:
        """Declare a tool, or a base class of tools if `tool` is not given.

        Args:
            scope: defaults to reading or writing error tracking, by `read_only`.
            toolset: defaults to that of the base class, else to the name of the module.
        """
        super().__init_subclass__(**kwargs)
        if toolset is not None:
            cls.toolset = toolset
        if tool is None:
            return
        if not hasattr(cls, "toolset"):
            cls.toolset = cls.__module__.rpartition(".")[2]
        cls.tool, cls.aliases, cls.since = tool, aliases, since
        scope = scope or ("error_tracking:read" if read_only else "error_tracking:write")
        cls.scopes = (scope,) if isinstance(scope, str) else scope
        words = re.findall(r"[A-Z][a-z]+", cls.__name__)
        cls.title = " ".join([words[0], *(word.lower() for word in words[1:])])
        cls.summary = " ".join((cls.__doc__ or "").split())
        cls.read_only, cls.destructive, cls.idempotent = read_only, destructive, idempotent


def _is_number(annotation: Any) -> bool:
    """True if a field takes a number and not a boolean."""
    kinds = {annotation, *get_args(annotation), *(inner for part in get_args(annotation) for inner in get_args(part))}
    return bool(kinds & {int, float}) and bool not in kinds
