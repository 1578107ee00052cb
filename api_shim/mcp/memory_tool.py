"""Tools of MCP that keep to their schema: unknown arguments are refused, and answers are objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from afterturn.principal import Right
from api_shim.mcp import tool_errors
from api_shim.mcp.tool_errors import UnknownArguments


class MemoryTool(Tool):
    """A tool that needs a right. Its function returns a pydantic object."""

    right: Right = Field(Right.READ, exclude=True)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool. Raises ToolError with a code, or UnexpectedToolError, which the server logs."""
        known = self.parameters.get("properties", {})
        try:
            if unknown := arguments.keys() - known:
                raise UnknownArguments(unknown, list(known))
            result: BaseModel = await super().run(arguments, context)
        except ToolError as error:
            cause = error.__cause__ or error
            text = tool_errors.describe(cause)
            if text is None:
                raise UnexpectedToolError("internal_error: the server failed; its log says why") from cause
            raise ToolError(text) from cause
        return _answer(result) if convert_result else result


def make(function: Callable[..., Any], right: Right, title: str, annotations: ToolAnnotations) -> MemoryTool:
    """Return the tool of a function. Its docstring is the description that models read."""
    tool = MemoryTool.from_function(
        function, title=title, description=_unfold(function), annotations=annotations, structured_output=True
    )
    assert isinstance(tool, MemoryTool)
    tool.right = right
    tool.parameters = _without_titles(tool.parameters) | {"additionalProperties": False}
    schema = tool.fn_metadata.output_schema
    assert schema is not None, "the function does not name the type of its result"
    tool.fn_metadata.output_schema = _without_titles(schema)
    return tool


def _answer(result: BaseModel) -> CallToolResult:
    """Return the object as structured content, and as one text for clients that do not know that."""
    return CallToolResult(
        content=[TextContent(type="text", text=result.model_dump_json(exclude_none=True))],
        structured_content=result.model_dump(mode="json", exclude_none=True),
    )


def _unfold(function: Callable[..., Any]) -> str:
    """Return the docstring with one line for each paragraph."""
    paragraphs = (function.__doc__ or "").split("\n\n")
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema without the titles that pydantic makes of names: models pay for each character."""
    return {
        name: {key: _strip(part) for key, part in value.items()} if name in ("properties", "$defs") else _strip(value)
        for name, value in schema.items()
        if name != "title"
    }


def _strip(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_strip(part) for part in value] if isinstance(value, list) else value
