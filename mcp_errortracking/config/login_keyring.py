"""The keyring of the operating system, as a place for the key of a login.

The package `keyring` is an extra. It is imported only when a login is kept there, or about to be: that takes a tenth of
a second, and may ask the user to unlock the keyring.
"""

from typing import Any

from mcp_errortracking.posthog_keys import redact

_SERVICE = "mcp-errortracking"
_LEAST_PRIORITY = 1
"""Backends below it are not recommended: they store nothing, or plain text."""
_LONGEST_REASON = 200


class KeyringProblemError(Exception):
    """The keyring cannot be used; the text says why, as a part of a sentence."""


class LoginKeyring:
    """The entries of this server in the keyring, one for each PostHog host."""

    def __init__(self) -> None:
        """Open the keyring.

        Raises:
            KeyringProblemError: the package is not installed, or the system has no keyring.
        """
        try:
            import keyring
        except ImportError:
            reason = "the package keyring is not installed; it comes with: pip install 'mcp_errortracking[login]'"
            raise KeyringProblemError(reason) from None
        try:
            self._backend: Any = keyring.get_keyring()
            priority = self._backend.priority
        except Exception as error:  # of any backend, of any library below it
            raise KeyringProblemError(_reason(error)) from None
        if priority < _LEAST_PRIORITY:
            raise KeyringProblemError("this system has no keyring that a program can use")
        self.name: str = getattr(self._backend, "name", type(self._backend).__name__)

    def read(self, host: str) -> str | None:
        """Return the secret that is stored for a host, or None.

        Raises:
            KeyringProblemError: the keyring is locked or does not answer.
        """
        return self._call("get_password", host)

    def write(self, host: str, secret: str) -> None:
        """Store a secret for a host, and check that it can be read.

        Raises:
            KeyringProblemError: it is not stored.
        """
        self._call("set_password", host, secret)
        if self._call("get_password", host) != secret:
            raise KeyringProblemError("it does not return what was written")

    def remove(self, host: str) -> None:
        """Remove the secret of a host, if there is one.

        Raises:
            KeyringProblemError: it is still there.
        """
        if self._call("get_password", host) is not None:
            self._call("delete_password", host)

    def check(self) -> None:
        """Store and remove an entry that means nothing.

        Raises:
            KeyringProblemError: nothing can be stored.
        """
        self.write("check", "check")
        self.remove("check")

    def _call(self, method: str, *arguments: str) -> Any:
        try:
            return getattr(self._backend, method)(_SERVICE, *arguments)
        except Exception as error:  # of any backend, of any library below it
            raise KeyringProblemError(_reason(error)) from None


def _reason(error: Exception) -> str:
    text = redact(" ".join(str(error).split()))[:_LONGEST_REASON].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
