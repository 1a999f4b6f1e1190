"""The assignee of an issue: a user or a role (contract 3.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.identifiers import refuse_nil
from mcp_errortracking.catalog.meanings import FIND_ASSIGNEES, Means, Shown


def _integer_or_uuid(value: Any, read: ValidatorFunctionWrapHandler) -> int | UUID:
    try:
        if not isinstance(value, bool):  # which pydantic takes for 0 or 1
            return read(value)
    except ValidationError:
        pass
    raise PydanticCustomError("assignee_id", "expected the integer id of a user, the UUID of a role, or a name")


class Assignee(BaseModel):
    """A user by integer id, or a role by UUID."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    type: Annotated[
        Literal["user", "role"],
        Means({**dict.fromkeys(("team", "group"), "role"), **dict.fromkeys(("person", "member"), "user")}),
    ]
    id: Annotated[int | UUID, WrapValidator(_integer_or_uuid), WithJsonSchema({"type": "string"})] = Field(
        description="Or e-mail, name."
    )

    meant: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("user_id", "user", "userId"), "give type user and id"),
        **dict.fromkeys(("role_id", "role", "roleId"), "give type role and id"),
        **dict.fromkeys(("email", "name", "username"), "give it as id, with type user or role"),
        "kind": "type",
    }

    @model_validator(mode="after")
    def id_fits_type(self) -> "Assignee":
        """PostHog knows users by number and roles by UUID, and answers 400 or 500 to the other one (contract 3.3)."""
        if self.type == "user" and not (isinstance(self.id, int) and 0 < self.id < 2**31):
            raise PydanticCustomError("user_id", 'type "user" needs an integer id above 0, as PostHog numbers users')
        if self.type == "role":
            if not isinstance(self.id, UUID):
                raise PydanticCustomError("role_id", 'type "role" needs the UUID of a role')
            refuse_nil(self.id)
        return self


@dataclass(frozen=True, slots=True)
class ByName:
    """Metadata of an argument: in place of the id, a call may give the e-mail or the name."""


AssigneeArgument = Annotated[
    Assignee,
    ByName(),
    Field(examples=[{"type": "user", "id": "1"}]),
    Shown({"type": "user", "id": "<integer id of a user>"}),
    Means(advice=f'an object with type "user" or "role", and as id the integer, the UUID, or a name. {FIND_ASSIGNEES}'),
]
ASSIGNEE: Mapping[str, str] = dict.fromkeys(
    ("user", "user_id", "role", "role_id", "assigned_to", "owner", "email", "assignee_id", "assigneeUserId"),
    "give assignee, an object with type user or role, and id (or a name or e-mail as id)",
)
"""Arguments that were meant for `assignee`."""
