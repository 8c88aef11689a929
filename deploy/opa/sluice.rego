# What Sluice's shipped Lua policies decide, in Rego: for those who keep their rules in OPA. The
# input is what policy.evaluate gets: the request, its risk, the actor, the time and the settings.
#
#   opa eval -d deploy/opa/sluice.rego -i context.json data.sluice.decision
#   opa test deploy/opa
#
# deploy/opa/cases.json is one table of cases for these rules, the Lua policies and the Kyverno
# policies; tests/integration/test_policy_table.py runs it.
package sluice

import rego.v1

default decision := "allow"

decision := "deny" if {
	count(deny) > 0
} else := "needs_approval" if {
	count(approval) > 0
} else := "warn" if {
	count(warn) > 0
}

prod if input.environment == "prod"

settings := object.get(input, "settings", {})

config := object.get(input, "config", {})

context := object.get(input, "context", {})

# ---- scripts/lua/policies/no-latest.lua ----

deny contains {"rule": "no-latest", "message": "the request names no image", "fix": "set config.image"} if {
	prod
	not config.image
}

deny contains {
	"rule": "no-latest",
	"message": sprintf("the image %s has no fixed tag", [config.image]),
	"fix": "name the version, or pin it by digest",
} if {
	prod
	floating(config.image)
}

warn contains {"rule": "no-latest", "message": "the tag says 'latest', but the digest decides what runs"} if {
	prod
	contains(config.image, "@")
	endswith(split(config.image, "@")[0], ":latest")
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

# ---- scripts/lua/policies/image-registry.lua ----

deny contains {
	"rule": "image-registry",
	"message": sprintf("the image comes from %s, which is not allowed", [full_name(config.image)]),
	"fix": sprintf("push it to one of: %s", [concat(", ", settings.allowed_registries)]),
} if {
	count(settings.allowed_registries) > 0
	not allowed_registry(full_name(config.image))
}

allowed_registry(name) if {
	some pattern in settings.allowed_registries
	glob.match(pattern, [], name)
}

# "registry/repository", without tag and digest; without a registry it is docker.io's.
full_name(image) := name if {
	plain := split(image, "@")[0]
	part := last_part(plain)
	name := with_registry(trim_suffix(plain, tag_of(part)))
}

tag_of(part) := sprintf(":%s", [split(part, ":")[1]]) if contains(part, ":")

tag_of(part) := "" if not contains(part, ":")

with_registry(name) := name if is_registry(split(name, "/"))

with_registry(name) := sprintf("docker.io/%s", [name]) if not is_registry(split(name, "/"))

is_registry(parts) if {
	count(parts) > 1
	contains(parts[0], ".")
}

is_registry(parts) if {
	count(parts) > 1
	contains(parts[0], ":")
}

is_registry(parts) if {
	count(parts) > 1
	parts[0] == "localhost"
}

# ---- scripts/lua/policies/pii-exposure.lua ----

exposed if {
	prod
	input.data_classification in {"pii", "restricted"}
	input.exposure in {"external", "public"}
}

missing_controls := {one |
	some one in object.get(settings, "pii_controls", [])
	not one in {given | some given in object.get(config, "controls", [])}
}

deny contains {
	"rule": "pii-exposure",
	"message": "an application with personal data must not be exposed in prod",
	"fix": "expose it internally, or put in place the controls that are asked",
} if {
	exposed
	count(object.get(settings, "pii_controls", [])) == 0
}

deny contains {
	"rule": "pii-exposure",
	"message": sprintf("personal data must not be exposed without %s", [concat(", ", missing_controls)]),
	"fix": "put these controls in place and name them in config.controls",
} if {
	exposed
	count(missing_controls) > 0
}

warn contains {"rule": "pii-exposure", "message": "personal data is exposed, behind the controls that are asked"} if {
	exposed
	count(object.get(settings, "pii_controls", [])) > 0
	count(missing_controls) == 0
}

# ---- scripts/lua/policies/min-replicas.lua ----

deny contains {
	"rule": "min-replicas",
	"message": sprintf("prod needs %d replicas, the request has %d", [object.get(settings, "min_replicas", 2), replicas]),
	"fix": "ask for more replicas",
} if {
	prod
	replicas < object.get(settings, "min_replicas", 2)
}

replicas := object.get(config, "replicas", 1)

# ---- scripts/lua/policies/disruption.lua ----

disruption := config.disruption if prod

pods(value) := value if is_number(value)

pods(value) := ceil((to_number(trim_suffix(value, "%")) * replicas) / 100) if {
	is_string(value)
	regex.match(`^\d+%$`, value)
}

movable := replicas - pods(disruption.min_available) if not disruption.max_unavailable

movable := pods(disruption.max_unavailable) if not has_min_available

has_min_available if disruption.min_available

has_min_available if disruption.min_available == 0

has_max_unavailable if disruption.max_unavailable

has_max_unavailable if disruption.max_unavailable == 0

one_bound if {
	has_min_available
	not has_max_unavailable
}

one_bound if {
	has_max_unavailable
	not has_min_available
}

deny contains {"rule": "disruption", "message": "config.disruption needs one of min_available and max_unavailable", "fix": "set max_unavailable: 1"} if {
	disruption
	not one_bound
}

movable_is_known if movable <= replicas

movable_is_known if movable > replicas

deny contains {"rule": "disruption", "message": "config.disruption is neither a number of pods nor a percentage", "fix": "write max_unavailable: 1"} if {
	disruption
	one_bound
	not movable_is_known
}

deny contains {"rule": "disruption", "message": "the disruption budget lets all pods go at once", "fix": "set max_unavailable: 1"} if {
	one_bound
	movable >= replicas
}

deny contains {"rule": "disruption", "message": "the disruption budget lets no pod go", "fix": "set max_unavailable: 1, or run more replicas"} if {
	one_bound
	movable < 1
}

# ---- scripts/lua/policies/resources.lua ----

requests := object.get(object.get(config, "resources", {}), "requests", {})

limits := object.get(object.get(config, "resources", {}), "limits", {})

scale := {
	"": 1, "m": 0.001, "k": 1000, "M": 1000000, "G": 1000000000, "T": 1000000000000,
	"Ki": 1024, "Mi": 1048576, "Gi": 1073741824, "Ti": 1099511627776,
}

quantity(value) := value if is_number(value)

quantity(value) := to_number(parts[1]) * scale[parts[2]] if {
	is_string(value)
	parts := regex.find_all_string_submatch_n(`^(\d+\.?\d*)([A-Za-z]*)$`, value, 1)[0]
}

# A call inside "not" is made before it: undefined there would make the rule undefined.
is_quantity(value) if quantity(value) >= 0

deny contains {
	"rule": "resources",
	"message": sprintf("config.resources.%s.%s is no quantity", [side, kind]),
	"fix": "write cpu as '250m' or '2', memory as '512Mi'",
} if {
	some side, values in {"requests": requests, "limits": limits}
	some kind in {"cpu", "memory"}
	values[kind]
	not is_quantity(values[kind])
}

deny contains {
	"rule": "resources",
	"message": sprintf("config.resources asks for more %s than its limit", [kind]),
	"fix": "raise the limit, or lower the request",
} if {
	some kind in {"cpu", "memory"}
	quantity(requests[kind]) > quantity(limits[kind])
}

deny contains {
	"rule": "resources",
	"message": sprintf("config.resources asks for more %s than %s", [kind, settings[sprintf("max_%s", [kind])]]),
	"fix": "lower it, or run more replicas",
} if {
	some kind in {"cpu", "memory"}
	asked := quantity(object.get(limits, kind, object.get(requests, kind, 0)))
	asked > quantity(settings[sprintf("max_%s", [kind])])
}

deny contains {
	"rule": "resources",
	"message": sprintf("data classified '%s' needs cpu and memory of requests and limits in prod", [input.data_classification]),
	"fix": "set cpu and memory of config.resources.requests and .limits",
} if {
	prod
	input.data_classification in {class | some class in object.get(settings, "resources_required", [])}
	some values in [requests, limits]
	some kind in {"cpu", "memory"}
	not values[kind]
}

warn contains {"rule": "resources", "message": "config.resources has no memory limit", "fix": "set config.resources.limits.memory"} if {
	prod
	config.resources
	not limits.memory
}

warn contains {"rule": "resources", "message": "the memory limit is far above the request", "fix": "raise config.resources.requests.memory"} if {
	prod
	quantity(limits.memory) > object.get(settings, "max_overcommit", 4) * quantity(requests.memory)
}

# ---- scripts/lua/policies/risk-threshold.lua ----

level := object.get(object.get(input, "risk", {}), "level", "UNKNOWN")

deny contains {"rule": "risk-threshold", "message": "the risk of the change is CRITICAL", "fix": "remove the danger that risk names first, or split the change"} if {
	prod
	level == "CRITICAL"
}

approval contains {"rule": "risk-threshold", "message": sprintf("the risk of the change is %s: in prod a person decides", [level]), "fix": "ask for an approval, or split the change"} if {
	prod
	not level in {"LOW", "MED", "MEDIUM", "CRITICAL"}
}

# ---- scripts/lua/policies/error-budget.lua, with settings.error_budget = "given" ----

budget_left := context.budget_left if {
	prod
	settings.error_budget
	not mends
}

kind := object.get(input, "kind", object.get(context, "kind", object.get(config, "kind", "")))

mends if kind in {"rollback", "reliability", "security", "incident"}

deny contains {"rule": "error-budget", "message": "the error budget is used up", "fix": "mend what burns it"} if budget_left <= 0

approval contains {"rule": "error-budget", "message": "little of the error budget is left", "fix": "wait for the window to roll"} if {
	budget_left > 0
	budget_left < object.get(settings, "min_budget_left", 0.1)
	level != "LOW"
}

warn contains {"rule": "error-budget", "message": "little of the error budget is left", "fix": "use smaller steps and longer pauses"} if {
	budget_left > 0
	budget_left < object.get(settings, "thin_budget", 0.25)
	not budget_asks
}

budget_asks if {
	budget_left < object.get(settings, "min_budget_left", 0.1)
	level != "LOW"
}

# ---- times ----

now_ns := input.now * 1000000

# Minutes of the day and its place in the week (0: Sunday), so many minutes ahead of UTC.
local_time(offset) := {"minute": (clock[0] * 60) + clock[1], "day": weekday} if {
	at := now_ns + (offset * 60000000000)
	clock := time.clock(at)
	weekday := lower(time.weekday(at))
}

minute_of(text) := (to_number(parts[0]) * 60) + to_number(parts[1]) if parts := split(text, ":")

working_days := ["monday", "tuesday", "wednesday", "thursday", "friday"]

day_before := {
	"monday": "sunday", "tuesday": "monday", "wednesday": "tuesday", "thursday": "wednesday",
	"friday": "thursday", "saturday": "friday", "sunday": "saturday",
}

within(week) if {
	at := local_time(object.get(week, "offset_minutes", 0))
	from := minute_of(object.get(week, "from", "00:00"))
	to := minute_of(object.get(week, "to", "24:00"))
	from < to
	at.day in object.get(week, "days", working_days)
	at.minute >= from
	at.minute < to
}

within(week) if {
	at := local_time(object.get(week, "offset_minutes", 0))
	from := minute_of(object.get(week, "from", "00:00"))
	from >= minute_of(object.get(week, "to", "24:00"))
	at.day in object.get(week, "days", working_days)
	at.minute >= from
}

within(week) if {
	at := local_time(object.get(week, "offset_minutes", 0))
	to := minute_of(object.get(week, "to", "24:00"))
	minute_of(object.get(week, "from", "00:00")) >= to
	day_before[at.day] in object.get(week, "days", working_days)
	at.minute < to
}

# ---- scripts/lua/policies/freeze.lua ----

begun(freeze) if not freeze.from

begun(freeze) if now_ns >= time.parse_rfc3339_ns(freeze.from)

not_over(freeze) if not freeze.to

not_over(freeze) if now_ns < time.parse_rfc3339_ns(freeze.to)

concerns_environment(freeze) if not freeze.environments

concerns_environment(freeze) if input.environment in freeze.environments

concerns_app(freeze) if not freeze.apps

concerns_app(freeze) if {
	some pattern in freeze.apps
	glob.match(pattern, [], input.app_name)
}

in_hours(freeze) if not freeze.weekly

in_hours(freeze) if within(freeze.weekly)

frozen if {
	some freeze in settings.freezes
	begun(freeze)
	not_over(freeze)
	concerns_environment(freeze)
	concerns_app(freeze)
	in_hours(freeze)
}

frozen if {
	settings.freezes
	context.freeze
}

declared_emergency if {
	context.emergency
	trim_space(input.reason) != ""
}

deny contains {"rule": "freeze", "message": "a freeze holds", "fix": "wait for its end"} if {
	frozen
	not declared_emergency
}

approval contains {"rule": "freeze", "message": "a freeze holds, and this is a declared emergency", "fix": "have it approved"} if {
	frozen
	declared_emergency
}

# ---- scripts/lua/policies/business-hours.lua ----

approval contains {"rule": "business-hours", "message": "it is outside business hours", "fix": "wait for them, or have it approved"} if {
	prod
	settings.business_hours
	not within(settings.business_hours)
	not context.emergency
}

warn contains {"rule": "business-hours", "message": "it is outside business hours; a declared emergency"} if {
	prod
	settings.business_hours
	not within(settings.business_hours)
	context.emergency
}

# ---- scripts/lua/policies/two-person.lua ----

two_person if {
	prod
	settings.two_person
}

# "user:ada", "Ada <ada@example.org>" and "ada" are one person.
person(name) := trim_space(split(after_colon(mail_or_name(lower(name))), "@")[0])

mail_or_name(name) := split(split(name, "<")[1], ">")[0] if contains(name, "<")

mail_or_name(name) := name if not contains(name, "<")

after_colon(name) := split(name, ":")[1] if regex.match(`^[a-z]+:`, name)

after_colon(name) := name if not regex.match(`^[a-z]+:`, name)

named_author if person(input.author) != ""

approval contains {"rule": "two-person", "message": "the request does not say who made the change", "fix": "set author, or have it approved"} if {
	two_person
	not named_author
}

approval contains {"rule": "two-person", "message": "the author of the change also asks for its deployment", "fix": "have another person send or approve it"} if {
	two_person
	named_author
	person(input.author) == person(input.actor)
}
