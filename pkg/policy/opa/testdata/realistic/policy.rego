# A policy such as a company of fifty teams would run: what its own rules cost is
# what the benchmarks measure. data.company holds 300 models and 50 teams.
package regent.request

import data.company.access
import data.company.placement

deny contains {"code": "unknown_team", "message": "this team is not known here"} if not access.team

deny contains {"code": "unknown_model", "message": sprintf("the model %q is not in the catalogue", [input.llm.model])} if {
	not access.model
}

deny contains {"code": "tier_not_allowed", "message": sprintf("team %s may not use %s models", [input.identity.team, access.model.tier])} if {
	not access.model.tier in access.team.tiers
}

deny contains {"code": "model_blocked", "message": sprintf("%s is blocked for team %s", [input.llm.model, input.identity.team])} if {
	input.llm.model in access.team.blocked
}

deny contains {"code": "operation_not_allowed", "message": sprintf("team %s may not use %s", [input.identity.team, input.llm.operation])} if {
	not input.llm.operation in access.team.operations
}

deny contains {"code": "too_long", "message": "the prompt is too long for this team", "status": 413} if {
	input.tokens.input > access.team.max_input
}

deny contains {"code": "too_much_output", "message": "ask for fewer tokens"} if {
	input.tokens.max_output > access.team.max_output
}

deny contains {"code": "too_dear", "message": "this call would cost too much"} if {
	input.cost.known
	input.cost.estimated_usd > access.team.max_cost
}

deny contains {"code": "tool_not_allowed", "message": sprintf("the tool %q is not allowed", [tool.name])} if {
	some tool in input.llm.tools
	not tool.name in access.team.tools
}

deny contains {"code": "attachments", "message": "attachments are not allowed for this team"} if {
	not access.team.attachments
	input.llm.attachments != []
}

deny contains {"code": "secret", "message": "this request holds a secret"} if {
	some finding in input.findings
	finding.class == "secret"
	finding.score >= 0.9
	not access.team.may_send_secrets
}

deny contains {"code": "injection", "message": "this request looks like an attack"} if {
	some finding in input.findings
	finding.class == "injection"
	finding.score >= access.team.injection_score
}

deny contains {"code": "hours", "message": "this team's hours are over"} if {
	access.team.hours
	not regent.within(input.call.started_ns, access.team.hours)
}

deny contains {"code": "no_scope", "message": sprintf("the scope %s is missing", [access.model.scope])} if {
	access.model.scope
	not access.model.scope in input.identity.scopes
}

deny contains {"code": "no_region", "message": "no region is allowed for this call"} if {
	access.model
	access.team
	not placement.region
}

redact contains {"class": "pii", "with": access.team.redact, "min_score": 0.6} if access.team.redact

redact contains {"class": "secret", "with": "label", "min_score": 0.5}

redact contains {"entity": entity, "with": "drop"} if some entity in access.team.drop

route["target"] := placement.target

route["model"] := access.model.replaced_by if access.model.replaced_by

labels["team"] := input.identity.team

labels["tier"] := access.model.tier

labels["region"] := placement.region

labels["sensitivity"] := placement.sensitivity

labels["variant"] := "b" if regent.bucket(input.identity.subject, "rollout") < 0.1

body contains {"op": "replace", "path": "/temperature", "value": access.team.temperature} if {
	input.llm.params.temperature > access.team.temperature
}

headers["set"]["x-team"] := input.identity.team
