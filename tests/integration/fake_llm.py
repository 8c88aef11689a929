"""A strict stand-in for language model servers: OpenAI, Azure, Ollama, Anthropic.

Each request is held against the provider's published shape, and one that does not fit fails the
test. What is answered, and how it goes wrong, is scripted.
"""
import http.server, json, socket, struct, threading, time, urllib.parse

import jsonschema

TEXT = {"type": "string"}


def exact(properties, required, **more):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


OPENAI_CALL = exact({"id": {"type": "string", "minLength": 1}, "type": {"const": "function"},
                     "function": exact({"name": TEXT, "arguments": TEXT}, ["name", "arguments"])}, ["id", "type", "function"])
OPENAI_MESSAGE = {"oneOf": [
    exact({"role": {"const": "system"}, "content": {"type": "string", "minLength": 1}}, ["role", "content"]),
    exact({"role": {"const": "user"}, "content": TEXT}, ["role", "content"]),
    exact({"role": {"const": "assistant"}, "content": TEXT,
           "tool_calls": {"type": "array", "minItems": 1, "items": OPENAI_CALL}}, ["role", "content"]),
    exact({"role": {"const": "tool"}, "content": TEXT, "tool_call_id": {"type": "string", "minLength": 1}},
          ["role", "content", "tool_call_id"])]}
OPENAI_TOOL = exact({"type": {"const": "function"}, "function": exact(
    {"name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}, "description": TEXT, "parameters": {"type": "object"}},
    ["name", "parameters"])}, ["type", "function"])
OPENAI_CHAT = exact({
    "model": {"type": "string", "minLength": 1},
    "messages": {"type": "array", "minItems": 1, "items": OPENAI_MESSAGE},
    "max_tokens": {"type": "integer", "minimum": 1}, "max_completion_tokens": {"type": "integer", "minimum": 1},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "stream": {"type": "boolean"}, "stream_options": exact({"include_usage": {"type": "boolean"}}, []),
    "tools": {"type": "array", "minItems": 1, "maxItems": 128, "items": OPENAI_TOOL},
    "response_format": exact({"type": {"const": "json_schema"}, "json_schema": exact(
        {"name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}, "schema": {"type": "object"}, "strict": {"type": "boolean"}},
        ["name", "schema"])}, ["type", "json_schema"])}, ["model", "messages"])
OPENAI_EMBED = exact({
    "model": {"type": "string", "minLength": 1},
    "input": {"type": "array", "minItems": 1, "maxItems": 2048, "items": {"type": "string", "minLength": 1}},
    "encoding_format": {"enum": ["float", "base64"]}, "dimensions": {"type": "integer", "minimum": 1}}, ["model", "input"])
OLLAMA_CHAT = exact({
    "model": {"type": "string", "minLength": 1},
    "messages": {"type": "array", "items": {"oneOf": [
        exact({"role": {"enum": ["system", "user"]}, "content": TEXT}, ["role", "content"]),
        exact({"role": {"const": "assistant"}, "content": TEXT, "tool_calls": {"type": "array", "items": exact(
            {"function": exact({"name": TEXT, "arguments": {"type": "object"}}, ["name", "arguments"])}, ["function"])}},
            ["role", "content"]),
        exact({"role": {"const": "tool"}, "content": TEXT, "tool_name": TEXT}, ["role", "content"])]}},
    "tools": {"type": "array", "items": OPENAI_TOOL}, "format": {"type": "object"}, "stream": {"type": "boolean"},
    "options": exact({"temperature": {"type": "number"}, "num_predict": {"type": "integer"}}, [])}, ["model", "messages"])
OLLAMA_EMBED = exact({"model": TEXT, "input": {"type": "array", "items": TEXT}, "truncate": {"type": "boolean"}},
                     ["model", "input"])
ANTHROPIC_BLOCK = {"oneOf": [
    exact({"type": {"const": "text"}, "text": {"type": "string", "minLength": 1}}, ["type", "text"]),
    exact({"type": {"const": "tool_use"}, "id": {"type": "string", "minLength": 1}, "name": TEXT, "input": {"type": "object"}},
          ["type", "id", "name", "input"]),
    exact({"type": {"const": "tool_result"}, "tool_use_id": {"type": "string", "minLength": 1}, "content": TEXT},
          ["type", "tool_use_id", "content"])]}
ANTHROPIC_CHAT = exact({
    "model": {"type": "string", "minLength": 1}, "max_tokens": {"type": "integer", "minimum": 1},
    "system": {"type": "string", "minLength": 1}, "temperature": {"type": "number", "minimum": 0, "maximum": 1},
    "stream": {"type": "boolean"},
    "messages": {"type": "array", "minItems": 1, "items": exact(
        {"role": {"enum": ["user", "assistant"]}, "content": {"type": "array", "minItems": 1, "items": ANTHROPIC_BLOCK}},
        ["role", "content"])},
    "tools": {"type": "array", "minItems": 1, "items": exact(
        {"name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"}, "description": TEXT,
         "input_schema": {"type": "object", "required": ["type"], "properties": {"type": {"const": "object"}}}},
        ["name", "input_schema"])},
    "tool_choice": {"oneOf": [exact({"type": {"enum": ["auto", "any"]}}, ["type"]),
                              exact({"type": {"const": "tool"}, "name": TEXT}, ["type", "name"])]}},
    ["model", "max_tokens", "messages"])


class Reply:
    """One answer: the text or calls of tools, or a failure."""

    def __init__(self, text="", calls=(), status=200, fail=None, headers=None, body=None, finish=None, usage=(11, 7),
                 vectors=None, split=None, wait=0):
        self.text, self.calls, self.status, self.fail = text, list(calls), status, fail
        self.headers, self.body, self.finish, self.usage = headers or {}, body, finish, usage
        self.vectors, self.split, self.wait = vectors, split, wait


class FakeLlm:
    """.url, .requests (checked bodies), .faults (what did not fit), .script(Reply…), .answer = function(body) -> Reply."""

    def __init__(self, key="sk-test-key"):
        self.key, self.requests, self.faults, self.replies = key, [], [], []
        self.answer = lambda body: Reply("fine")
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                outer.serve(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def script(self, *replies):
        self.replies += replies

    # ---- checking ----

    def check(self, handler, path, body):
        url = urllib.parse.urlsplit(path)
        head = handler.headers
        if head.get_content_type() != "application/json":
            return "Content-Type is not application/json"
        if url.path.startswith("/openai/deployments/"):
            schema = OPENAI_EMBED if url.path.endswith("/embeddings") else OPENAI_CHAT
            if "api-version" not in urllib.parse.parse_qs(url.query):
                return "api-version is missing"
            key = head.get("api-key")
        elif url.path in ("/v1/chat/completions", "/v1/embeddings"):
            schema, key = (OPENAI_CHAT if "chat" in url.path else OPENAI_EMBED), (head.get("Authorization") or "")[len("Bearer "):]
        elif url.path in ("/api/chat", "/api/embed"):
            schema, key = (OLLAMA_CHAT if "chat" in url.path else OLLAMA_EMBED), self.key
        elif url.path == "/v1/messages":
            schema, key = ANTHROPIC_CHAT, head.get("x-api-key")
            if head.get("anthropic-version") != "2023-06-01":
                return "anthropic-version is missing"
            roles = [message["role"] for message in body.get("messages", [])]
            if roles and (roles[0] != "user" or any(a == b for a, b in zip(roles, roles[1:]))):
                return f"roles must alternate: {roles}"
        else:
            return f"there is no {path}"
        if key != self.key:
            return f"wrong key: {key!r}"
        faults = [f"{list(fault.absolute_path)}: {fault.message}" for fault in jsonschema.Draft202012Validator(schema).iter_errors(body)]
        return "; ".join(faults) or self.check_calls(body)

    @staticmethod
    def check_calls(body):
        """Each tool message must answer a call that stands before it."""
        open_calls = set()
        for message in body.get("messages", []):
            for call in message.get("tool_calls", []):
                if "id" in call:
                    open_calls.add(call["id"])
                    json.loads(call["function"]["arguments"])
            if message["role"] == "tool" and "tool_call_id" in message and message["tool_call_id"] not in open_calls:
                return f"tool_call_id {message['tool_call_id']} answers no call"
        return None

    # ---- answering ----

    def serve(self, handler):
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        fault = self.check(handler, handler.path, body)
        self.requests.append(body)
        if fault:
            self.faults.append(fault)
            return self.send(handler, 400, {"error": {"message": "fake: " + fault, "type": "invalid_request_error"}})
        reply = self.replies.pop(0) if self.replies else self.answer(body)
        if reply.wait:
            time.sleep(reply.wait)
        try:
            self.reply(handler, body, reply)
        except (BrokenPipeError, ConnectionResetError):
            pass

    @staticmethod
    def send(handler, status, json_body, headers=None, raw=None):
        data = raw if raw is not None else json.dumps(json_body).encode()
        handler.send_response(status)
        names = {name.lower() for name in (headers or {})}
        if "content-type" not in names:
            handler.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def reply(self, handler, body, reply):
        if reply.fail == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        if reply.fail == "hang":
            time.sleep(30)
            return
        if reply.body is not None:
            return self.send(handler, reply.status, None, reply.headers, reply.body)
        if reply.status != 200:
            message = {"error": {"message": reply.text or "it does not work", "type": "fake_error", "code": None}}
            return self.send(handler, reply.status, message, reply.headers)
        if "input" in body:
            return self.send(handler, 200, self.embeddings(handler.path, body, reply))
        if reply.fail == "document":
            return self.send(handler, 200, self.document(handler.path, reply))
        events = self.events(handler.path, reply)
        self.stream(handler, events, reply)

    def stream(self, handler, events, reply):
        ollama = handler.path.startswith("/api/")
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-ndjson" if ollama else "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        data = b"".join(self.frame(event, ollama) for event in events)
        if reply.fail == "cut":
            data = data[:len(data) // 2]
        if reply.fail == "garbage":
            data = data[:len(data) // 2] + b"data: {not json\n\n{not json\n"
        if reply.fail == "endless":
            piece = self.frame(events[1] if len(events) > 1 else events[0], ollama)
            while True:
                self.chunk(handler, piece * 500)
        size = reply.split or len(data) or 1
        for at in range(0, len(data), size):
            self.chunk(handler, data[at:at + size])
        handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def chunk(handler, data):
        handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        handler.wfile.flush()

    @staticmethod
    def frame(event, ollama):
        if ollama:
            return json.dumps(event).encode() + b"\n"
        if event == "[DONE]":
            return b"data: [DONE]\n\n"
        name = f"event: {event['type']}\n".encode() if "type" in event else b""
        return name + b"data: " + json.dumps(event).encode() + b"\n\n: a comment\n\n"

    def events(self, path, reply):
        if path.startswith("/api/"):
            return self.ollama(reply)
        return self.anthropic(reply) if path == "/v1/messages" else self.openai(reply)

    @staticmethod
    def pieces(text):
        return [text[at:at + 7] for at in range(0, len(text), 7)]

    def openai(self, reply):
        def chunk(delta, finish=None):
            return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake-1",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}
        events = [{"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}]
        events += [chunk({"role": "assistant", "content": ""})] + [chunk({"content": piece}) for piece in self.pieces(reply.text)]
        for at, (name, arguments) in enumerate(reply.calls):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            events.append(chunk({"tool_calls": [{"index": at, "id": f"call_{at}", "type": "function",
                                                 "function": {"name": name, "arguments": ""}}]}))
            events += [chunk({"tool_calls": [{"index": at, "function": {"arguments": piece}}]}) for piece in self.pieces(text)]
        if reply.fail == "error-event":
            return events + [{"error": {"message": "the engine died", "type": "server_error"}}]
        events.append(chunk({}, reply.finish or ("tool_calls" if reply.calls else "stop")))
        if reply.usage:
            events.append({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake-1", "choices": [],
                           "usage": {"prompt_tokens": reply.usage[0], "completion_tokens": reply.usage[1], "total_tokens": sum(reply.usage)}})
        return events + ["[DONE]"]

    def ollama(self, reply):
        base = {"model": "fake-1", "created_at": "2026-01-01T00:00:00Z"}
        events = [{**base, "message": {"role": "assistant", "content": piece}, "done": False} for piece in self.pieces(reply.text)]
        for name, arguments in reply.calls:
            events.append({**base, "done": False, "message": {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": name, "arguments": arguments}}]}})
        if reply.fail == "error-event":
            return events + [{"error": "the engine died"}]
        return events + [{**base, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reply.finish or "stop",
                          "total_duration": 1, "prompt_eval_count": reply.usage[0], "eval_count": reply.usage[1]}]

    def anthropic(self, reply):
        events = [{"type": "message_start", "message": {"id": "m1", "type": "message", "role": "assistant", "model": "fake-1",
                                                        "content": [], "stop_reason": None,
                                                        "usage": {"input_tokens": reply.usage[0], "output_tokens": 1}}}]
        blocks = ([{"type": "text", "text": ""}] if reply.text else []) + [
            {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": {}} for at, (name, _) in enumerate(reply.calls)]
        for index, block in enumerate(blocks):
            events += [{"type": "content_block_start", "index": index, "content_block": block}, {"type": "ping"}]
            if block["type"] == "text":
                events += [{"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}
                           for piece in self.pieces(reply.text)]
            else:
                text = json.dumps(reply.calls[index - bool(reply.text)][1])
                events += [{"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}}
                           for piece in self.pieces(text)]
            events.append({"type": "content_block_stop", "index": index})
        if reply.fail == "error-event":
            return events + [{"type": "error", "error": {"type": "overloaded_error", "message": "the engine died"}}]
        finish = {"length": "max_tokens"}.get(reply.finish, reply.finish) or ("tool_use" if reply.calls else "end_turn")
        return events + [{"type": "message_delta", "delta": {"stop_reason": finish, "stop_sequence": None},
                          "usage": {"output_tokens": reply.usage[1]}}, {"type": "message_stop"}]

    def document(self, path, reply):
        """The answer of a server that does not stream."""
        if path.startswith("/api/"):
            return {"model": "fake-1", "message": {"role": "assistant", "content": reply.text}, "done": True, "done_reason": "stop",
                    "prompt_eval_count": reply.usage[0], "eval_count": reply.usage[1]}
        if path == "/v1/messages":
            return {"id": "m1", "type": "message", "role": "assistant", "model": "fake-1",
                    "content": [{"type": "text", "text": reply.text}], "stop_reason": "end_turn",
                    "usage": {"input_tokens": reply.usage[0], "output_tokens": reply.usage[1]}}
        return {"id": "c1", "object": "chat.completion", "model": "fake-1",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": reply.text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": reply.usage[0], "completion_tokens": reply.usage[1]}}

    @staticmethod
    def embeddings(path, body, reply):
        vectors = reply.vectors or [[float(len(text)), 0.5, -1.0] for text in body["input"]]
        if path == "/api/embed":
            return {"model": body["model"], "embeddings": vectors, "prompt_eval_count": 5}
        rows = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": {"prompt_tokens": 5, "total_tokens": 5}}
