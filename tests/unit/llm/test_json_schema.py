"""The strict schema, which all endpoints accept for structured output."""

from datetime import datetime
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from afterturn.extraction.answer import Answer
from afterturn.llm import json_schema

ALLOWED = {"type", "description", "enum", "anyOf", "items", "properties", "required", "additionalProperties"}


class Inner(BaseModel):
    """A nested model."""

    number: int = Field(3, ge=1, le=5)


class Outer(BaseModel):
    kind: Literal["only"] = "only"
    inner: Inner = Field(description="The one here.")
    others: tuple[Inner, ...] = ()
    at: datetime | None = None


class Tree(BaseModel):
    children: list["Tree"] = []


class Free(BaseModel):
    anything: dict[str, Any]


class Pair(BaseModel):
    both: tuple[int, str]


def parts(schema: dict) -> list[dict]:
    schemas = [schema]
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        schemas += parts(inner)
    return schemas + (parts(schema["items"]) if "items" in schema else [])


@pytest.mark.parametrize("model", [Answer, Outer])
def test_objects_are_closed_properties_are_required_and_only_allowed_keywords_are_used(model: type[BaseModel]):
    schema = json_schema.strict(model)

    jsonschema.Draft202012Validator.check_schema(schema)
    for part in parts(schema):
        assert set(part) <= ALLOWED
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])


def test_references_are_resolved_and_keep_their_own_description():
    properties = json_schema.strict(Outer)["properties"]

    assert properties["kind"] == {"type": "string", "enum": ["only"]}
    assert properties["inner"]["description"] == "The one here."
    assert properties["others"]["items"]["properties"] == {"number": {"type": "integer"}}
    assert properties["at"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_a_value_of_the_model_fits_the_schema():
    value = Outer(inner=Inner(number=2), others=(Inner(),)).model_dump(mode="json")

    jsonschema.validate(value, json_schema.strict(Outer))


@pytest.mark.parametrize("model", [Tree, Free, Pair])
def test_models_that_strict_output_cannot_express_are_rejected(model: type[BaseModel]):
    with pytest.raises(TypeError, match="strict output cannot express"):
        json_schema.strict(model)
