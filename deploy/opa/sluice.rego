# What Sluice's shipped Lua policies decide, in Rego: for those who keep their rules in OPA. The
# input is what policy.evaluate gets: the request, its risk, the actor and the time.
#
#   opa eval -d deploy/opa/sluice.rego -i context.json data.sluice.decision
#   opa test deploy/opa
package sluice

import rego.v1

default decision := "allow"

decision := "deny" if count(deny) > 0

else := "needs_approval" if count(approval) > 0

prod if input.environment == "prod"

# scripts/lua/policies/no-latest.lua
deny contains {
	"rule": "no-latest",
	"message": sprintf("%s has no fixed tag", [input.config.image]),
	"fix": "name a tag other than latest, or a digest",
} if {
	prod
	floating(input.config.image)
}

floating(image) if {
	not contains(image, "@")
	not contains(last_part(image), ":")
}

floating(image) if {
	not contains(image, "@")
	endswith(image, ":latest")
}

last_part(image) := part if {
	parts := split(image, "/")
	part := parts[count(parts) - 1]
}

# scripts/lua/policies/pii-exposure.lua
deny contains {
	"rule": "pii-exposure",
	"message": "an application with personal data must not be exposed in prod",
	"fix": "set exposure to internal, or put a service without personal data in front",
} if {
	prod
	input.data_classification in {"pii", "restricted"}
	input.exposure in {"external", "public"}
}

# scripts/lua/policies/min-replicas.lua
deny contains {
	"rule": "min-replicas",
	"message": sprintf("prod needs 2 replicas, %d asked for", [input.config.replicas]),
	"fix": "ask for 2 replicas or more",
} if {
	prod
	input.config.replicas < 2
}

# scripts/lua/policies/risk-threshold.lua
deny contains {
	"rule": "risk-threshold",
	"message": "the risk is CRITICAL",
	"fix": "mend what the risk's signals name",
} if {
	prod
	input.risk.level == "CRITICAL"
}

approval contains {
	"rule": "risk-threshold",
	"message": "the risk is not known",
	"fix": "send the diff, so that it can be scored",
} if {
	prod
	not input.risk.level in {"LOW", "MED", "HIGH", "CRITICAL"}
}

approval contains {
	"rule": "risk-threshold",
	"message": "the risk is HIGH",
	"fix": "ask a person, or make the change smaller",
} if {
	prod
	input.risk.level == "HIGH"
}
