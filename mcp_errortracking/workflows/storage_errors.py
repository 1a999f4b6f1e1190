"""What can go wrong between us and object storage. No text of these holds a URL: presigned ones are secrets.

StorageError
├── ExpiredError         the presigned URL is not good any more; a fresh one will be
├── ObjectMissingError   there is no such object: an upload that was started and never done
├── NoFormsError         this store takes no uploads by form; a PUT will do
├── DeniedError          another refusal of the store's, which a second try does not change
├── BusyError            the store failed or was busy, again and again
├── LostError            no connection, or it broke, again and again
├── TooLargeError        an object beyond the limit; it is not read
└── AddressRefusedError  an address that may not be connected to, or a URL that is none
"""


class StorageError(Exception):
    """A transfer that did not succeed: what happened, and what to do. `status` and `code` are the store's."""

    def __init__(self, what: str, next_step: str = "", *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step
        self.status = status
        self.code = code


class ExpiredError(StorageError):
    """The presigned URL is not good any more; a fresh one will be."""


class ObjectMissingError(StorageError):
    """There is no such object: an upload that was started and never done."""


class NoFormsError(StorageError):
    """This store takes no uploads by form; a PUT will do."""


class DeniedError(StorageError):
    """Another refusal of the store's, which a second try does not change."""


class BusyError(StorageError):
    """The store failed or was busy, again and again."""


class LostError(StorageError):
    """No connection, or it broke, again and again."""


class TooLargeError(StorageError):
    """An object beyond the limit; it is not read."""


class AddressRefusedError(StorageError):
    """An address that may not be connected to, or a URL that is none."""
