"""The login of the user: the key that `mcp-errortracking login` stored, and the place where it is.

The key stands in the keyring of the operating system, or in the file that posthog-cli reads. A note in the user's state
folder, without the key, says which; so a start without a login does not open the keyring.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from mcp_errortracking.config.login_file import can_write, credentials_file, read_credentials, write_credentials
from mcp_errortracking.config.login_keyring import KeyringProblemError, LoginKeyring
from mcp_errortracking.config.user_folders import state_folder
from mcp_errortracking.config.values import ConfigError, Secret
from mcp_errortracking.posthog_keys import digest_of
from mcp_errortracking.system.replaced_file import is_writable, replace_file

Place = Literal["keyring", "file"]


@dataclass(frozen=True, slots=True)
class Login:
    """A key with the only host that it may be sent to. `label` is its name in PostHog's settings, if known."""

    host: str
    key: Secret = field(repr=False)
    project: str | None
    label: str = ""
    source: str = ""
    """The place where it was found."""


@dataclass(frozen=True, slots=True)
class Note:
    """The description of a login, without its key. `digest` distinguishes that key from others in the same place."""

    host: str
    place: Place
    label: str
    digest: str


class Logins:
    """The places in which a login can be kept. There is at most one login that this server made."""

    def __init__(self, environ: Mapping[str, str] | None = None, home: Path | None = None) -> None:
        """
        Args:
            home: the user's home folder, if not the one of the environment.
        """
        environ = os.environ if environ is None else environ
        self.file = credentials_file(environ, home)
        """The file of posthog-cli."""
        folder = state_folder(environ if home is None else {**environ, "HOME": str(home)})
        self._note = folder and folder / "login.json"

    def note(self) -> Note | None:
        """Return the note about the login that this server made, or None."""
        if self._note is None or not self._note.is_file():
            return None
        try:
            data: Any = json.loads(self._note.read_bytes())
            return Note(**{name: str(data[name]) for name in Note.__slots__})  # pyright: ignore[reportArgumentType]
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def host(self) -> str | None:
        """Return the host of the login, without opening the keyring; None if there is no login."""
        if (note := self.note()) is not None:
            return note.host
        fields = read_credentials(self.file) or {}
        host: object = fields.get("host") or ""
        return host if fields and isinstance(host, str) else None

    def find(self) -> Login | None:
        """Return the login: that of the keyring, else that of posthog-cli's file.

        Raises:
            ConfigError: there is a login in the keyring, which cannot be read.
        """
        note = self.note()
        if note is not None and note.place == "keyring":
            return self._in_keyring(note)
        fields = read_credentials(self.file)
        if fields is None:
            return None
        host, project, key = fields.get("host"), fields.get("env_id") or fields.get("project_id"), fields["token"]
        is_ours = note is not None and isinstance(host, str) and note.digest == digest_of(host, key)
        return Login(
            host if isinstance(host, str) else "",
            Secret(key.strip()),
            str(project) if isinstance(project, str | int) else None,
            note.label if note is not None and is_ours else "",
            f"{'mcp-errortracking' if is_ours else 'posthog-cli'} login ({self.file})",
        )

    def place(self, wanted: Place | None) -> tuple[Place, str]:
        """Return the place for a new login, and the reason why it is not the keyring. Both were tried: they can be
        written.

        Args:
            wanted: None: the keyring where there is one, else the file.

        Raises:
            ConfigError: no login can be stored.
        """
        reason = ""
        if wanted != "file":
            try:
                if self._note is None or not _can_hold(self._note):
                    raise KeyringProblemError("the note about the login cannot be written into your state folder")
                LoginKeyring().check()
            except KeyringProblemError as problem:
                reason = str(problem)
            else:
                return "keyring", ""
        if wanted == "keyring":
            raise ConfigError(f"The keyring cannot be used: {reason}. Correct that, or leave out --store keyring.")
        if not can_write(self.file):
            more = f" The keyring cannot be used either: {reason}." if reason else ""
            raise ConfigError(
                f"{self.file} cannot be written, so a login cannot be stored.{more} Make the folder writable, or set "
                "POSTHOG_HOME to one that is, or use the variable POSTHOG_PERSONAL_API_KEY without a login."
            )
        return "file", reason

    def save(self, login: Login, place: Place) -> str:
        """Store a login in place of the one before. Return the reason if that one could not be removed, else "".

        Raises:
            ConfigError: it is not stored.
        """
        key, before = login.key.get_secret_value(), self.note()
        try:
            if place == "keyring":
                secret = {"key": key, "project": login.project, "label": login.label}
                LoginKeyring().write(login.host, json.dumps(secret))
            else:
                write_credentials(self.file, login.host, key, login.project or "")
            self._write_note(Note(login.host, place, login.label, digest_of(login.host, key)))
        except (OSError, KeyringProblemError) as error:
            reason = str(error) if isinstance(error, KeyringProblemError) else error.strerror or type(error).__name__
            raise ConfigError(f"The key could not be stored: {reason}.") from None
        if before is not None and before.place == "keyring" and (place, login.host) != ("keyring", before.host):
            try:
                LoginKeyring().remove(before.host)
            except KeyringProblemError as problem:
                return f"The key of the login before is still in the keyring: {problem}."
        return ""

    def remove(self, *, of_posthog_cli: bool) -> list[str]:
        """Remove the login, and return the places that held it.

        Args:
            of_posthog_cli: remove also a login in posthog-cli's file that this server did not make.

        Raises:
            ConfigError: it cannot be removed.
        """
        note, removed = self.note(), list[str]()
        try:
            if note is not None and note.place == "keyring":
                keyring = LoginKeyring()
                keyring.remove(note.host)
                removed.append(f"the keyring ({keyring.name})")
            fields = read_credentials(self.file)
            if fields is not None:
                digest = digest_of(str(fields.get("host")), fields["token"])
                if of_posthog_cli or (note is not None and note.place == "file" and note.digest == digest):
                    self.file.unlink()
                    removed.append(str(self.file))
            if note is not None and self._note is not None:
                self._note.unlink(missing_ok=True)
        except KeyringProblemError as problem:
            raise ConfigError(
                f"The login cannot be removed from the keyring: {problem}. Unlock it and repeat."
            ) from None
        except OSError as error:
            raise ConfigError(f"{error.filename} cannot be removed: {error.strerror}.") from None
        return removed

    def _in_keyring(self, note: Note) -> Login:
        try:
            keyring = LoginKeyring()
            text = keyring.read(note.host)
        except KeyringProblemError as problem:
            raise ConfigError(
                f"The key of your login is in the keyring, which cannot be read: {problem}. Unlock it and start "
                "again, or set POSTHOG_PERSONAL_API_KEY, or log in again with: mcp-errortracking login"
            ) from None
        fields = _json_object(text)
        key, project, label = (fields.get(name) for name in ("key", "project", "label"))
        if not isinstance(key, str) or not key:
            raise ConfigError(
                f"The key of your login for {note.host} is gone from the keyring ({keyring.name}). Log in again with: "
                "mcp-errortracking login"
            )
        return Login(
            note.host,
            Secret(key),
            project if isinstance(project, str) else None,
            label if isinstance(label, str) else "",
            f"mcp-errortracking login (keyring: {keyring.name})",
        )

    def _write_note(self, note: Note) -> None:
        """Write the note. Without a state folder there is none, and the login counts as one of posthog-cli."""
        if self._note is None:
            return
        self._note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(
            self._note, json.dumps({name: getattr(note, name) for name in Note.__slots__}).encode(), mode=0o600
        )


def _can_hold(note: Path) -> bool:
    """True if the note can be written."""
    with suppress(OSError):
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return is_writable(note.parent)


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        data: Any = json.loads(text or "")
    except ValueError:
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}
