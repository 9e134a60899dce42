package regent.concerns_test

import data.regent.request

_call := {
	"call": {"started_ns": 1767690000000000000},
	"cost": {"known": true, "estimated_usd": 2.5},
	"coverage": {"request": "full", "response": "pending", "reasons": []},
	"findings": [],
	"http": {"headers": {}},
	"identity": {"subject": "ann", "tenant": "acme", "team": "search", "app": "web", "scopes": []},
	"llm": {"model": "gpt-4o", "operation": "chat", "provider": "openai", "tools": [{"name": "search", "type": "function"}], "attachments": []},
	"phase": "request",
	"terms": {"blocked": [], "confidential": [], "medical": [], "risk": []},
	"tokens": {"input": 5000, "exact": false},
}

_with(facts) := object.union(_call, facts)

_codes := {deny.code | some deny in request.deny}

_secret := [{"entity": "AWS_ACCESS_KEY", "class": "secret", "role": "user", "score": 0.95, "count": 1, "where": "content"}]

_attack := [{"entity": "PROMPT_INJECTION", "class": "injection", "role": "tool", "score": 0.9, "count": 1, "where": "content"}]

test_all_off if {
	_codes == set() with input as _with({"findings": _attack})
	request.review == set() with input as _call
}

test_authz if {
	_codes == {"not_authorized"} with input as _call with data.regent.settings.authz.enabled as true
	_codes == set() with input as _call with data.regent.settings.authz as {"enabled": true, "grants": [{"teams": ["search"], "models": ["gpt-*"]}]}
}

test_use_cases if {
	on := {"enabled": true, "header": "x-use-case", "allow": ["support-*"], "required": true}
	_codes == {"use_case_required"} with input as _call with data.regent.settings.use_cases as on
	_codes == set() with input as _call with data.regent.settings.use_cases as object.union(on, {"required": false})
	_codes == {"use_case_not_allowed"} with input as _with({"http": {"headers": {"x-use-case": "fun"}}}) with data.regent.settings.use_cases as on
	_codes == set() with input as _with({"http": {"headers": {"x-use-case": "Support-EU"}}}) with data.regent.settings.use_cases as on
	request.labels.use_case == "support-eu" with input as _with({"http": {"headers": {"x-use-case": "Support-EU"}}}) with data.regent.settings.use_cases as on
}

test_external_findings if {
	on := {"enabled": true, "targets": ["public"], "teams": [], "classes": ["secret"], "min_score": 0.8, "attachments": true}
	_codes == {"external_finding"} with input as _with({"findings": _secret})
		with data.regent.settings.external as on
		with data.regent.settings.routing.sensitivity.scores as {}

	# A sensitive call goes to the target of sensitive calls, which is not external.
	_codes == set() with input as _with({"findings": _secret}) with data.regent.settings.external as on
	_codes == set() with input as _call with data.regent.settings.external as on
}

test_external_teams_and_attachments if {
	on := {"enabled": true, "targets": ["public"], "teams": ["sales"], "classes": [], "min_score": 0.8, "attachments": false}
	_codes == {"external_not_allowed"} with input as _call with data.regent.settings.external as on
	picture := {"llm": object.union(_call.llm, {"attachments": [{"modality": "image"}]})}
	_codes == {"external_not_allowed", "external_attachment"} with input as _with(picture) with data.regent.settings.external as on
}

test_residency if {
	on := {"enabled": true, "regions": {"public": "us", "eu-cloud": "eu"}, "tenants": {"acme": ["eu"]}, "default": [], "fallback": {"eu": "eu-cloud"}}
	request.route.target == "eu-cloud" with input as _call with data.regent.settings.residency as on
	request.labels.region == "eu" with input as _call with data.regent.settings.residency as on
	_codes == {"residency"} with input as _call with data.regent.settings.residency as object.union(object.remove(on, ["fallback"]), {"fallback": {"us": "public"}})
}

test_hours if {
	# 2026-01-06T09:00Z is a Tuesday.
	on := {"enabled": true, "teams": [], "window": {"days": ["tue"], "from": "08:00", "to": "18:00", "zone": "UTC"}}
	_codes == set() with input as _call with data.regent.settings.hours as on
	late := object.union(on, {"window": {"days": ["tue"], "from": "10:00", "to": "18:00", "zone": "UTC"}})
	_codes == {"out_of_hours"} with input as _call with data.regent.settings.hours as late
	_codes == set() with input as _call with data.regent.settings.hours as object.union(late, {"teams": ["sales"]})
}

_reviews := {review.code | some review in request.review}

_approval := {"enabled": true, "cost_usd": 0, "input_tokens": 0, "models": [], "tools": [], "classes": [], "min_score": 0.8, "status": 202, "wait": "1h"}

test_approval if {
	_reviews == set() with input as _call with data.regent.settings.approval as _approval
	_reviews == {"cost"} with input as _call with data.regent.settings.approval as object.union(_approval, {"cost_usd": 2})
	_reviews == set() with input as _call with data.regent.settings.approval as object.union(_approval, {"cost_usd": 3})
	_reviews == {"input_tokens"} with input as _call with data.regent.settings.approval as object.union(_approval, {"input_tokens": 4000})
	_reviews == {"model"} with input as _call with data.regent.settings.approval as object.union(_approval, {"models": ["gpt-4*"]})
	_reviews == {"tool"} with input as _call with data.regent.settings.approval as object.union(_approval, {"tools": ["sea*"]})
	_reviews == {"finding"} with input as _with({"findings": _secret}) with data.regent.settings.approval as object.union(_approval, {"classes": ["secret"]})
	some review in request.review with input as _call with data.regent.settings.approval as object.union(_approval, {"models": ["gpt-4*"]})
	review.status == 202
	review.wait == "1h"
}

test_injection if {
	request.labels.injection == "suspected" with input as _with({"findings": _attack})
	_codes == {"injection"} with input as _with({"findings": _attack}) with data.regent.settings.injection.action as "deny"
	_codes == set() with input as _with({"findings": _attack}) with data.regent.settings.injection as {"action": "deny", "min_score": 0.95, "roles": []}
	_codes == set() with input as _with({"findings": _attack}) with data.regent.settings.injection as {"action": "deny", "min_score": 0.8, "roles": ["user"]}
	not request.labels.injection with input as _with({"findings": _attack}) with data.regent.settings.injection.action as "none"
}

test_models_by_team if {
	_codes == {"model_not_allowed_for_team"} with input as _call with data.regent.settings.models.teams as {"search": {"allow": ["claude-*"]}}
	_codes == {"model_denied_to_team"} with input as _call with data.regent.settings.models.teams as {"search": {"deny": ["gpt-*"]}}
	_codes == set() with input as _call with data.regent.settings.models.teams as {"search": {"allow": ["gpt-*"]}, "sales": {"deny": ["*"]}}
	_codes == set() with input as _with({"identity": {"team": ""}}) with data.regent.settings.models.teams as {"search": {"deny": ["*"]}}
}
