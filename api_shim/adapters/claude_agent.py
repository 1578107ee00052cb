"""Claude Agent SDK: a session store. Transcripts are kept exactly, and what was said in them is remembered.

    options = ClaudeAgentOptions(session_store=AfterturnSessionStore("ana"), resume=session_id)

Each entry of a transcript is a turn: its JSON is in the metadata, and beside it stands what a person or the assistant
said, from which the workers learn facts. Entries of subagents, tool results and notes of the SDK have no such text.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from afterturn import MemoryClient, extras, ids
from afterturn import settings as settings_module
from afterturn.client.limits import WRITE_MANY_LIMIT
from afterturn.turns import Turn

extras.require("claude-agent", "the adapter for the Claude Agent SDK")

import anyio.to_thread  # noqa: E402
from claude_agent_sdk import (  # noqa: E402
    SessionKey,
    SessionListSubkeysKey,
    SessionStore,
    SessionStoreEntry,
    SessionStoreListEntry,
    SessionSummaryEntry,
    fold_session_summary,
)

if TYPE_CHECKING:
    from afterturn.memories import Session
    from afterturn.settings import Settings

Result = TypeVar("Result")

#: What the ids of these sessions begin with, so that they are not mixed with other conversations of the user.
_PREFIX = "claude:"
#: In the metadata of a turn: {"entry": id, "part": 0, "of": 1, "json": text, "key": the key of the transcript}.
_METADATA = "claude_agent"
#: Extraction sees the beginning of a longer text; the entry is kept whole.
_TEXT_CHARACTERS = 8_000
#: Entries that the SDK sends again after an error are recognised among so many.
_KNOWN_ENTRIES = 20_000
_PAGE = 1_000
#: Messages of the SDK in the place of a user's message.
_NOTES = ("<command-", "<local-command", "<system-reminder", "Caveat: The messages below")


class AfterturnSessionStore(SessionStore):
    """Keeps transcripts of one user. It belongs to no event loop: the calls run in threads."""

    def __init__(
        self,
        user_id: str,
        *,
        agent_id: str | None = "claude",
        user_name: str | None = None,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Set whose transcripts these are.

        Args:
            user_id: the user whose memory it is.
            agent_id: the agent that is stored with each turn.
            user_name: the user's name, for the facts about the user.
            tenant_id: the customer that the user belongs to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises InvalidId or SettingsError.
        """
        self._settings = settings_module.from_environment() if settings is None else settings
        self._user_id = ids.validate_user_id(user_id)
        self._agent_id = agent_id
        self._user_name = user_name
        self._tenant_id = tenant_id
        #: (session id, uuid) of the last entries that were written.
        self._written: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Add entries to a transcript, in order. An entry whose uuid it has already is left out.

        Raises MemoryUnavailable if Redis does not acknowledge them; the SDK then tries again.
        """
        await _in_thread(lambda: self._append(key, entries))

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """Return all entries of a transcript, or None if it has none. Raises MemoryUnavailable."""
        return await _in_thread(lambda: self._load(key))

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """Return the sessions of a project, with the time of the last entry. Raises MemoryUnavailable."""
        return await _in_thread(lambda: self._list(project_key))

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """Return what the SDK shows of each session of a project in lists. Raises MemoryUnavailable."""
        return await _in_thread(lambda: list(self._summaries(project_key)))

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """Return the subpaths of a session: the transcripts of its subagents. Raises MemoryUnavailable."""
        session_id = key["session_id"]

        def read() -> list[str]:
            found = (own for own, _ in self._transcripts(key["project_key"]))
            return [own["subpath"] for own in found if own["session_id"] == session_id and "subpath" in own]

        return await _in_thread(read)

    async def delete(self, key: SessionKey) -> None:
        """Remove a transcript and what was learnt from it; without a subpath, those of its subagents too.

        Raises MemoryUnavailable.
        """
        await _in_thread(lambda: self._delete(key))

    def _append(self, key: SessionKey, entries: Sequence[SessionStoreEntry]) -> None:
        client, session_id = self._client(key), _session_id(key)
        new = {name: entry for entry in entries if (session_id, name := _name_of(entry)) not in self._written}
        turns = [turn for name, entry in new.items() for turn in self._turns(key, name, entry)]
        for start in range(0, len(turns), WRITE_MANY_LIMIT):
            client.write_many(turns[start : start + WRITE_MANY_LIMIT])
        self._written |= dict.fromkeys((session_id, name) for name in new)
        while len(self._written) > _KNOWN_ENTRIES:
            self._written.popitem(last=False)

    def _load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        client = self._client(key)
        pages: list[list[Turn]] = [client.history(_PAGE)]
        while len(pages[-1]) == _PAGE:
            pages.append(client.history(_PAGE, before=pages[-1][0].turn_id))
        entries = list(_join(turn for page in reversed(pages) for turn in page))
        return entries or None

    def _list(self, project_key: str) -> list[SessionStoreListEntry]:
        return [
            {"session_id": key["session_id"], "mtime": int(changed_at.timestamp() * 1_000)}
            for key, changed_at in self._transcripts(project_key)
            if "subpath" not in key
        ]

    def _summaries(self, project_key: str) -> Iterator[SessionSummaryEntry]:
        """Yield the summary of each session, made from its entries: nothing of it is stored."""
        for listed in self._list(project_key):
            key: SessionKey = {"project_key": project_key, "session_id": listed["session_id"]}
            if entries := self._load(key):
                summary = fold_session_summary(None, key, entries)
                summary["mtime"] = listed["mtime"]
                yield summary

    def _transcripts(self, project_key: str) -> Iterator[tuple[SessionKey, datetime]]:
        """Yield the key of each transcript of a project that has entries, and the time of its last entry."""
        prefix = _project_prefix(project_key)
        for session in self._sessions():
            if not session.session_id.startswith(prefix):
                continue
            # Turns or removals that no worker has read are not in the numbers of the list.
            if session.is_pending or _is_digest(session.session_id):
                for newest in self._open(session.session_id).history(1):
                    yield newest.metadata[_METADATA]["key"], newest.occurred_at
            elif session.turns and session.last_said_at is not None:
                yield _parse_key(project_key, session.session_id), session.last_said_at

    def _sessions(self) -> Iterator[Session]:
        client, cursor = self._open("any"), None
        while True:
            page = client.sessions(limit=_PAGE, cursor=cursor)
            yield from page
            if len(page) < _PAGE:
                return
            cursor = page[-1].cursor

    def _delete(self, key: SessionKey) -> None:
        keys = [key]
        if not key.get("subpath"):
            found = (own for own, _ in self._transcripts(key["project_key"]))
            keys += [own for own in found if own["session_id"] == key["session_id"] and "subpath" in own]
        for each in keys:
            self._client(each).clear_session()
            session_id = _session_id(each)
            for written in [written for written in self._written if written[0] == session_id]:
                del self._written[written]

    def _turns(self, key: SessionKey, name: str, entry: SessionStoreEntry) -> Iterator[dict[str, Any]]:
        """Yield the turns of an entry: one, or several if it is longer than a turn may be."""
        limit_bytes = self._settings.turn_limit_bytes
        # ASCII, because Postgres cannot store NUL and lone surrogates. In the payload each \ takes two bytes.
        text, size = json.dumps(entry, ensure_ascii=True), limit_bytes // 4
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        role, said = ("system", "") if key.get("subpath") else _said(entry)
        for number, part in enumerate(parts):
            kept = {"entry": name, "part": number, "of": len(parts), "json": part, "key": dict(key)}
            yield {
                "role": role,
                "content": said[: min(_TEXT_CHARACTERS, limit_bytes // 16)] if number == 0 else "",
                "name": self._user_name if role == "user" else None,
                "occurred_at": self._time_of(entry),
                "metadata": {_METADATA: kept},
            }

    def _time_of(self, entry: SessionStoreEntry) -> datetime | None:
        """Return when the entry was made; None, the time of the write, if it does not say so, or not in the past."""
        try:
            moment = datetime.fromisoformat(entry["timestamp"])
        except (KeyError, TypeError, ValueError):
            return None
        return moment if moment.tzinfo is not None and moment.year > 2 and moment <= datetime.now(UTC) else None

    def _client(self, key: SessionKey | SessionListSubkeysKey) -> MemoryClient:
        return self._open(_session_id(key))

    def _open(self, session_id: str) -> MemoryClient:
        return MemoryClient(
            self._user_id, session_id, self._agent_id, tenant_id=self._tenant_id, settings=self._settings
        )


async def _in_thread(call: Callable[[], Result]) -> Result:
    return await anyio.to_thread.run_sync(call)


def _project_prefix(project_key: str) -> str:
    return f"{_PREFIX}{hashlib.sha256(project_key.encode()).hexdigest()[:24]}:"


def _session_id(key: SessionKey | SessionListSubkeysKey) -> str:
    """Return the session of a transcript. The names are in it, if they are not too long."""
    names = (key["session_id"], str(key.get("subpath") or ""))
    named = _project_prefix(key["project_key"]) + ":".join(quote(name, safe="/") for name in names if name)
    if len(named) <= ids.ID_LIMIT_CHARACTERS:
        return named
    digest = hashlib.sha256("\0".join(names).encode()).hexdigest()
    return f"{_project_prefix(key['project_key'])}::{digest}"


def _is_digest(session_id: str) -> bool:
    return "::" in session_id


def _parse_key(project_key: str, session_id: str) -> SessionKey:
    name, _, subpath = session_id.removeprefix(_project_prefix(project_key)).partition(":")
    key: SessionKey = {"project_key": project_key, "session_id": unquote(name)}
    if subpath:
        key["subpath"] = unquote(subpath)
    return key


def _name_of(entry: SessionStoreEntry) -> str:
    """Return the name of an entry: its uuid, or a new one."""
    name = entry.get("uuid")
    return name if isinstance(name, str) and name else ids.new_turn_id()


def _join(turns: Iterable[Turn]) -> Iterator[SessionStoreEntry]:
    """Yield the entries in turns, each once. One whose write was not completed is left out."""
    yielded: set[str] = set()
    parts: dict[str, list[str]] = {}
    for turn in turns:
        kept = turn.metadata.get(_METADATA)
        if kept is None or kept["entry"] in yielded:
            continue
        name = kept["entry"]
        if kept["part"] == 0:
            parts[name] = []
        parts.setdefault(name, []).append(kept["json"])
        if len(parts[name]) == kept["of"]:
            yielded.add(name)
            yield json.loads("".join(parts.pop(name)))


def _said(entry: SessionStoreEntry) -> tuple[str, str]:
    """Return the role of an entry, and what the user or the assistant said in it."""
    fields: dict[str, Any] = dict(entry)
    role, message = fields.get("type"), fields.get("message")
    if role not in ("user", "assistant") or not isinstance(message, dict):
        return "system", ""
    if any(fields.get(name) for name in ("isSidechain", "isMeta", "isCompactSummary")):
        return role, ""
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    said = "\n".join(text for text in texts if isinstance(text, str) and not text.startswith(_NOTES))
    return role, said
