# Runs the shared table: opa test deploy/opa (cases.json is loaded as data.cases, see below).
#
#   opa test deploy/opa/sluice.rego deploy/opa/sluice_test.rego deploy/opa/cases:deploy/opa/cases.json
package sluice_test

import data.sluice
import rego.v1

outcomes_of(context) := {"decision": decision, "rules": rules} if {
	decision := sluice.decision with input as context
	denied := sluice.deny with input as context
	asked := sluice.approval with input as context
	warned := sluice.warn with input as context
	rules := {verdict.rule | some verdict in (denied | asked) | warned}
}

wrong contains one.name if {
	some one in data.cases
	told := outcomes_of(object.union(one.input, {"settings": one.settings}))
	told != {"decision": one.decision, "rules": {rule | some rule in one.rules}}
}

wrong contains one.name if {
	some one in data.cases
	not outcomes_of(object.union(one.input, {"settings": one.settings}))
}

test_the_table_holds if {
	count(data.cases) > 50
	count(wrong) == 0
}
