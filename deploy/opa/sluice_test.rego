package sluice_test

import data.sluice
import rego.v1

good := {
	"environment": "prod",
	"data_classification": "internal",
	"exposure": "internal",
	"config": {"image": "registry.internal:5000/shop:1.4.2", "replicas": 3},
	"risk": {"level": "LOW"},
}

with_image(image) := object.union(good, {"config": {"image": image, "replicas": 3}})

test_good if sluice.decision == "allow" with input as good

test_latest if sluice.decision == "deny" with input as with_image("shop:latest")

test_no_tag if sluice.decision == "deny" with input as with_image("registry.internal:5000/shop")

test_digest if sluice.decision == "allow" with input as with_image("shop@sha256:abc")

test_latest_in_dev if {
	sluice.decision == "allow" with input as object.union(with_image("shop:latest"), {"environment": "dev"})
}

test_pii if {
	sluice.decision == "deny" with input as object.union(good, {"data_classification": "pii", "exposure": "public"})
}

test_one_replica if {
	sluice.decision == "deny" with input as object.union(good, {"config": {"image": "shop:1", "replicas": 1}})
}

test_high if sluice.decision == "needs_approval" with input as object.union(good, {"risk": {"level": "HIGH"}})

test_critical if sluice.decision == "deny" with input as object.union(good, {"risk": {"level": "CRITICAL"}})

test_unknown_risk if sluice.decision == "needs_approval" with input as object.remove(good, ["risk"])
