package regent.lib.experiment_test

import data.regent.lib.experiment
import data.regent.request

_list := [
	{"name": "off for sales", "key": "tenant", "teams": ["sales"], "variants": [{"name": "all", "share": 1}]},
	{"name": "small-model", "models": ["gpt-4o"], "variants": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "model": "gpt-4o-mini"}]},
]

_call(subject, model) := {"identity": {"subject": subject, "tenant": "t", "team": "search"}, "llm": {"model": model}}

_variants(n) := [variant |
	some i in numbers.range(1, n)
	variant := experiment.current.variant.name with input as _call(sprintf("user-%d", [i]), "gpt-4o")
		with data.regent.settings.experiments as _list
]

test_shares if {
	b := count([v | some v in _variants(200); v == "b"])
	b > 70
	b < 130
}

test_the_same_caller_stays if {
	one := experiment.current with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as _list
	two := experiment.current with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as _list
	one == two
	one.name == "small-model"
}

test_not_part_of_any if {
	not experiment.current with input as _call("ann", "o3") with data.regent.settings.experiments as _list
	not experiment.current with input as _call("", "gpt-4o") with data.regent.settings.experiments as _list
	not experiment.current with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as []
}

test_a_part_of_the_traffic if {
	none := [{"name": "tiny", "variants": [{"name": "a", "share": 0}]}]
	not experiment.current with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as none
}

test_by_team if {
	sales := {"identity": {"subject": "bob", "tenant": "t", "team": "sales"}, "llm": {"model": "o3"}}
	experiment.current.name == "off for sales" with input as sales with data.regent.settings.experiments as _list
}

test_decision if {
	only := [{"name": "small-model", "variants": [{"name": "b", "share": 1, "model": "gpt-4o-mini"}]}]
	request.experiment == {"name": "small-model", "variant": "b"} with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as only
	request.route.model == "gpt-4o-mini" with input as _call("ann", "gpt-4o") with data.regent.settings.experiments as only
	not request.experiment with input as _call("ann", "gpt-4o")
}
