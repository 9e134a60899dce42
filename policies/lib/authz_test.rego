package regent.lib.authz_test

import data.regent.lib.authz

_grants := [
	{"name": "research", "teams": ["research-*"], "models": ["gpt-4o*", "claude-*"], "operations": ["chat"]},
	{"name": "agents", "scopes": ["llm:tools", "llm:all"], "tools": ["search", "read_*"]},
	{"name": "support in the EU", "apps": ["helpdesk"], "regions": ["eu"], "use_cases": ["support"]},
]

_may(user, scope) if authz.enforce_authz(user, scope) with data.regent.settings.authz.grants as _grants

test_by_team_and_model if {
	_may({"team": "research-nlp"}, {"model": "gpt-4o-mini", "operation": "chat"})
	not _may({"team": "research-nlp"}, {"model": "o3", "operation": "chat"})
	not _may({"team": "research-nlp"}, {"model": "gpt-4o", "operation": "embeddings"})
	not _may({"team": "sales"}, {"model": "gpt-4o", "operation": "chat"})
	not _may({}, {"model": "gpt-4o", "operation": "chat"})
}

test_what_is_not_asked_is_not_needed if _may({"team": "research-nlp"}, {"model": "claude-x"})

test_every_tool_is_needed if {
	_may({"scopes": ["llm:tools"]}, {"tools": ["search", "read_mail"]})
	not _may({"scopes": ["llm:tools"]}, {"tools": ["search", "send_mail"]})
	not _may({"scopes": ["llm:chat"]}, {"tools": ["search"]})
	_may({"scopes": ["llm:all"]}, {"tools": []})
}

test_one_grant_covers_all if {
	_may({"app": "helpdesk"}, {"region": "eu", "use_case": "support", "model": "any"})
	not _may({"app": "helpdesk"}, {"region": "us", "use_case": "support"})
	not _may({"app": "helpdesk", "team": "research-nlp"}, {"region": "us", "use_case": "support", "model": "o3"})
}

test_nothing_granted if not authz.enforce_authz({"team": "a"}, {"model": "b"}) with data.regent.settings.authz.grants as []
