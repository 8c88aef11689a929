"""What the JSON Schema of a table of fields takes, the check of these fields takes, and the other way round."""
import json, random, subprocess

import jsonschema
import pytest

from conftest import BUILD

PROGRAM = BUILD / "tests" / "test_fields"
WORDS = ["", "a", "shop", "pay-ments", "-a", "a-", "A", "a.b", "a b", "5", "5s", "1h30m", "5 s", "2h", "3h", "64KiB", "8Mi",
         "1GB", "dev", "prod", "Prod", "low", "high", "true", "null", "registry.example.com:5000/team/app:1.4.2", "a:1",
         "a:", "a//b", "a__b", "a___b", "a@sha256:" + "0" * 64, "a@sha256:0", "UP.example.com/a", "UP/a", "h:5/a", "a_/b",
         "abc1234", "ABC1234", "abc12", "https://example.com/x?y#z", "mailto:a", "http:", "http://a b", "http://a/%zz",
         "http://a/%20", "1a:b", "a@b", "a@b.example", "a@-b", "a.@b", "@b", "/a/~0~1", "/~2", "a/b", "x" * 10, "x" * 11,
         "x" * 64, "x" * 63, "/", "é", "12345", "123456"]
NUMBERS = [0, 1, -1, 2, 1.5, 0.5, -0.5, 1000, 1001, 0.0001, 3600, 3601, 65535, 65536, 2**53 - 1, 1e300]


def value(rng, depth=0):
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 3:
        return rng.choice(WORDS)
    if kind == 3:
        return rng.choice(NUMBERS)
    if kind == 4:
        return rng.choice([True, False])
    if kind == 5:
        return None
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(5))]
    names = ["path", "image", "replicas", "x", "a/b"]
    return {rng.choice(names): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def fitting(rng, schema):
    """A value that is meant to fit: so that the property is not only tried on refusals."""
    kind = schema.get("type", "string")
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if kind == "null":
        return None
    if kind == "object":
        names = list(schema.get("properties", {})) or ["any"]
        # In one order, whatever the hashes of this run are: the same documents every time.
        chosen = sorted(set(rng.sample(names, rng.randrange(len(names) + 1))) | set(schema.get("required", [])))
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            return {rng.choice(WORDS): fitting(rng, more) for _ in range(rng.randrange(4))}
        return {name: fitting(rng, schema.get("properties", {}).get(name, {})) for name in chosen}
    if kind == "array":
        return [fitting(rng, schema.get("items", {})) for _ in range(rng.randrange(min(4, schema.get("maxItems", 4)) + 1))]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
        number = rng.uniform(low, high)
        return round(number) if kind == "integer" else rng.choice([low, high, round(number, 3)])
    if kind == "boolean":
        return rng.choice([True, False])
    validator = jsonschema.Draft202012Validator(schema)
    words = [word for word in WORDS if validator.is_valid(word)]
    return rng.choice(words) if words else "x"


def documents(schema, count):
    rng = random.Random(20261122)
    names = list(schema["properties"])
    for _ in range(count):
        document = fitting(rng, schema)
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            document[rng.choice(names + ["unknown", "Image"])] = value(rng)
        if rng.randrange(20) == 0:
            document.pop("app_name", None)
        yield document


def ours_alone(schema, document):
    """What only the check refuses, and says so: a length in bytes, units whose bounds a schema cannot tell,
    and amounts that JSON cannot carry exactly."""
    for name in ("timeout", "memory"):
        given = document.get(name)
        if isinstance(given, str) or (isinstance(given, (int, float)) and given > 2**53 - 1):
            return True
    return any(not text.isascii() for text in map(str, document.values()))


@pytest.fixture(scope="module")
def schema():
    run = subprocess.run([PROGRAM, "schema"], capture_output=True, text=True, check=True)
    schema = json.loads(run.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def test_check_and_schema_agree(schema):
    tried = list(documents(schema, 1500))
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in tried)
    run = subprocess.run([PROGRAM, "check"], input=lines, capture_output=True, text=True, check=True)
    verdicts = run.stdout.splitlines()
    assert len(verdicts) == len(tried)
    validator = jsonschema.Draft202012Validator(schema)
    taken = 0
    for document, verdict in zip(tried, verdicts):
        fits = validator.is_valid(document)
        taken += fits
        if verdict == "ok" or not fits or not ours_alone(schema, document):
            assert (verdict == "ok") == fits, (
                f"{json.dumps(document)}\ncheck: {verdict}\n"
                f"schema: {[error.message for error in validator.iter_errors(document)]}")
    assert 300 < taken < 1200, taken
