# METADATA
# title: Use case
# description: What the caller says a call is for.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.use_case

# METADATA
# title: Name
# description: The use case that the header names, in lower case; "" where none. It is a claim.
# scope: document
default name := ""

name := lower(input.http.headers[data.regent.settings.use_cases.header]) if data.regent.settings.use_cases.enabled
