"""The JSON schema of a pydantic model, in the dialect that strict structured output accepts everywhere.

Strict means: every object closed, every property required (an optional one may be null), and none of the keywords
that endpoints refuse. What these said (ranges, defaults, formats) is checked when the answer is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

#: Kept as they are. Everything else that is not built below is left out.
_KEPT = ("type", "description", "enum")

#: Without these the schema would mean something else, so that leaving them out would not be safe.
_REFUSED = ("prefixItems", "patternProperties", "not", "if", "oneOf", "discriminator")


@lru_cache(maxsize=32)
def strict(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema of `model`, with every reference written out; not to be changed by the caller.

    Raises TypeError for a model that strict output cannot express: one that is recursive, or has free-form objects.
    """
    schema = model.model_json_schema()
    return _strict(schema, schema.get("$defs", {}), ())


def _strict(schema: Mapping[str, Any], definitions: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        if name in seen:
            raise TypeError(f"{name} is recursive, which strict output cannot express")
        # What stands beside a reference (a description) belongs to this place, and goes before what it refers to.
        schema = {**definitions[name], **{key: value for key, value in schema.items() if key != "$ref"}}
        return _strict(schema, definitions, (*seen, name))
    if refused := [key for key in _REFUSED if key in schema]:
        raise TypeError(f"strict output cannot express {', '.join(refused)}")
    made: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "const" in schema:
        made["enum"] = [schema["const"]]
    if "anyOf" in schema:
        made["anyOf"] = [_strict(variant, definitions, seen) for variant in schema["anyOf"]]
    if schema.get("type") == "array":
        made["items"] = _strict(schema["items"], definitions, seen)
    if schema.get("type") == "object":
        made.update(_closed(schema, definitions, seen))
    return made


def _closed(schema: Mapping[str, Any], definitions: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    if "properties" not in schema:
        raise TypeError("strict output cannot express an object without named properties")
    properties = {name: _strict(value, definitions, seen) for name, value in schema["properties"].items()}
    return {"properties": properties, "required": list(properties), "additionalProperties": False}
