"""Documents as they are in real life: published ones, invalid ones, hostile ones."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from domain.errors import ConfigurationProblem, InvalidInput
from domain.tools.tool import Safety, ToolSpec
from integrations.tools.addresses import AddressGuard
from integrations.tools.openapi.configuration import OpenApiSource, OpenApiSources
from integrations.tools.openapi.operations import Plan, find_operations, understand
from integrations.tools.openapi.provider import OpenApiProvider
from integrations.tools.openapi.reading import Document, Unsupported, read_document
from integrations.tools.openapi.schemas import SchemaBuilder

PUBLISHED = Path(__file__).parents[2] / "data" / "openapi"
OPERATIONS = {
    "alertmanager_api_v2.yaml": 9,
    "github_issues_subset.json": 51,
    "intercom_2.14.yaml": 150,
    "slack_web_openapi_v2.json": 174,
    "statuspage_openapi3.json": 112,
    "twilio_api_v2010.yaml": 197,
    "zendesk_support_ballerina.yaml": 439,
}


def document(paths: dict[str, Any] | None = None, version: str = "3.0.3", **more: Any) -> Document:
    return Document({"openapi": version, "paths": paths or {}, **more})


def plan_of(operation: dict[str, Any], path: str = "/x", method: str = "post", **more: Any) -> Plan:
    whole = document({path: {method: operation}}, **more)
    return understand(whole, find_operations(whole)[0])


def converted(schema: Any, version: str = "3.0.3", request: bool = True, **schemas: Any) -> Any:
    builder = SchemaBuilder(document(version=version, components={"schemas": schemas}), request=request)
    result = builder.convert(schema)
    return builder.complete(result) if isinstance(result, dict) else result


async def tools_of(tmp_path: Path, data: Any, **configuration: Any) -> dict[str, ToolSpec]:
    (tmp_path / "doc.yaml").write_text(json.dumps(data), "utf-8")
    source = OpenApiSource(**{"document": "doc.yaml", "server": "https://api.example.com", **configuration})
    provider = OpenApiProvider("shop", source, secrets={}, guard=AddressGuard(), folders=[tmp_path])
    return {spec.name: spec for spec in await provider.specs()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_of_published_documents_becomes_a_tool_with_a_usable_schema(name: str):
    content = gzip.decompress((PUBLISHED / f"{name}.gz").read_bytes())
    started = time.process_time()
    whole = read_document(content)
    operations = find_operations(whole)
    plans = [understand(whole, operation) for operation in operations]
    seconds = time.process_time() - started

    assert len(plans) == OPERATIONS[name]
    assert len({operation.name for operation in operations}) == len(operations)
    for plan in plans[:: max(1, len(plans) // 25)]:
        jsonschema.Draft202012Validator.check_schema(plan.input_schema)
    for plan in plans:
        schema = plan.input_schema
        assert set(schema["required"]) <= set(schema["properties"])
        assert set(plan.parameters) <= set(schema["properties"])
        assert len(json.dumps(schema)) < 100_000
        names = json.dumps(schema).split('"#/$defs/')[1:]
        assert {name.partition('"')[0] for name in names} <= set(schema.get("$defs", {}))
    assert seconds < 20, "a large document is read in about half a second of processor time; slow machines get slack"


def test_statuspage_calls_types_by_names_that_are_none_and_loses_only_those():
    content = gzip.decompress((PUBLISHED / "statuspage_openapi3.json.gz").read_bytes())
    assert b"PartialStartDate" in content
    whole = read_document(content)
    assert "PartialStartDate" not in {
        str(schema.get("type"))
        for operation in find_operations(whole)
        for schema in understand(whole, operation).input_schema["properties"].values()
    }


def test_yaml_is_read_as_json_would_be():
    text = b"""
openapi: 3.0.3
paths:
  /x:
    get:
      operationId: on
      parameters: [{name: =, in: query, schema: {type: string, enum: [on, off, no, 2020-01-01, 0x1F, 012, 1_000]}}]
      responses: {200: {description: ~}, default: {description: ""}}
"""
    operation = read_document(text).data["paths"]["/x"]["get"]
    assert operation["operationId"] == "on"
    assert list(operation["responses"]) == ["200", "default"]
    assert operation["parameters"][0]["name"] == "="
    assert operation["parameters"][0]["schema"]["enum"] == ["on", "off", "no", "2020-01-01", "0x1F", "012", "1_000"]


@pytest.mark.parametrize(
    "content",
    [
        b"!!python/object/apply:os.system ['true']",
        b"openapi: 3.0.3\npaths: {x: !!python/name:os.system }",
        b"openapi: 3.0.3\npaths: {? [a, b] : c}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"- " * 100_000,
        b"\xff\xfe\x00",
        b"{",
        b"just text",
        b"[]",
        b'{"openapi": "3.0.3"}',
        b'{"openapi": "4.0.0", "paths": {}}',
        b'{"swagger": "1.2", "paths": {}}',
        b" " * 10_000_001,
    ],
    ids=range(14),
)
def test_what_is_no_document_is_refused_in_one_sentence(content: bytes):
    with pytest.raises(InvalidInput) as refused:
        read_document(content)
    assert str(refused.value).count("\n") == 0


def test_a_document_that_explodes_through_aliases_is_refused_at_once():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    merges = "m0: &m0 {k: v}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 40))
    started = time.process_time()
    for text in (bomb, merges):
        with pytest.raises(InvalidInput):
            read_document(f"openapi: 3.0.3\npaths: {{}}\n{text}".encode())
    assert time.process_time() - started < 5


def test_a_cycle_stays_a_cycle_of_local_definitions():
    node = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Node"}}}
    schema = converted({"$ref": "#/components/schemas/Node"}, Node=node)
    assert schema["$ref"] == "#/$defs/Node"
    assert schema["$defs"]["Node"]["properties"]["child"] == {"$ref": "#/$defs/Node"}
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"child": {"child": {}}})
    assert not validator.is_valid({"child": {"child": 1}})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 3}),
        ({"type": "integer", "maximum": 3, "exclusiveMaximum": False}, {"type": "integer", "maximum": 3}),
        ({"type": "string", "example": "a"}, {"type": "string", "examples": ["a"]}),
        ({"type": "PartialStartDate", "description": "d"}, {"description": "d"}),
        ({"type": "int"}, {"type": "integer"}),
        ({"type": "string", "pattern": "(?<name>["}, {"type": "string"}),
        ({"type": "string", "maxLength": "10", "minLength": -1}, {"type": "string"}),
        ({"type": "object", "required": True, "properties": {"a": {"required": True}}},
         {"type": "object", "properties": {"a": {}}}),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "prefixItems": [{"type": "string"}]}),
        ({"enum": []}, {}),
        ({"$ref": "#/components/schemas/Missing"}, {}),
        ({"$ref": "https://elsewhere.example/x.json"}, {}),
    ],
)  # fmt: skip
def test_schemas_of_3_0_and_invalid_ones_become_json_schema_of_today(old: Any, new: Any):
    assert converted(old) == new
    jsonschema.Draft202012Validator.check_schema(converted(old))


def test_schemas_of_3_1_keep_what_3_0_did_not_have():
    schema = {"type": ["string", "null"], "const": "a", "exclusiveMinimum": 3}
    assert converted(schema, version="3.1.0") == schema


def test_a_nullable_reference_takes_null():
    schema = converted({"$ref": "#/components/schemas/A", "nullable": True}, A={"type": "string"})
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(None)
    assert validator.is_valid("a")
    assert not validator.is_valid(1)


def test_read_only_properties_are_neither_asked_for_nor_taken():
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}},
    }
    validator = jsonschema.Draft202012Validator(converted(schema))
    assert validator.is_valid({"name": "a"})
    assert not validator.is_valid({"name": "a", "id": "1"})
    assert jsonschema.Draft202012Validator(converted(schema, request=False)).is_valid({"id": "1", "name": "a"})


def test_one_object_holds_parameters_and_body_and_conflicts_get_the_place_in_their_name():
    plan = plan_of(
        {
            "parameters": [
                {"name": "id", "in": "query", "schema": {"type": "integer"}},
                {"name": "body", "in": "header", "required": True, "schema": {"type": "string"}},
                {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        },
        path="/things/{id}",
    )
    assert list(plan.input_schema["properties"]) == ["id", "id_query", "body_header", "body"]
    assert plan.input_schema["required"] == ["id", "body_header", "body"]
    assert plan.parameters["id"].place == "path"
    assert plan.parameters["id_query"].name == "id"
    assert plan.input_schema["additionalProperties"] is False


def test_operations_without_an_id_or_with_the_same_one_get_names_of_their_own():
    whole = document({
        "/pets/{petId}": {"get": {}, "delete": {"operationId": "pets/remove it!"}},
        "/": {"get": {}},
        "/a": {"get": {"operationId": "same"}, "put": {"operationId": "same"}},
        "/long": {"get": {"operationId": "x" * 300}},
    })  # fmt: skip
    names = [operation.name for operation in find_operations(whole)]
    assert names[:5] == ["get_pets_by_petId", "pets_remove_it", "get_root", "same", "same_2"]
    assert len(names[5]) <= 90


@pytest.mark.parametrize("media_type", ["multipart/form-data", "application/octet-stream", "application/xml"])
def test_a_body_that_cannot_be_written_makes_the_operation_unsupported_with_the_reason(media_type: str):
    with pytest.raises(Unsupported, match=media_type):
        plan_of({"requestBody": {"required": True, "content": {media_type: {}}}})


async def test_unsupported_operations_are_listed_with_the_reason(tmp_path: Path):
    body = {"required": True, "content": {"multipart/form-data": {}}}
    data = {"openapi": "3.0.3", "paths": {"/x": {"post": {"operationId": "upload", "requestBody": body}, "get": {}}}}
    (tmp_path / "doc.json").write_text(json.dumps(data), "utf-8")
    source = OpenApiSource(document="doc.json", server="https://api.example.com")
    provider = OpenApiProvider("shop", source, secrets={}, guard=AddressGuard(), folders=[tmp_path])
    assert [spec.name for spec in await provider.specs()] == ["shop.get_x"]
    assert await provider.unsupported() == {"upload": "it takes a body of type multipart/form-data"}


def test_swagger_parameters_keep_their_meaning():
    whole = Document({
        "swagger": "2.0", "host": "petstore.example", "basePath": "/v2", "schemes": ["http", "https"],
        "consumes": ["application/json"],
        "paths": {"/pets": {
            "parameters": [{"name": "tags", "in": "query", "type": "array", "items": {"type": "string"},
                            "collectionFormat": "pipes"}],
            "post": {"operationId": "add", "parameters": [
                {"name": "status", "in": "query", "type": "array", "items": {"enum": ["a"], "type": "string"},
                 "collectionFormat": "multi", "required": True},
                {"name": "pet", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}}]}}},
        "definitions": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
    })  # fmt: skip
    plan = understand(whole, find_operations(whole)[0])
    assert plan.servers[0]["url"] == "https://petstore.example/v2"
    assert (plan.parameters["tags"].style, plan.parameters["tags"].explode) == ("pipeDelimited", False)
    assert (plan.parameters["status"].style, plan.parameters["status"].explode) == ("form", True)
    assert plan.input_schema["properties"]["status"]["anyOf"] == [
        {"type": "array", "items": {"type": "string", "enum": ["a"]}},
        {"type": "string", "enum": ["a"]},
    ]
    assert plan.input_schema["required"] == ["status", "body"]
    assert plan.input_schema["$defs"]["Pet"]["properties"]["name"] == {"type": "string"}


METHODS = {m: {"operationId": f"{m}X"} for m in ("get", "head", "options", "post", "put", "patch", "delete")}


async def test_safety_and_idempotency_follow_from_the_method(tmp_path: Path):
    tools = await tools_of(tmp_path, {"openapi": "3.1.0", "paths": {"/x": METHODS}})
    assert {name.removeprefix("shop."): (tool.safety.value, tool.idempotent) for name, tool in tools.items()} == {
        "getX": ("safe", True),
        "headX": ("safe", True),
        "optionsX": ("safe", True),
        "postX": ("requires_confirmation", False),
        "putX": ("requires_confirmation", True),
        "patchX": ("requires_confirmation", False),
        "deleteX": ("dangerous", True),
    }


async def test_configuration_tightens_safety_and_never_loosens_it(tmp_path: Path):
    tools = await tools_of(
        tmp_path,
        {"openapi": "3.1.0", "paths": {"/x": METHODS}},
        safety={"deleteX": "safe", "postX": "dangerous", "getX": "requires_confirmation"},
        idempotency_header="Idempotency-Key",
        include=("deleteX", "p*", "getX"),
        exclude=("patchX",),
        capabilities={"postX": ("x.make",)},
    )
    assert set(tools) == {"shop.deleteX", "shop.postX", "shop.putX", "shop.getX"}
    assert tools["shop.deleteX"].safety is Safety.DANGEROUS
    assert tools["shop.postX"].safety is Safety.DANGEROUS
    assert tools["shop.getX"].safety is Safety.CONFIRM
    assert tools["shop.postX"].idempotent
    assert tools["shop.postX"].capabilities == ("x.make",)
    assert tools["shop.postX"].target == "POST https://api.example.com/x"


async def test_configuration_that_names_an_operation_which_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationProblem, match="postY"):
        await tools_of(tmp_path, {"openapi": "3.1.0", "paths": {"/x": METHODS}}, safety={"postY": "dangerous"})


async def test_server_variables_come_from_the_document_or_the_configuration(tmp_path: Path):
    servers = [{"url": "https://{region}.example.com/{v}", "variables": {"region": {"default": "eu"}}}]
    data = {"openapi": "3.0.3", "servers": servers, "paths": {"/x": {"get": {}}}}
    tools = await tools_of(tmp_path, data, server=None, server_variables={"v": "v2"})
    assert tools["shop.get_x"].target == "GET https://eu.example.com/v2/x"
    for variables in ({}, {"v": "../x"}, {"v": "v2", "region": "evil.example/"}):
        with pytest.raises(ConfigurationProblem, match="server_variables"):
            await tools_of(tmp_path, data, server=None, server_variables=variables)


async def test_a_success_that_promises_json_has_an_output_schema(tmp_path: Path):
    content = {"application/json": {"schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}
    responses = {"201": {"content": content}, "204": {}, "404": {"content": {"application/json": {}}}}
    data = {"openapi": "3.0.3", "paths": {"/x": {"post": {"responses": responses}, "get": {"responses": {"200": {}}}}}}
    tools = await tools_of(tmp_path, data)
    validator = jsonschema.Draft202012Validator(tools["shop.post_x"].output_schema)
    assert validator.is_valid({"id": "a"})
    assert validator.is_valid(None)
    assert not validator.is_valid({"id": 1})
    assert tools["shop.get_x"].output_schema is None


def test_credentials_need_a_server_so_that_no_document_chooses_who_sees_them():
    with pytest.raises(ValueError, match="set `server`"):
        OpenApiSource(document="x.yaml", authentication={"bearer": "key"})


@pytest.mark.parametrize("name", ["http", "openapi", "web", "python", "openapi-x", "a b", ""])
def test_a_document_has_a_name_that_means_nothing_else(name: str):
    with pytest.raises(ValueError, match="name"):
        OpenApiSources.model_validate({name: {"document": "x.yaml"}})
