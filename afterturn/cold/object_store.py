"""The object store of the cold archive: S3, Google Cloud Storage, Azure, or a folder.

Credentials are those of the environment (`AWS_…`, `GOOGLE_…`, `AZURE_…`), as the store's other tools read them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from afterturn import extras
from afterturn.errors import ColdObjectDamaged, ColdUnavailable, SettingsError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: How long one request may take. Shorter: slow connections fail. Longer: a history waits longer for a store that hangs.
REQUEST_TIMEOUT = timedelta(seconds=10)
CONNECT_TIMEOUT = timedelta(seconds=3)
#: Requests that failed are repeated within this time.
RETRY_TIMEOUT = timedelta(seconds=10)


class ColdStore:
    """Puts, gets, lists and deletes objects. Threads may share it."""

    def __init__(self, url: str) -> None:
        """Open no connection yet. Raises MissingExtra, or SettingsError if the URL names no store."""
        extras.require("cold", "the cold archive")
        #: The folder; None for a store behind a network.
        self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        self._url = url

    @functools.cached_property
    def _store(self) -> ObjectStore:
        from obstore import store
        from obstore.exceptions import BaseError

        options: dict[str, Any] = {}
        if self._folder is None:
            options = {
                "client_options": {"timeout": REQUEST_TIMEOUT, "connect_timeout": CONNECT_TIMEOUT},
                "retry_config": {"max_retries": 2, "retry_timeout": RETRY_TIMEOUT},
            }
        try:
            return store.from_url(self._url, **options)
        except (BaseError, ValueError) as error:
            # The text of the error may contain the URL, with what somebody wrote into it.
            raise SettingsError(f"AFTERTURN_COLD_URL names no object store ({type(error).__name__})") from None

    def create_folder(self) -> None:
        """Create the folder, if the store is one. Only for a store in which nothing is yet. Raises ColdUnavailable."""
        if self._folder is not None:
            with _explaining():
                self._folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes) -> None:
        """Write an object, and return when the store has it for good. Raises ColdUnavailable."""
        with self._reaching():
            self._store.put(key, data)
            if self._folder is not None:
                _sync(self._folder, key)

    def get(self, key: str, *, digest: str) -> bytes:
        """Read an object, and compare it with its SHA-256. Raises ColdUnavailable, or ColdObjectDamaged."""
        try:
            with self._reaching():
                data = bytes(self._store.get(key).bytes())
        except FileNotFoundError:
            raise ColdObjectDamaged(f"the object {key} of the cold archive is missing") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise ColdObjectDamaged(f"the object {key} of the cold archive is damaged: its checksum is wrong")
        return data

    def delete(self, key: str) -> None:
        """Delete an object, if it is there. Raises ColdUnavailable."""
        with contextlib.suppress(FileNotFoundError), self._reaching():
            self._store.delete(key)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the objects below a prefix. Raises ColdUnavailable."""
        with self._reaching():
            for page in self._store.list(prefix or None):
                yield from (str(entry["path"]) for entry in page)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        """Translate the errors of the store, except that an object is missing."""
        if self._folder is not None and not self._folder.is_dir():
            # A folder that is not mounted looks like one whose objects are all missing; writing would create another.
            raise ColdUnavailable("the folder of AFTERTURN_COLD_URL is not there")
        with _explaining():
            yield


@contextlib.contextmanager
def _explaining() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError, ValueError) as error:
        # The text of the error may contain a URL with a signature.
        raise ColdUnavailable(
            f"the object store of AFTERTURN_COLD_URL does not answer, or refuses ({type(error).__name__})"
        ) from None


def _sync(folder: Path, key: str) -> None:
    """Let the file system store a new file, and the folders that name it, for good."""
    path = folder / key
    for part in (path, path.parent, folder):
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@functools.lru_cache(maxsize=8)
def open_store(url: str) -> ColdStore:
    """Return the store of a URL, one per process. Raises MissingExtra or SettingsError."""
    return ColdStore(url)
