# METADATA
# title: Domain
# description: Which domain a call belongs to, from its headers and terms.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.domain

# METADATA
# title: Name
# description: The domain the client states, else the first whose terms the request holds; "" where none.
# scope: document
default name := ""

name := stated if {
	stated in data.regent.settings.routing.domains.names
} else := found[0]

# METADATA
# title: Stated
# description: What the client states, in lower case. It is a claim.
stated := lower(input.http.headers[data.regent.settings.routing.domains.header])

# METADATA
# description: The known domains whose terms the request holds, in the settings' order.
found := [name |
	some name in data.regent.settings.routing.domains.names
	input.terms[name] != []
]
