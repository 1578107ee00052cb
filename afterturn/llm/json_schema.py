"""The JSON schema of a pydantic model, in the form that all endpoints accept for strict structured output.

In a strict schema every object is closed, every property is required (an optional one may be null), and there are no
keywords that some endpoints reject. The rules of those keywords (ranges, defaults, formats) are checked when the answer
is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

#: Keywords that are copied. All others are built below or left out.
_KEPT = ("type", "description", "enum")

#: Leaving these out would change the meaning of the schema, so a schema that needs one is rejected.
_UNSUPPORTED = ("prefixItems", "patternProperties", "not", "if", "oneOf", "discriminator")


@lru_cache(maxsize=32)
def strict(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema of `model`, with every reference resolved. The caller must not change it.

    Raises TypeError for a model that a strict schema cannot express: one that is recursive or has free-form objects.
    """
    schema = model.model_json_schema()
    return _strict(schema, schema.get("$defs", {}), ())


def _strict(schema: Mapping[str, Any], definitions: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        if name in seen:
            raise TypeError(f"{name} is recursive, which strict output cannot express")
        # A keyword beside a reference (a description) describes this use, and takes precedence over the definition.
        schema = {**definitions[name], **{key: value for key, value in schema.items() if key != "$ref"}}
        return _strict(schema, definitions, (*seen, name))
    if unsupported := [key for key in _UNSUPPORTED if key in schema]:
        raise TypeError(f"strict output cannot express {', '.join(unsupported)}")
    strict_schema: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "const" in schema:
        strict_schema["enum"] = [schema["const"]]
    if "anyOf" in schema:
        strict_schema["anyOf"] = [_strict(variant, definitions, seen) for variant in schema["anyOf"]]
    if schema.get("type") == "array":
        strict_schema["items"] = _strict(schema["items"], definitions, seen)
    if schema.get("type") == "object":
        strict_schema.update(_closed(schema, definitions, seen))
    return strict_schema


def _closed(schema: Mapping[str, Any], definitions: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    if "properties" not in schema:
        raise TypeError("strict output cannot express an object without named properties")
    properties = {name: _strict(value, definitions, seen) for name, value in schema["properties"].items()}
    return {"properties": properties, "required": list(properties), "additionalProperties": False}
