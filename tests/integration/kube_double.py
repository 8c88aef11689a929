"""A strict stand-in for a Kubernetes API server with Argo's CRDs, and for Argo's controller.

Strict: TLS with a CA of its own, bearer token or client certificate, 404 for paths that do not exist, 415 for
content types that a verb does not take, 409 for a resourceVersion that has moved on, status and spec apart where a
status subresource is, field ownership of server-side apply, 410 for a version that was compacted away.
"""
import base64, copy, hashlib, http.server, json, re, ssl, subprocess, threading, time, urllib.parse, uuid

ARGO, APPS, CORE = "/apis/argoproj.io/v1alpha1", "/apis/apps/v1", "/api/v1"
WITH_STATUS = {"rollouts"}
PLURALS = {"rollouts": "Rollout", "analysisruns": "AnalysisRun", "analysistemplates": "AnalysisTemplate",
           "replicasets": "ReplicaSet", "services": "Service", "namespaces": "Namespace",
           "poddisruptionbudgets": "PodDisruptionBudget", "configmaps": "ConfigMap"}
GROUPS = {ARGO: {"rollouts", "analysisruns", "analysistemplates"}, APPS: {"replicasets"},
          CORE: {"services", "namespaces", "configmaps"}, "/apis/policy/v1": {"poddisruptionbudgets"}}
PATCHES = {"application/merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml"}


class Refusal(Exception):
    def __init__(self, code, reason, message, **headers):
        super().__init__(message)
        self.code, self.reason, self.headers = code, reason, headers

    def body(self):
        return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": self.reason,
                "message": str(self), "code": self.code}


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, path + (key,))
    else:
        yield path, value


def at_path(value, path):
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


class Store:
    def __init__(self):
        self.lock = threading.Condition(threading.RLock())
        self.objects, self.history, self.version, self.compacted = {}, [], 100, 0
        self.owners = {}  # key -> {leaf path: manager}
        self.before_write = None  # called once, with the lock, before the next write: a rival

    def bump(self, kind, key, obj):
        self.version += 7
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, kind, key[0], copy.deepcopy(obj)))
        self.lock.notify_all()

    def put(self, plural, obj, kind="MODIFIED"):
        key = (plural, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        old = self.objects.get(key)
        if old is None:
            obj["metadata"].setdefault("uid", str(uuid.uuid4()))
            obj["metadata"]["generation"], kind = 1, "ADDED"
        elif old.get("spec") != obj.get("spec"):
            obj["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if old is not None and {**old, "metadata": {**old["metadata"], "resourceVersion": ""}} == \
                {**obj, "metadata": {**obj["metadata"], "resourceVersion": ""}}:
            return old
        self.objects[key] = obj
        self.bump(kind, key, obj)
        return obj

    def compact(self):
        """Forgets the past: watches from before now get 410."""
        with self.lock:
            self.version += 1
            self.compacted = self.version
            self.history = []
            self.lock.notify_all()


class Controller:
    """What Argo's controller would do next, at once: no pods to wait for."""

    def __init__(self, store, auto=True):
        self.store, self.auto = store, auto

    def reconcile(self, key):
        rollout = copy.deepcopy(self.store.objects[key])
        spec, status = rollout["spec"], rollout.setdefault("status", {})
        digest = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:10]
        first = "stableRS" not in status
        if status.get("currentPodHash") != digest:
            self.revision(rollout, digest)
            status.update(currentPodHash=digest, pauseConditions=None, abort=False, promoteFull=False)
            status["currentStepIndex"] = 0
            status.pop("currentStepAnalysisDone", None)
        status["observedGeneration"] = str(rollout["metadata"]["generation"])
        status["restartedAt"] = spec.get("restartAt")
        replicas = spec.get("replicas", 1)
        status.update(replicas=replicas, updatedReplicas=replicas, availableReplicas=replicas, readyReplicas=replicas)
        if first:
            status["stableRS"] = digest
        canary = spec["strategy"].get("canary")
        if canary is not None:
            self.canary(spec, status, canary.get("steps") or [], digest)
        else:
            self.blue_green(status, digest)
        rollout["status"] = {name: value for name, value in status.items() if value is not None}
        return rollout

    def canary(self, spec, status, steps, digest):
        if status.get("abort"):
            status.update(currentStepIndex=0, pauseConditions=None, controllerPause=False)
            self.condition(status, "RolloutAborted", "Rollout aborted update to revision 2")
        elif status["stableRS"] != digest:
            status["conditions"] = []
            index = len(steps) if status.get("promoteFull") else status.get("currentStepIndex", 0)
            while index < len(steps) and not spec.get("paused"):
                if "pause" in steps[index]:
                    if status.get("pauseConditions"):
                        break
                    if status.get("controllerPause"):  # the conditions were cleared: go on
                        status["controllerPause"] = False
                    else:
                        status["pauseConditions"] = [{"reason": "CanaryPauseStep", "startTime": now()}]
                        status["controllerPause"] = True
                        break
                index += 1
            status["currentStepIndex"] = index
            if index == len(steps):
                status.update(stableRS=digest, pauseConditions=None, controllerPause=False)
        if status["stableRS"] == digest:
            status["currentStepIndex"] = len(steps)
        done = status["stableRS"] == digest
        before = status.get("canary", {}).get("weights")
        if spec.get("paused") and not status.get("abort") and before and not done:
            return  # it only keeps what it has
        weight = 0
        for step in steps[:0 if status.get("abort") or done else status["currentStepIndex"] + 1]:
            weight = step.get("setWeight", weight)
        status["canary"] = {**status.get("canary", {}), "weights": {
            "canary": {"weight": weight}, "stable": {"weight": 100 - weight}, "verified": True}}

    def blue_green(self, status, digest):
        if status["stableRS"] != digest and not status.get("abort"):
            if status.get("promoteFull") or (status.get("controllerPause") and not status.get("pauseConditions")):
                status.update(stableRS=digest, controllerPause=False)
            elif not status.get("pauseConditions"):
                status.update(controllerPause=True,
                              pauseConditions=[{"reason": "BlueGreenPause", "startTime": now()}])
        if status.get("abort"):
            self.condition(status, "RolloutAborted", "Rollout aborted update to revision 2")
        status["blueGreen"] = {"activeSelector": status["stableRS"], "previewSelector": digest}

    @staticmethod
    def condition(status, reason, message):
        status["conditions"] = [{"type": "Progressing", "status": "False", "reason": reason, "message": message}]

    def revision(self, rollout, digest):
        meta = rollout["metadata"]
        sets = [s for (plural, ns, _), s in self.store.objects.items()
                if plural == "replicasets" and ns == meta["namespace"]
                and s["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]]
        number = 1 + max([int(s["metadata"]["annotations"]["rollout.argoproj.io/revision"]) for s in sets] or [0])
        template = copy.deepcopy(rollout["spec"]["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})["rollouts-pod-template-hash"] = digest
        self.store.put("replicasets", {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": f"{meta['name']}-{digest}", "namespace": meta["namespace"],
                         "labels": template["metadata"]["labels"],
                         "annotations": {"rollout.argoproj.io/revision": str(number)},
                         "ownerReferences": [{"kind": "Rollout", "name": meta["name"], "uid": meta["uid"]}]},
            "spec": {"template": template}})

    def settle(self, key):
        for _ in range(10):
            before = copy.deepcopy(self.store.objects[key])
            after = self.store.put(key[0], self.reconcile(key))
            if {**before, "metadata": 0} == {**after, "metadata": 0}:
                break


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class KubeDouble:
    """.url, .ca, .token_file, .kubeconfig(...); .store, .requests [(method, path, content type, body)]."""

    def __init__(self, folder):
        self.folder, self.store, self.requests, self.watches = folder, Store(), [], 0
        self.controller, self.token, self.faults = Controller(self.store), "secret-" + uuid.uuid4().hex, []
        self.bookmark_every, self.watch_seconds = 0.2, None
        self.certificates()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                outer.serve(self)

            do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        context.load_verify_locations(folder / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def reset(self):
        """Everything as it was at first, but the server and its certificates."""
        self.store = Store()
        self.controller = Controller(self.store)
        self.requests, self.faults, self.watches, self.watch_seconds = [], [], 0, None

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # ---- TLS ----

    def certificates(self):
        def run(*args):
            subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.crt", "-subj", "/CN=test ca", "-days", "2")
        for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
            (self.folder / f"{name}.ext").write_text(extra)
            run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}/O=deployers")
            run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext")
        (self.folder / "token").write_text(self.token + "\n")

    def kubeconfig(self, user=None, inline=False, **cluster):
        """Writes a kubeconfig; `user` by default the token."""
        def data(name):
            return base64.b64encode((self.folder / name).read_bytes()).decode()

        if user == "certificate":
            user = {"client-certificate-data": data("client.crt"), "client-key-data": data("client.key")} if inline \
                else {"client-certificate": "client.crt", "client-key": "client.key"}
        authority = {"certificate-authority-data": data("ca.crt")} if inline else {"certificate-authority": "ca.crt"}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
                  "clusters": [{"name": "c", "cluster": {"server": self.url, **authority, **cluster}}],
                  "users": [{"name": "u", "user": user or {"token": self.token}}]}
        path = self.folder / f"kubeconfig-{uuid.uuid4().hex[:6]}"
        path.write_text(json.dumps(config))
        return str(path)

    # ---- HTTP ----

    def serve(self, handler):
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size) if size else b""
        kind = (handler.headers.get("Content-Type") or "").split(";")[0]
        self.requests.append((handler.command, handler.path, kind, json.loads(body) if body else None))
        try:
            self.authenticate(handler)
            if self.faults:
                raise self.faults.pop(0)
            path, _, query = handler.path.partition("?")
            query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            plural, namespace, name, sub = self.route(path)
            if handler.command == "GET" and query.get("watch"):
                return self.watch(handler, plural, namespace, query)
            code, answer = self.answer(handler.command, plural, namespace, name, sub, query, kind, body)
            self.reply(handler, code, answer)
        except Refusal as refusal:
            self.reply(handler, refusal.code, refusal.body(), refusal.headers)

    def authenticate(self, handler):
        if handler.headers.get("Authorization") == f"Bearer {self.token}":
            return
        if handler.connection.getpeercert():
            return
        raise Refusal(401, "Unauthorized", "Unauthorized")

    @staticmethod
    def reply(handler, code, answer, headers=None):
        data = json.dumps(answer).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        for header, value in (headers or {}).items():
            handler.send_header(header.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def route(path):
        for prefix, plurals in GROUPS.items():
            match = re.fullmatch(re.escape(prefix) + r"(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?(?:/(status))?",
                                 path)
            if match and match[2] in plurals and (match[1] or match[2] == "namespaces"):
                if match[4] and match[2] not in WITH_STATUS:
                    break
                return match[2], match[1] or "", match[3], match[4]
        raise Refusal(404, "NotFound", "the server could not find the requested resource")

    def answer(self, method, plural, namespace, name, sub, query, kind, body):
        with self.store.lock:
            if method == "GET":
                return 200, self.get(plural, namespace, name) if name else self.list(plural, namespace, query)
            rival, self.store.before_write = self.store.before_write, None
            if rival:
                rival()
            if method == "PUT" and kind == "application/json":
                return 200, self.put(plural, namespace, name, sub, json.loads(body))
            if method == "PATCH":
                if kind not in PATCHES:
                    raise Refusal(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")
                return self.patch(plural, namespace, name, sub, query, kind, json.loads(body))
            raise Refusal(405 if method != "PUT" else 415, "MethodNotAllowed", f"{method} is not supported with {kind!r}")

    def get(self, plural, namespace, name):
        obj = self.store.objects.get((plural, namespace, name))
        if obj is None:
            raise Refusal(404, "NotFound", f'{plural} "{name}" not found')
        return obj

    def list(self, plural, namespace, query):
        wanted = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        field = query.get("fieldSelector", "")
        items = [obj for (p, ns, name), obj in sorted(self.store.objects.items()) if p == plural and ns == namespace
                 and all(obj["metadata"].get("labels", {}).get(k) == v for k, v in wanted.items())
                 and (not field or field == f"metadata.name={name}")]
        begin, limit = int(query.get("continue") or 0), int(query.get("limit") or 0) or len(items) or 1
        if self.page_limit:
            limit = min(limit, self.page_limit)
        metadata = {"resourceVersion": str(self.store.version)}
        if begin + limit < len(items):
            metadata["continue"] = str(begin + limit)
        return {"kind": PLURALS[plural] + "List", "apiVersion": "v1", "metadata": metadata,
                "items": items[begin:begin + limit]}

    page_limit = 0

    # ---- writing ----

    def finish(self, plural, old, new, sub, manager):
        """Status and spec apart, the version checked, then the controller."""
        version = new["metadata"].get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", f'Operation cannot be fulfilled on {plural} "{old["metadata"]["name"]}": '
                                           "the object has been modified; please apply your changes to the latest version")
        if sub == "status":
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
        elif plural in WITH_STATUS:
            new = {**new, "status": old.get("status", {})}
        for fixed in ("uid", "generation", "resourceVersion"):
            new["metadata"][fixed] = old["metadata"][fixed]
        self.own(plural, old, new, manager, sub)
        stored = self.store.put(plural, new)
        self.reconcile(plural, stored)
        return self.store.objects[(plural, stored["metadata"].get("namespace", ""), stored["metadata"]["name"])]

    def reconcile(self, plural, stored):
        if plural == "rollouts" and self.controller.auto:
            self.controller.settle((plural, stored["metadata"]["namespace"], stored["metadata"]["name"]))

    def own(self, plural, old, new, manager, sub):
        if sub or old.get("spec", {}).get("template") == new.get("spec", {}).get("template"):
            return
        fields = [f for f in new["metadata"].get("managedFields", []) if f["manager"] != manager]
        fields.append({"manager": manager, "operation": "Update", "time": now(),
                       "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}})
        new["metadata"]["managedFields"] = fields

    def put(self, plural, namespace, name, sub, obj):
        old = self.get(plural, namespace, name)
        if not obj["metadata"].get("resourceVersion"):
            raise Refusal(422, "Invalid", "metadata.resourceVersion: must be specified for an update")
        return self.finish(plural, old, obj, sub, "sluice")

    def patch(self, plural, namespace, name, sub, query, kind, patch):
        manager = query.get("fieldManager", "unknown")
        if kind == "application/apply-patch+yaml":
            return self.apply(plural, namespace, name, query, patch)
        old = self.get(plural, namespace, name)
        new = self.json_patch(old, patch) if kind == "application/json-patch+json" else merge(old, patch)
        return 200, self.finish(plural, old, new, sub, manager)

    @staticmethod
    def json_patch(old, patch):
        new = copy.deepcopy(old)
        for change in patch:
            keys = [key.replace("~1", "/").replace("~0", "~") for key in change["path"].split("/")[1:]]
            parent = at_path(new, keys[:-1])
            if parent is None or keys[-1] not in parent:
                raise Refusal(422, "Invalid", f"the server rejected our request: {change['path']} is not there")
            if change["op"] == "test":
                if parent[keys[-1]] != change["value"]:
                    raise Refusal(422, "Invalid", f"testing path {change['path']} value failed: test failed")
            elif change["op"] == "replace":
                parent[keys[-1]] = change["value"]
            else:
                raise Refusal(422, "Invalid", f"unknown op {change['op']}")
        return new

    def apply(self, plural, namespace, name, query, patch):
        manager = query.get("fieldManager")
        if not manager:
            raise Refusal(400, "BadRequest", "fieldManager is required for apply patch")
        if patch["metadata"]["name"] != name or patch["kind"] != PLURALS[plural] or "managedFields" in patch["metadata"]:
            raise Refusal(400, "BadRequest", "the object does not match the path")
        key = (plural, namespace, name)
        old = self.store.objects.get(key)
        owners = self.store.owners.setdefault(key, {})
        mine = dict(leaves({k: v for k, v in patch.items() if k not in ("apiVersion", "kind")}))
        for path, value in mine.items():
            other = owners.get(path)
            if old is not None and other not in (None, manager) and at_path(old, path) != value \
                    and query.get("force") != "true":
                raise Refusal(409, "Conflict", f'Apply failed with 1 conflict: conflict with "{other}": .{".".join(path)}')
        owners.update({path: manager for path in mine})
        if old is None:
            stored = self.store.put(plural, copy.deepcopy(patch))
            self.reconcile(plural, stored)
            return 201, self.store.objects[key]
        return 200, self.finish(plural, old, merge(old, patch), None, manager)

    # ---- watching ----

    def watch(self, handler, plural, namespace, query):
        since = int(query["resourceVersion"])
        field = query.get("fieldSelector", "")
        until = time.monotonic() + (self.watch_seconds or float(query.get("timeoutSeconds") or 300))
        self.watches += 1
        if since < self.store.compacted:
            raise Refusal(410, "Expired", "too old resource version")
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def send(kind, obj):
            line = json.dumps({"type": kind, "object": obj}).encode() + b"\n"
            for piece in (line[:len(line) // 2], line[len(line) // 2:]):  # objects are split over reads
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()

        try:
            while time.monotonic() < until:
                with self.store.lock:
                    if since < self.store.compacted:
                        events = None
                    else:
                        events = [e for e in self.store.history if e[0] > since]
                        if not events:
                            self.store.lock.wait(self.bookmark_every)
                if events is None:
                    send("ERROR", Refusal(410, "Expired", "too old resource version").body())
                    break
                for version, kind, p, obj in events:
                    since = version
                    meta = obj["metadata"]
                    if p == plural and meta.get("namespace") == namespace and \
                            (not field or field == f"metadata.name={meta['name']}"):
                        send(kind, obj)
                if not events and query.get("allowWatchBookmarks") == "true":
                    send("BOOKMARK", {"kind": PLURALS[plural], "metadata": {"resourceVersion": str(since)}})
            handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass

    # ---- for tests ----

    def rollout(self, name="checkout", namespace="shop", image="shop/checkout:1", strategy=None):
        """Makes a Rollout, as kubectl would have."""
        with self.store.lock:
            stored = self.store.put("rollouts", {
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": name, "namespace": namespace, "annotations": {"owner": "team"}},
                "spec": {"replicas": 4, "selector": {"matchLabels": {"app": name}},
                         "template": {"metadata": {"labels": {"app": name}},
                                      "spec": {"containers": [{"name": "app", "image": image},
                                                              {"name": "proxy", "image": "envoy:1"}]}},
                         "strategy": strategy or {"canary": {"steps": [
                             {"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]}}}})
            self.reconcile("rollouts", stored)

    def see(self, name="checkout", namespace="shop", plural="rollouts"):
        with self.store.lock:
            return copy.deepcopy(self.store.objects[(plural, namespace, name)])

    def change(self, change, name="checkout", namespace="shop", manager="kubectl"):
        """Somebody else's write."""
        with self.store.lock:
            old = self.store.objects[("rollouts", namespace, name)]
            new = copy.deepcopy(old)
            change(new)
            self.own("rollouts", old, new, manager, None)
            self.reconcile("rollouts", self.store.put("rollouts", new))

    def writes(self):
        return [request for request in self.requests if request[0] != "GET"]
