"""`Idempotency-Key`: a caller's id for one request, so that its repetition has no further effect.

No answers are stored. The ids of what a request writes are derived from the key, the method and the path. A repeated
request writes the same ids again, which has no effect (invariant 2), and gets the same ids as its answer. The key does
not expire. A request with the same key and another content is answered 409, `turn_id_used`.
"""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from fastapi import Depends, Header, Request

from afterturn.errors import InvalidInput
from api_shim.http.schemas import TurnIn

#: UUID namespace of ids that are derived from keys.
_NAMESPACE = uuid.UUID("0c3d5a3e-2c57-5b0e-8a43-7f1f0a6d9b52")
#: 1 to 255 visible ASCII characters.
_KEY_PATTERN = r"^[!-~]{1,255}$"


def _derive_request_id(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="an id that the caller chooses for this request, such as a UUID; its repetition has no further "
            "effect. 1 to 255 visible ASCII characters",
            min_length=1,
            max_length=255,
            pattern=_KEY_PATTERN,
        ),
    ] = None,
) -> uuid.UUID | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidInput("Idempotency-Key must be sent once")
    if idempotency_key is None or re.match(_KEY_PATTERN, idempotency_key) is None:
        return None
    return uuid.uuid5(_NAMESPACE, "\x00".join((request.method, request.scope["path"], idempotency_key)))


#: The id that is derived from the key of a request; None without a key.
RequestId = Annotated[uuid.UUID | None, Depends(_derive_request_id)]


def add_turn_ids(turns: list[TurnIn], request_id: uuid.UUID | None) -> None:
    """Give the turns without an id one that is derived from the request's."""
    if request_id is None:
        return
    for number, turn in enumerate(turns):
        if turn.turn_id is None:
            turn.turn_id = str(uuid.uuid5(request_id, str(number)))


def choose_edit_id(edit_id: str | None, request_id: uuid.UUID | None) -> str | None:
    """Return the id of an edit: the one that the caller gave, or the request's."""
    return edit_id if edit_id is not None or request_id is None else str(request_id)
