"""The description is sound OpenAPI 3.1, tells the truth, and the pages made from it work by themselves."""
import html.parser, json, pathlib, re

import jsonschema
import pytest

from conftest import ROOT, Server

METHODS = {"get", "post", "put", "patch", "delete"}
OPERATION_KEYS = {"operationId", "summary", "description", "tags", "parameters", "requestBody", "responses",
                  "security", "deprecated"}


@pytest.fixture(scope="module")
def server():
    started = Server()
    yield started
    started.close()


@pytest.fixture(scope="module")
def document(server):
    answer = server.get("/openapi.json", token=False)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    return answer.json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(document, node):
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def validator(document, schema):
    """Of a schema inside the document, so that its references are found."""
    whole = {"components": document["components"], **schema}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def walk(node):
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


# ---- the document ----

def test_the_head_is_complete(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"] and document["info"]["version"]
    assert set(document) <= {"openapi", "info", "servers", "tags", "paths", "components"}


def test_every_reference_leads_somewhere(document):
    references = [node["$ref"] for node in walk(document) if isinstance(node, dict) and "$ref" in node]
    assert len(references) > 20
    for reference in references:
        resolve(document, {"$ref": reference})


def test_operations_have_the_right_shape(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 15
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        assert path.startswith("/") and method in METHODS
        assert {key for key in operation if not key.startswith("x-")} <= OPERATION_KEYS
        assert operation["summary"] and set(operation["tags"]) <= tags
        assert method in {"post", "put", "patch"} or "requestBody" not in operation
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"default|[1-5](\d\d|XX)", status)
            assert resolve(document, response)["description"]
        for requirement in operation["security"]:
            assert set(requirement) <= set(document["components"]["securitySchemes"])


def test_path_parameters_are_those_of_the_path(document):
    for path, _, operation in operations(document):
        parameters = [resolve(document, parameter) for parameter in operation.get("parameters", [])]
        keys = [(parameter["in"], parameter["name"]) for parameter in parameters]
        assert len(keys) == len(set(keys))
        in_path = {name for where, name in keys if where == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert all(parameter["required"] is True for parameter in parameters if parameter["in"] == "path")
        assert all("schema" in parameter for parameter in parameters)


def test_every_schema_is_json_schema(document):
    schemas = list(document["components"]["schemas"].values())
    schemas += [node["schema"] for node in walk(document["paths"]) if isinstance(node, dict) and "schema" in node]
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_every_example_and_default_fits_its_schema(document):
    seen = 0
    for content in walk(document):
        if isinstance(content, dict) and "schema" in content and "example" in content:
            validator(document, content["schema"]).validate(content["example"])
            seen += 1
    for schema in walk(document["components"]["schemas"]):
        if not isinstance(schema, dict) or not isinstance(schema.get("properties", {}), dict):
            continue
        for inner in schema.get("properties", {}).values():
            for value in inner.get("examples", []) + ([inner["default"]] if "default" in inner else []):
                validator(document, inner).validate(value)
                seen += 1
    assert seen > 10


def test_permissions_are_told(document):
    for path, _, operation in operations(document):
        needs = operation["x-sluice-permission"]
        if needs == "public":
            assert operation["security"] == []
        else:
            assert operation["security"] == [{"bearer": [] if needs == "any" else [needs]}]
            assert "401" in operation["responses"], path


def test_the_list_for_programs_names_the_same_operations(server, document):
    listed = {item["name"]: item for item in server.get("/operations", token=False).json()["items"]}
    described = {operation["x-sluice-op"] for _, _, operation in operations(document)}
    assert described == {name for name, item in listed.items() if "path" in item}
    for item in listed.values():
        assert item["summary"] and item["needs"] and item["effect"] in {"reads", "writes"}
        for row in item["in"]:
            assert row["name"] and row["type"] != "?"


# ---- does it tell the truth? ----

def answers_as_described(document, operation, answer):
    responses = operation["responses"]
    content = resolve(document, responses.get(str(answer.status)) or responses["2XX"])["content"]["application/json"]
    errors = sorted(validator(document, content["schema"]).iter_errors(answer.json()), key=str)
    assert not errors, f"{operation['x-sluice-op']}: {errors[0].message} at {list(errors[0].absolute_path)}"


def test_reading_operations_answer_as_described(server, document):
    tried = 0
    for path, method, operation in operations(document):
        if method != "get" or "{" in path or "text/event-stream" in json.dumps(operation):
            continue
        answer = server.get(path)
        if "json" not in answer.headers["Content-Type"]:
            continue
        assert answer.status == 200, (path, answer)
        answers_as_described(document, operation, answer)
        tried += 1
    assert tried >= 8


def test_examples_of_bodies_are_accepted(server, document):
    tried = 0
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" not in content or "{" in path:
            continue
        answer = server.request(method.upper(), path, content["example"])
        assert answer.status < 400, (path, answer)
        answers_as_described(document, operation, answer)
        tried += 1
    assert tried >= 3


def test_problems_are_as_described(server, document):
    for answer in (server.get("/nothing"), server.post("/tokens", {"nmae": 1}), server.get("/tokens", token=False),
                   server.request("PUT", "/tokens", {})):
        assert answer.status >= 400 and answer.headers["Content-Type"] == "application/problem+json"
        validator(document, document["components"]["schemas"]["Problem"]).validate(answer.json())
        page = server.get(answer.json()["type"], token=False, headers={"Accept": "text/html"})
        assert page.status == 200 and "What to do" in page.body.decode()


def test_a_misspelt_member_gets_a_suggestion(server):
    problem = server.post("/tokens", {"nmae": "x", "permissions": "risk:read"}).json()
    told = {fault["pointer"]: fault for fault in problem["errors"]}
    assert told["/nmae"]["suggestion"] == "did you mean 'name'?"


def test_a_misspelt_path_gets_a_suggestion(server):
    assert "did you mean /tokens?" in server.get("/token").json()["detail"]


def test_documents_have_an_etag(server):
    for path in ("/openapi.json", "/operations", "/docs", "/docs/app.js", "/docs/style.css", "/"):
        first = server.get(path, token=False)
        assert first.status == 200 and first.headers["ETag"], path
        again = server.get(path, token=False, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304 and again.body == b"", path


# ---- the pages ----

class Page(html.parser.HTMLParser):
    """Checks nesting, and collects ids, links and headings."""
    VOID = {"meta", "link", "input", "br", "img", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.headings, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        assert not any(name.startswith("on") or name == "style" for name in attributes), "the policy forbids it"

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/problems/not_found"])
def test_pages_are_sound_and_self_contained(server, path):
    answer = server.get(path, token=False, headers={"Accept": "text/html"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.body.decode())
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:]))
    assert dict(page.tags[0][1])["lang"] == "en" and ("main", {"id": "content"}) in page.tags
    for link in page.links:
        assert link.startswith(("/", "#", "data:,")) and not link.startswith("//"), link
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        elif link.startswith("/"):
            assert server.get(link, token=False, headers={"Accept": "text/html"}).status == 200, link


def test_the_page_shows_every_operation_without_javascript(server, document):
    text = server.get("/docs", token=False).body.decode()
    page = Page(text)
    for path, _, operation in operations(document):
        assert operation["x-sluice-op"] in page.ids
        assert operation["summary"] in text.replace("&#39;", "'").replace("&quot;", '"').replace("&amp;", "&")


def test_the_script_and_style_have_their_types(server):
    script, style = server.get("/docs/app.js", token=False), server.get("/docs/style.css", token=False)
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert style.headers["Content-Type"].startswith("text/css")
    assert script.body == (ROOT / "core/docs/app.js").read_bytes()
    assert "http" not in style.body.decode()


# ---- problems ----

def test_every_code_has_a_page_and_a_line_in_the_guide(server, document):
    items = {item["code"]: item for item in server.get("/problems", token=False).json()["items"]}
    known = {response["content"]["application/problem+json"]["example"]["code"]:
             response["content"]["application/problem+json"]["example"]["status"]
             for response in document["components"]["responses"].values()}
    statuses = re.findall(r"SL_[A-Z_]+ = \d+,? +/\* (\d{3})", (ROOT / "sdk/include/sluice/base.h").read_text())
    assert sorted(known.values()) == sorted(map(int, statuses)), "the header's comments tell the HTTP status"
    for code, status in known.items():
        assert items[code]["status"] == status, code
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", (ROOT / "docs/errors.md").read_text(), re.M))
    assert rows == {code: str(item["status"]) for code, item in items.items()}


def test_an_unknown_code_is_not_found(server):
    answer = server.get("/problems/not_fuond", token=False)
    assert answer.status == 404 and "did you mean 'not_found'?" in answer.json()["detail"]


def test_codes_with_dashes_are_the_same(server):
    assert server.get("/problems/content-too-large", token=False).json()["code"] == "content_too_large"
