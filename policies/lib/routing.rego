# METADATA
# title: Routing
# description: The target of a call, from its sensitivity and domain.
# schemas:
#   - data.regent.settings: schema.settings
package regent.lib.routing

import data.regent.lib.domain
import data.regent.lib.sensitivity

# METADATA
# title: Target
# description: The target by sensitivity first, then by domain.
target := data.regent.settings.routing.targets.sensitive if {
	sensitivity.level == "high"
} else := data.regent.settings.routing.targets.domain if {
	domain.name != ""
} else := data.regent.settings.routing.targets["default"]
