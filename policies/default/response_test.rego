package regent.response_test

import data.regent.response

_codes := {deny.code | some deny in response.deny}

_response(facts) := {
	"phase": "response",
	"response": object.union({"findings": [], "tool_calls": []}, facts),
}

test_redacts_by_the_settings if {
	{"class": "secret", "min_score": 0.5, "with": "label"} in response.redact with input as _response({})
}

test_redaction_off if {
	response.redact == set() with input as _response({})
		with data.regent.settings.redaction.response.enabled as false
}

test_findings_refuse_where_set if {
	facts := _response({"findings": [{"class": "secret", "entity": "AWS_ACCESS_KEY", "score": 0.9}]})
	_codes == set() with input as facts
	_codes == {"finding"} with input as facts
		with data.regent.settings.findings.response.classes as ["secret"]
	_codes == {"finding"} with input as facts
		with data.regent.settings.findings.response.entities as ["AWS_ACCESS_KEY"]
	_codes == set() with input as facts
		with data.regent.settings.findings.response.classes as ["secret"]
		with data.regent.settings.findings.response.min_score as 1
}

test_tools if {
	facts := _response({"tool_calls": ["run_shell"]})
	_codes == {"tool_denied"} with input as facts
		with data.regent.settings.tools.deny as ["run_*"]
	_codes == {"tool_not_allowed"} with input as facts
		with data.regent.settings.tools.allow as ["get_*"]
	_codes == set() with input as facts
}

test_canary_is_hidden if {
	rule := {"entity": "CANARY", "with": "label"}
	rule in response.redact with input as _response({"findings": [{"class": "exfiltration", "entity": "CANARY", "score": 1}]})
	not rule in response.redact with input as _response({"findings": [{"class": "pii", "entity": "EMAIL", "score": 1}]})
}

test_unread_response if {
	facts := {"coverage": {"response": "none"}, "response": {"findings": [], "tool_calls": []}}
	{"unread_response"} == {deny.code | some deny in response.deny} with input as facts
		with data.regent.settings.coverage.refuse_unread_responses as true
	set() == {deny.code | some deny in response.deny} with input as facts
}
