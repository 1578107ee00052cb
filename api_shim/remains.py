"""Where deleted data of a forgotten user may remain, and until when. See docs/how-to/forgetting.md."""

from __future__ import annotations

from collections.abc import Iterable

from afterturn.user_store import UserStore

#: Places outside afterturn's stores.
_ELSEWHERE = {
    "backups and replicas": "as long as you keep them; after restoring one, forget the user again",
    "LLM and embedding providers": "the texts that were sent to them, as long as their terms say",
}


def list_remains(stores: Iterable[UserStore]) -> dict[str, str]:
    """Return a mapping: place where deleted data remains on disk -> until when."""
    return {place: until for store in stores for place, until in store.remains.items()} | _ELSEWHERE
