package regent.lib.routing_test

import data.regent.lib.domain
import data.regent.lib.routing
import data.regent.lib.sensitivity

_terms := {"confidential": [], "medical": [], "risk": []}

_headers(h) := {"findings": [], "http": {"headers": h}, "terms": _terms}

_found(class, score) := {
	"findings": [{"class": class, "score": score}],
	"http": {"headers": {}},
	"terms": _terms,
}

_said(list, words) := {
	"findings": [],
	"http": {"headers": {}},
	"terms": object.union(_terms, {list: words}),
}

test_default_target if {
	routing.target == "public" with input as _headers({})
}

test_stated_high if {
	sensitivity.level == "high" with input as _headers({"x-data-sensitivity": "HIGH"})
	routing.target == "on-prem" with input as _headers({"x-data-sensitivity": "high", "x-domain": "risk"})
}

test_another_header if {
	sensitivity.level == "high" with input as _headers({"x-class": "high"})
		with data.regent.settings.routing.sensitivity.header as "x-class"
}

test_findings_make_it_high if {
	sensitivity.level == "high" with input as _found("secret", 0.8)
	sensitivity.level == "low" with input as _found("secret", 0.79)
	sensitivity.level == "low" with input as _found("pii", 1)
	sensitivity.level == "high" with input as _found("pii", 1)
		with data.regent.settings.routing.sensitivity.scores as {"pii": 0.5}
}

test_terms_make_it_high if {
	sensitivity.level == "high" with input as _said("confidential", ["top secret"])
	sensitivity.level == "low" with input as _said("confidential", ["top secret"])
		with data.regent.settings.routing.sensitivity.terms as []
}

test_low_is_trusted_only_where_set if {
	facts := object.union(_found("secret", 1), {"http": {"headers": {"x-data-sensitivity": "low"}}})
	sensitivity.level == "high" with input as facts
	sensitivity.level == "low" with input as facts
		with data.regent.settings.routing.sensitivity.trust_low as true
}

test_domain_by_header if {
	domain.name == "medical" with input as _headers({"x-domain": "Medical"})
	routing.target == "custom" with input as _headers({"x-domain": "risk"})
}

test_unknown_domain if {
	domain.name == "" with input as _headers({"x-domain": "weather"})
	routing.target == "public" with input as _headers({"x-domain": "weather"})
}

test_domain_by_terms if {
	domain.name == "risk" with input as _said("risk", ["value at risk"])
}

test_stated_domain_goes_before_terms if {
	facts := object.union(_said("risk", ["value at risk"]), {"http": {"headers": {"x-domain": "medical"}}})
	domain.name == "medical" with input as facts
}
