# METADATA
# title: Residency
# description: Where a call may be served.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.residency

import data.regent.lib.routing

# METADATA
# title: Target
# description: The routing's target where its region is allowed, else the fallback of the first region that is; undefined where none is.
target := routing.target if {
	not data.regent.settings.residency.enabled
} else := routing.target if {
	_may(_region_of(routing.target))
} else := _fallbacks[0]

# METADATA
# title: Region
# description: The region of the target; "" where it is not known.
# scope: document
default region := ""

region := _region_of(target) if data.regent.settings.residency.enabled

_region_of(name) := object.get(data.regent.settings.residency.regions, name, "")

_allowed := object.get(data.regent.settings.residency.tenants, object.get(input.identity, "tenant", ""), data.regent.settings.residency["default"])

_may(_) if _allowed == []

_may(name) if name in _allowed

_fallbacks := [data.regent.settings.residency.fallback[name] | some name in _allowed]
