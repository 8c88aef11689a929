"""A strict double of Qdrant's REST API (1.11 and later): what is not in its documentation is a fault of the asker.

It keeps collections, named vectors, payloads and keyword indexes, filters, deletes, counts and searches by cosine.
Every request is checked against the documented shape; `faults` must be empty at the end."""
import http.server, json, math, re, threading, time, urllib.parse, uuid


class FakeQdrant:
    def __init__(self, api_key=None):
        self.api_key, self.collections, self.faults, self.requests = api_key, {}, [], []
        self.failures = []  # HTTP statuses of the next answers, or "break"
        self.lock = threading.Lock()
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with double.lock:
                    status, value = double.answer(self.command, self.path, self.headers, body)
                if status == "break":
                    self.close_connection = True
                    return
                text = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(value, str) else "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = handle_one

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # ---- one request ----

    def answer(self, method, target, headers, body):
        self.requests.append(f"{method} {target}")
        if self.failures:
            status = self.failures.pop(0)
            return status, {"status": {"error": "Service is starting"}, "time": 0.0}
        if self.api_key and headers.get("api-key") != self.api_key:
            return 401, "Must provide an API key or an Authorization bearer token"
        split = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(split.query))
        try:
            value = json.loads(body) if body else None
            if body and headers.get("Content-Type", "").split(";")[0] != "application/json":
                raise Wrong("the content type is not application/json")
            return 200, {"result": self.route(method, split.path, query, value), "status": "ok", "time": 0.001}
        except Missing as missing:
            return 404, {"status": {"error": f"Not found: Collection `{missing}` doesn't exist!"}, "time": 0.0}
        except Taken as taken:
            return 409, {"status": {"error": f"Wrong input: Collection `{taken}` already exists!"}, "time": 0.0}
        except (Wrong, ValueError, KeyError, TypeError) as wrong:
            self.faults.append(f"{method} {target}: {wrong!r}")
            return 400, {"status": {"error": f"Wrong input: {wrong}"}, "time": 0.0}

    def route(self, method, path, query, body):
        match = re.fullmatch(r"/collections/([A-Za-z0-9_-]{1,255})(/.*)?", path)
        if not match:
            raise Wrong("no such path")
        name, rest = match.group(1), match.group(2) or ""
        only(query, {"wait"})
        if "wait" in query and query["wait"] not in ("true", "false"):
            raise Wrong("wait is true or false")
        verb = getattr(self, {("GET", ""): "look", ("PUT", ""): "create", ("DELETE", ""): "drop",
                              ("PUT", "/index"): "index", ("PUT", "/points"): "upsert",
                              ("POST", "/points/delete"): "delete", ("POST", "/points/count"): "count",
                              ("POST", "/points/query"): "search"}.get((method, rest), "nothing"))
        return verb(name, body, query)

    def nothing(self, *_):
        raise Wrong("no such method on this path")

    def found(self, name):
        if name not in self.collections:
            raise Missing(name)
        return self.collections[name]

    # ---- collections ----

    def look(self, name, body, query):
        collection = self.found(name)
        return {"status": "green", "points_count": len(collection["points"]),
                "config": {"params": {"vectors": collection["vectors"]}}}

    def create(self, name, body, query):
        if name in self.collections:
            raise Taken(name)
        only(body, {"vectors", "sparse_vectors", "hnsw_config", "quantization_config", "on_disk_payload"})
        for vector, row in body["vectors"].items():
            only(row, {"size", "distance", "on_disk"})
            if not (isinstance(row["size"], int) and 1 <= row["size"] <= 65536):
                raise Wrong(f"the size of {vector}")
            if row["distance"] not in ("Cosine", "Dot", "Euclid", "Manhattan"):
                raise Wrong("distance")
        self.collections[name] = {"vectors": body["vectors"], "points": {}, "indexes": {}}
        return True

    def drop(self, name, body, query):
        return self.collections.pop(name, None) is not None

    def index(self, name, body, query):
        only(body, {"field_name", "field_schema"})
        schema = body["field_schema"]
        if isinstance(schema, dict):
            only(schema, {"type", "is_tenant", "on_disk"})
            schema = schema["type"]
        if schema not in ("keyword", "integer", "float", "bool", "text", "uuid", "datetime"):
            raise Wrong("field_schema")
        self.found(name)["indexes"][body["field_name"]] = schema
        return {"operation_id": 1, "status": "completed"}

    # ---- points ----

    def upsert(self, name, body, query):
        collection = self.found(name)
        only(body, {"points"})
        for point in body["points"]:
            only(point, {"id", "vector", "payload"})
            if not (isinstance(point["id"], int) and point["id"] >= 0):
                uuid.UUID(point["id"])
            for vector, numbers in point["vector"].items():
                size = collection["vectors"][vector]["size"]
                if len(numbers) != size:
                    raise Wrong(f"Vector dimension error: expected dim: {size}, got {len(numbers)}")
                if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
                    raise Wrong("a vector of numbers")
            collection["points"][point["id"]] = point
        return {"operation_id": 2, "status": "completed" if query.get("wait") == "true" else "acknowledged"}

    def passes(self, collection, filter, point):
        only(filter, {"must", "should", "must_not", "min_should"})
        for condition in filter.get("must", []):
            only(condition, {"key", "match"})
            only(condition["match"], {"value"})
            if condition["key"] not in collection["indexes"]:
                raise Wrong(f"strict mode: no index on {condition['key']}")
            held = point["payload"].get(condition["key"])
            if condition["match"]["value"] not in (held if isinstance(held, list) else [held]):
                return False
        return True

    def delete(self, name, body, query):
        collection = self.found(name)
        only(body, {"filter", "points"})
        gone = [key for key, point in collection["points"].items() if self.passes(collection, body["filter"], point)]
        for key in gone:
            del collection["points"][key]
        return {"operation_id": 3, "status": "completed" if query.get("wait") == "true" else "acknowledged"}

    def count(self, name, body, query):
        only(body, {"exact", "filter"})
        return {"count": len(self.found(name)["points"])}

    def search(self, name, body, query):
        collection = self.found(name)
        only(body, {"query", "using", "filter", "limit", "offset", "with_payload", "with_vector", "params",
                    "score_threshold", "prefetch"})
        size = collection["vectors"][body["using"]]["size"]
        if len(body["query"]) != size:
            raise Wrong(f"Vector dimension error: expected dim: {size}, got {len(body['query'])}")
        if not isinstance(body["limit"], int) or body["limit"] < 1:
            raise Wrong("limit")
        hits = [{"id": key, "version": 1, "score": cosine(body["query"], point["vector"][body["using"]]),
                 "payload": point["payload"]} for key, point in collection["points"].items()
                if self.passes(collection, body.get("filter", {}), point)]
        return {"points": sorted(hits, key=lambda hit: -hit["score"])[:body["limit"]]}


class Missing(Exception):
    pass


class Taken(Exception):
    pass


class Wrong(Exception):
    pass


def only(value, known):
    if not isinstance(value, dict) or set(value) - known:
        raise Wrong(f"unknown: {set(value) - known if isinstance(value, dict) else value!r}")


def cosine(a, b):
    norm = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b)) / norm if norm else 0.0
