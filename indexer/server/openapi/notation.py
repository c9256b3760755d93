"""Parts of an OpenAPI document: types, parameters and responses."""

from __future__ import annotations

from typing import Any

from indexer.server.parameters import MAX_VALUES

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
SECONDS: Json = {"type": "number", "minimum": 0, "description": "seconds"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
TIME: Json = {"type": "number", "minimum": 0, "maximum": 1e9}


def record(properties: Json, optional: tuple[str, ...] = ()) -> Json:
    """An object with these properties."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def list_of(items: Json) -> Json:
    """An array of these items."""
    return {"type": "array", "items": items}


def ref(name: str) -> Json:
    """A schema of the document, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def texts(minimum: int = 0) -> Json:
    """A repeatable parameter of texts."""
    return {"type": "array", "items": TEXT, "minItems": minimum, "maxItems": MAX_VALUES}


def parameter(name: str, schema: Json, text: str, *, where: str = "query", required: bool = False) -> Json:
    """A parameter of a request."""
    described = {"name": name, "in": where, "required": required or where == "path", "schema": schema}
    return {**described, "description": text} if text else described


def whole(name: str, minimum: int, maximum: int, text: str) -> Json:
    """A parameter that is a whole number in a range."""
    return parameter(name, {"type": "integer", "minimum": minimum, "maximum": maximum}, text)


def json_content(text: str, schema: str) -> Json:
    """A response in JSON of a schema."""
    return {"description": text, "content": {"application/json": {"schema": ref(schema)}}}


def error_responses(codes: list[int]) -> Json:
    """Error responses by status."""
    sentences = {
        **{400: "Invalid parameter", 401: "Token required", 404: "Not found", 503: "The index cannot be read"},
        **{403: "Not from the page of this server", 409: "The name is taken", 413: "Too long"},
        **{415: "Other content than required", 507: "No space on the disk"},
    }
    return {str(code): json_content(sentences[code], "Error") for code in sorted(codes)}
