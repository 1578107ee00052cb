"""The parts of a message's content: texts, images, audio, files, tool calls and results, of several chat APIs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from afterturn.errors import InvalidInput

#: Types of parts whose text is content.
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
#: Types of parts that hold hidden reasoning of a model.
_REASONING = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_text"})
#: Type of a part -> its mark in the content. Other types are their own mark.
_MARKS = {
    "image_url": "image",
    "input_image": "image",
    "image_file": "image",
    "output_image": "image",
    "input_audio": "audio",
    "output_audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
    "input_video": "video",
    "input_file": "file",
    "document": "file",
    "container_upload": "file",
}
#: Fields with the name of a file, in a part or in its innermost object.
_CAPTION_FIELDS = ("filename", "title", "name")
_CAPTION_CHARACTERS = 80
#: The largest number of parts of a content. More: one message of small parts keeps a server busy for seconds.
PARTS_LIMIT = 2_000
#: A longer string in a part is inline data. Longer: long URLs are inline data too.
_INLINE_CHARACTERS = 2_048
_MARK = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_NOT_IN_CAPTIONS = re.compile(r"[\[\]\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Parts:
    """Collects the parts of one message."""

    def __init__(self, *, inline_bytes: int) -> None:
        """`inline_bytes`: how much inline data, such as base64 images, is kept; the rest is replaced by its digest."""
        self._inline_bytes = inline_bytes
        self._texts: list[str] = []
        #: The parts that are neither text nor calls or results of tools.
        self.kept: list[Any] = []
        #: In the form of OpenAI's chat API.
        self.tool_calls: list[dict[str, Any]] = []
        #: Each with `tool_call_id` and `content`.
        self.tool_results: list[dict[str, Any]] = []
        #: Annotations of texts, such as citations.
        self.annotations: list[Any] = []

    @property
    def text(self) -> str:
        """The texts, and a mark for each other part, one per line."""
        return "\n".join(text for text in self._texts if text)

    def add_content(self, content: object) -> None:
        """Add the content of a message. Raises InvalidInput if it is neither a string nor a list of parts, nor None."""
        if isinstance(content, str):
            self._texts.append(content)
        elif isinstance(content, (list, tuple)):
            if len(content) > PARTS_LIMIT:
                raise InvalidInput(f"content has {len(content)} parts; the limit is {PARTS_LIMIT}")
            for number, part in enumerate(content, start=1):
                self._add_part(to_plain(part), number)
        elif content is not None:
            raise InvalidInput(f"content must be a string or a list of parts, not {type(content).__name__}")

    def add_images(self, images: object) -> None:
        """Add images beside the content: parts, or their data."""
        for number, image in enumerate(images if isinstance(images, (list, tuple)) else (), start=1):
            self._add_part({"type": "image", "data": image} if isinstance(image, str) else to_plain(image), number)

    def shorten(self, value: Any) -> Any:
        """Return JSON data whose long strings are replaced by their digests, once they exceed the allowed size."""
        if isinstance(value, dict):
            return {key: self.shorten(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.shorten(item) for item in value]
        if not isinstance(value, str) or len(value) <= _INLINE_CHARACTERS:
            return value
        self._inline_bytes -= len(value)
        if self._inline_bytes >= 0:
            return value
        self._inline_bytes += len(value)
        digest = hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
        return f"(omitted: {len(value)} characters, SHA-256 {digest})"

    def _add_part(self, part: Any, number: int) -> None:
        kind = part.get("type", "text" if "text" in part else None) if isinstance(part, dict) else None
        if not isinstance(kind, str):
            raise InvalidInput(f"part {number} of content has no type")
        if kind in _TEXTS:
            self._add_text(part, part.get(_TEXTS[kind]), number)
        elif kind == "tool_use":
            self.tool_calls.append(_tool_call(part, number))
        elif kind == "tool_result":
            self._add_tool_result(part, number)
        elif kind not in _REASONING:
            self._add_other(kind, part)

    def _add_text(self, part: Mapping[str, Any], text: object, number: int) -> None:
        if isinstance(text, dict):
            text = text.get("value")
        if not isinstance(text, str):
            raise InvalidInput(f"part {number} of content has no text")
        self._texts.append(text)
        for key in ("annotations", "citations"):
            if isinstance(noted := part.get(key), list):
                self.annotations += noted

    def _add_tool_result(self, part: Mapping[str, Any], number: int) -> None:
        call_id = part.get("tool_use_id")
        if not isinstance(call_id, str):
            raise InvalidInput(f"part {number} of content has no tool_use_id")
        inner = Parts(inline_bytes=self._inline_bytes)
        inner.add_content(part.get("content"))
        self._inline_bytes = inner._inline_bytes
        self.kept += inner.kept
        failed = {"is_error": True} if part.get("is_error") is True else {}
        self.tool_results.append({"tool_call_id": call_id, "content": inner.text, **failed})

    def _add_other(self, kind: str, part: dict[str, Any]) -> None:
        self.kept.append(self.shorten(part))
        transcript = part.get("transcript")
        if isinstance(transcript, str) and transcript:
            self._texts.append(transcript)
            return
        mark = _MARKS.get(kind, kind if _MARK.fullmatch(kind) else "part")
        caption = _caption(part)
        self._texts.append(f"[{mark}: {caption}]" if caption else f"[{mark}]")


def to_plain(value: Any) -> Any:
    """Return JSON data in place of the objects of an SDK, at any depth. What is None in them is left out."""
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json", exclude_none=True, warnings=False)
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def _tool_call(part: Mapping[str, Any], number: int) -> dict[str, Any]:
    match part:
        case {"id": str(call_id), "name": str(name)}:
            try:
                arguments = json.dumps(part.get("input") or {}, ensure_ascii=False, separators=(",", ":"))
            except (TypeError, ValueError):
                raise InvalidInput(f"the input in part {number} of content is not JSON") from None
            return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    raise InvalidInput(f"part {number} of content has no id or no name")


def _caption(part: Mapping[str, Any]) -> str:
    """Return the name of a file for its mark, on one line."""
    objects = [part, *(value for value in part.values() if isinstance(value, dict))]
    names = (found.get(key) for key in _CAPTION_FIELDS for found in objects)
    name = next((name for name in names if isinstance(name, str) and name), "")
    return _NOT_IN_CAPTIONS.sub(" ", name[: 4 * _CAPTION_CHARACTERS]).strip()[:_CAPTION_CHARACTERS]
