"""Whose memory a chat uses, and which session: from the credential, the headers and the body of the request."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Literal

from afterturn import ids
from afterturn.errors import Forbidden, InvalidId, InvalidInput
from afterturn.principal import Principal
from afterturn.settings import Settings
from api_shim.chat import spoken
from api_shim.chat.body import ChatBody

Mode = Literal["on", "read", "write", "off"]
MODES: tuple[Mode, ...] = ("on", "read", "write", "off")

USER_HEADER = "x-afterturn-user"
SESSION_HEADER = "x-afterturn-session"
MEMORY_HEADER = "x-afterturn-memory"
_OPEN_WEBUI_USER = "x-openwebui-user-id"
_OPEN_WEBUI_SESSION = "x-openwebui-chat-id"
#: Open WebUI's requests for titles, tags and search terms begin so.
_OPEN_WEBUI_TASK = "### Task:"
#: The user of callers that need no credential: the programs of this machine.
_LOCAL_USER = "default"


def read_header(headers: Mapping[str, str], name: str) -> str | None:
    """Return the value of a header as UTF-8, as clients send it, or None. The server has decoded it as Latin-1."""
    value = headers.get(name)
    if value is None or value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return value


def default_user(settings: Settings, *, is_open: bool) -> str | None:
    """Return the user of requests that name none, or None. `is_open`: whether callers need no credential."""
    return settings.chat_user or (_LOCAL_USER if is_open else None)


def find_user(
    principal: Principal,
    headers: Mapping[str, str],
    body: ChatBody | None,
    settings: Settings,
    *,
    default: str | None,
) -> str | None:
    """Return the user of a request, or None if it has none. `default`: the user of requests that name none.

    Raises Forbidden if it names a user whom the caller has no access to, InvalidId if a header has no valid id.
    """
    named = _named_user(headers, body, settings)
    only = next(iter(principal.users)) if isinstance(principal.users, frozenset) and len(principal.users) == 1 else None
    if named is None:
        return only or default
    users: Container[str] = principal.users
    if named not in users:
        raise Forbidden("the credential does not give access to this user")
    # An id that cannot be one is nobody's: the next candidate, or a default, would be another person.
    return named if _is_user_id(named) else None


def find_session(headers: Mapping[str, str], body: ChatBody, settings: Settings) -> str | None:
    """Return the session that a request names, or None. Raises InvalidId if a header has no valid id."""
    if (given := read_header(headers, SESSION_HEADER)) is not None:
        return ids.validate_session_id(given)
    candidates = [read_header(headers, _OPEN_WEBUI_SESSION)] if settings.chat_openwebui else []
    conversation = body.value("conversation") if body.conversation == "input" else None
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    candidates += [_metadata(body, "session_id"), conversation]
    return next((named for named in candidates if _is_session_id(named)), None)


def derive_session(body: ChatBody) -> str:
    """Return the session of a conversation that has no name."""
    return spoken.derive_session_id(body.messages, body.value("instructions"))


def find_mode(headers: Mapping[str, str], body: ChatBody | None, settings: Settings) -> Mode:
    """Return what the request may do with the memory. Raises InvalidInput for an unknown value of the header."""
    given = headers.get(MEMORY_HEADER)
    if given is not None:
        for mode in MODES:
            if given.strip().lower() == mode:
                return mode
        raise InvalidInput(f"X-Afterturn-Memory must be one of {', '.join(MODES)}")
    is_task = settings.chat_openwebui and body is not None and body.last_user_text.startswith(_OPEN_WEBUI_TASK)
    return "off" if is_task else "on"


def _named_user(headers: Mapping[str, str], body: ChatBody | None, settings: Settings) -> str | None:
    if (given := read_header(headers, USER_HEADER)) is not None:
        return ids.validate_user_id(given, "X-Afterturn-User")
    candidates: list[Any] = [read_header(headers, _OPEN_WEBUI_USER)] if settings.chat_openwebui else []
    if body is not None:
        candidates += [_metadata(body, "user_id"), body.value("safety_identifier"), body.value("user")]
    return next((found for found in candidates if isinstance(found, str) and found), None)


def _metadata(body: ChatBody, name: str) -> Any:
    metadata = body.value("metadata")
    return metadata.get(name) if isinstance(metadata, dict) else None


def _is_user_id(value: str) -> bool:
    try:
        ids.validate_user_id(value)
    except InvalidId:
        return False
    return True


def _is_session_id(value: object) -> bool:
    try:
        ids.validate_session_id(value)
    except InvalidId:
        return False
    return True
