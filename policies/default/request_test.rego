package regent.request_test

import data.regent.request

_plain := {
	"coverage": {"request": "full", "response": "pending", "reasons": []},
	"findings": [],
	"http": {"headers": {}},
	"llm": {"model": "gpt-4o", "tools": []},
	"phase": "request",
	"terms": {"blocked": [], "confidential": [], "medical": [], "risk": []},
}

_with(facts) := object.union(_plain, facts)

_codes := {deny.code | some deny in request.deny}

test_plain_call_goes_to_the_default_target if {
	request.route.target == "public" with input as _plain
	request.labels == {"sensitivity": "low"} with input as _plain
	request.deny == set() with input as _plain
}

test_redacts_by_the_settings if {
	request.redact == {
		{"class": "pii", "min_score": 0.5, "with": "label"},
		{"class": "secret", "min_score": 0.5, "with": "label"},
	} with input as _plain
}

test_redaction_off if {
	request.redact == set() with input as _plain
		with data.regent.settings.redaction.request.enabled as false
}

test_redacts_an_entity if {
	{"entity": "HOSTNAME", "min_score": 0.5, "with": "label"} in request.redact with input as _plain
		with data.regent.settings.redaction.request.entities as ["HOSTNAME"]
}

test_routing_off if {
	not request.route.target with input as _plain
		with data.regent.settings.routing.enabled as false
	request.labels == {} with input as _plain
		with data.regent.settings.routing.enabled as false
}

test_domain_label if {
	request.labels == {"domain": "medical", "sensitivity": "low"} with input as _with({"terms": {"medical": ["patient"]}})
}

test_uninspected_is_refused_only_where_set if {
	facts := _with({"coverage": {"request": "partial"}})
	_codes == set() with input as facts
	_codes == {"uninspected"} with input as facts
		with data.regent.settings.coverage.refuse_uninspected as true
}

test_model_not_listed if {
	_codes == {"model_not_allowed"} with input as _plain
		with data.regent.settings.models.allow as ["claude-*"]
	_codes == set() with input as _plain
		with data.regent.settings.models.allow as ["claude-*", "gpt-4*"]
}

test_model_denied if {
	_codes == {"model_denied"} with input as _plain
		with data.regent.settings.models.deny as ["gpt-*"]
	_codes == set() with input as _plain
		with data.regent.settings.models.deny as ["o3"]
}

test_tools if {
	facts := _with({"llm": {"tools": [{"name": "get_weather"}, {"name": "run_shell"}]}})
	_codes == {"tool_not_allowed"} with input as facts
		with data.regent.settings.tools.allow as ["get_*"]
	_codes == {"tool_denied"} with input as facts
		with data.regent.settings.tools.deny as ["run_*"]
	_codes == set() with input as facts
}

test_blocked_term if {
	_codes == {"blocked_term"} with input as _with({"terms": {"blocked": ["falcon"]}})
	_codes == set() with input as _with({"terms": {"medical": ["patient"]}})
}

test_findings_refuse_where_set if {
	facts := _with({"findings": [{"class": "pii", "entity": "IBAN", "score": 0.9}]})
	_codes == set() with input as facts
	_codes == {"finding"} with input as facts
		with data.regent.settings.findings.request.classes as ["pii"]
	_codes == {"finding"} with input as facts
		with data.regent.settings.findings.request.entities as ["IBAN"]
	_codes == set() with input as facts
		with data.regent.settings.findings.request.entities as ["EMAIL"]
	_codes == set() with input as facts
		with data.regent.settings.findings.request.classes as ["pii"]
		with data.regent.settings.findings.request.min_score as 0.95
}
