"""The description of the API: machine-readable, and as a page that loads nothing from elsewhere."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

blueprint = Blueprint("api_docs", __name__)


@blueprint.get("/api/openapi.json")
def openapi() -> Response:
    return jsonify(_spec())


@blueprint.get("/api/docs")
def page() -> str:
    spec = _spec()
    return render_template("cabinet/api/docs.html", endpoints=endpoints(spec), base=_base())


def endpoints(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry per method and path, with the fields of what goes in and comes out."""
    found = []
    for path, methods in spec["paths"].items():
        for method, what in methods.items():
            if method == "parameters":
                continue
            body = what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            answers = [answer for code, answer in what["responses"].items() if str(code).startswith("2")]
            out = answers[0].get("content", {}).get("application/json", {}).get("schema", {}) if answers else {}
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": what.get("summary", ""),
                    "query": [*methods.get("parameters", []), *what.get("parameters", [])],
                    "body": fields_of(spec, body),
                    "answer": fields_of(spec, out),
                }
            )
    return found


def fields_of(spec: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> list[dict[str, str]]:
    """Names, types and meanings of a schema's fields; those of nested ones as ``items[].id``."""
    schema = _resolved(spec, schema)
    lines = []
    for name, field in schema.get("properties", {}).items():
        inner = field.get("items", {})
        kind = f"{field.get('type', 'object')}" + (f" ({field['format']})" if "format" in field else "")
        lines.append({"name": prefix + name, "type": kind, "text": field.get("description", "")})
        if "$ref" in inner:
            lines += fields_of(spec, inner, f"{prefix}{name}[].")
    return lines


def _resolved(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _spec() -> dict[str, Any]:
    found: dict[str, Any] = current_app.extensions["callcab.api"].spec.to_dict()
    return found


def _base() -> str:
    return str(current_app.config["SETTINGS"].base_url).rstrip("/")
