"""Presigned URLs, as PostHog hands them out (contract 2.3). Each is a secret and is left out of every repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Form:
    """A form to POST: its URL, and the fields that come before its file."""

    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    def around_file(self, boundary: str) -> tuple[bytes, bytes]:
        """Return the body before and after the file: the fields first, then the file, with a filename.

        Stores written in Go take a part without a filename for another field (contract 5.3).
        """
        parts = list[str]()
        for name, value in self.fields.items():
            quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"\r\n\r\n{value}\r\n')
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


@dataclass(frozen=True, slots=True)
class Target:
    """The addresses for one file. PUT is preferred to a form; a fallback is for when the first cannot be reached."""

    put: str | None = field(default=None, repr=False)
    form: Form | None = None
    fallback_put: str | None = field(default=None, repr=False)
    fallback_form: Form | None = None

    @property
    def is_empty(self) -> bool:
        """True without any address, which is what PostHog answers when it cannot sign."""
        return self.put is None and self.form is None


def read_target(answer: Mapping[str, Any]) -> Target:
    """Return the target in an entry of `id_map`; fields that are not as documented are left out."""
    return Target(
        put=_url(answer.get("presigned_put_url")),
        form=_form(answer.get("presigned_url")),
        fallback_put=_url(answer.get("fallback_presigned_put_url")),
        fallback_form=_form(answer.get("fallback_presigned_url")),
    )


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _form(value: Any) -> Form | None:
    if not isinstance(value, dict):
        return None
    answer = cast("dict[str, Any]", value)
    url, fields = _url(answer.get("url")), answer.get("fields")
    if url is None or not isinstance(fields, dict):
        return None
    return Form(url, {name: str(text) for name, text in cast("dict[str, Any]", fields).items()})
