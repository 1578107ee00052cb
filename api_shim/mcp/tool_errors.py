"""The errors of tools as a model reads them: the stable code, then the text. No text repeats an argument."""

from __future__ import annotations

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from afterturn.errors import AfterturnError, InvalidInput, TurnIdUsed

#: Invalid arguments that one error names.
_FIELDS_NAMED = 10
_FIELD_CHARACTERS = 40


class NotFound(ToolError):
    """The user has no such memory."""

    def __init__(self) -> None:
        super().__init__("not_found: this user has no memory with this id")


class UnknownArguments(ToolError):
    """A call has arguments that the tool does not have."""

    def __init__(self, given: set[str], known: list[str]) -> None:
        names = sorted(name for name in given if name.isidentifier() and name.isascii())
        shown = f"{names[0][:_FIELD_CHARACTERS]}: unknown argument" if names else "unknown argument"
        super().__init__(f"{InvalidInput.code}: {shown}; this tool has {', '.join(known)}")


def describe(error: BaseException) -> str | None:
    """Return the code and the text of an error; None for one that nobody foresaw."""
    match error:
        case ValidationError():
            return f"{InvalidInput.code}: {_describe_arguments(error)}"
        case TurnIdUsed():
            return f"{error.code}: turn_id: the session has a turn with this id and other content; nothing was stored"
        case AfterturnError():
            return f"{error.code}: {error}"
        case ToolError():
            return str(error)
        case _:
            return None


def _describe_arguments(error: ValidationError) -> str:
    """Return the invalid arguments and what each must be."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{_field(problem['loc'])}: {problem['msg']}" for problem in problems[:_FIELDS_NAMED]]
    if len(problems) > _FIELDS_NAMED:
        named.append(f"and {len(problems) - _FIELDS_NAMED} more")
    return "; ".join(named)


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:_FIELD_CHARACTERS] for part in location)
