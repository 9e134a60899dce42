# METADATA
# title: Authorisation
# description: Who may do what, by grants.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.authz

import data.regent.lib.names
import data.regent.lib.residency
import data.regent.lib.use_case

# METADATA
# title: Enforce authorisation
# description: |
#   Holds where one grant covers both the user, an object like input.identity, and all of the scope:
#   an object of model, operation, provider, region, use_case (strings) and tools (a list).
#   What is absent from the scope is not asked for.
enforce_authz(user, scope) if {
	some grant in data.regent.settings.authz.grants
	_is_for(grant, user)
	_allows(grant, scope)
}

# METADATA
# title: Allowed
# description: Whether the call at hand is granted.
allowed if enforce_authz(input.identity, _scope)

_scope := {
	"model": input.llm.model,
	"operation": input.llm.operation,
	"provider": input.llm.provider,
	"region": residency.region,
	"use_case": use_case.name,
	"tools": [tool.name | some tool in input.llm.tools],
}

_is_for(grant, user) if {
	_fits(grant, "subjects", object.get(user, "subject", ""))
	_fits(grant, "tenants", object.get(user, "tenant", ""))
	_fits(grant, "teams", object.get(user, "team", ""))
	_fits(grant, "apps", object.get(user, "app", ""))
	_has_scope(object.get(grant, "scopes", []), object.get(user, "scopes", []))
}

_allows(grant, scope) if {
	every dimension, list in _dimensions {
		_fits_if_asked(grant, list, scope, dimension)
	}
	every tool in object.get(scope, "tools", []) {
		_fits(grant, "tools", tool)
	}
}

_dimensions := {
	"model": "models",
	"operation": "operations",
	"provider": "providers",
	"region": "regions",
	"use_case": "use_cases",
}

_fits_if_asked(grant, list, scope, dimension) if _fits(grant, list, scope[dimension])

_fits_if_asked(_, _, scope, dimension) if not _asks(scope, dimension)

_asks(scope, dimension) if _ := scope[dimension]

_fits(grant, list, _) if object.get(grant, list, []) == []

_fits(grant, list, value) if names.listed(value, grant[list])

_has_scope([], _)

_has_scope(wanted, has) if {
	some scope in wanted
	scope in has
}
