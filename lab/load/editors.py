"""A JSON Schema of the format, by which editors complete, explain and check while one types."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema

from lab.model.topology import Topology


class _Plain(GenerateJsonSchema):
    """Without titles, which repeat the keys, and without defaults, which are Python's."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema(model: type[BaseModel] = Topology) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a topology file, or of another that ``model`` reads.

    It knows keys, forms and units; that the parts fit together is checked by ``mptcp-lab check``.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **model.model_json_schema(schema_generator=_Plain),
    }
