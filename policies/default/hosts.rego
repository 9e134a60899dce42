# Messages don't name the host: a response can hide what it says in one.
package regent.response

import data.regent.lib.names

# METADATA
# title: Host not listed
# description: Refuses a response that calls a tool with a URL of a host that is not among those the settings allow.
deny contains {
	"code": "tool_host_not_allowed",
	"message": "a tool may not be called with a URL of this host here",
	"status": 403,
} if {
	data.regent.settings.hosts.tools.allow != []
	some host in input.response.tool_hosts
	not names.listed(host, data.regent.settings.hosts.tools.allow)
}

# METADATA
# title: Host denied
# description: Refuses a response that calls a tool with a URL of a host that the settings deny.
deny contains {
	"code": "tool_host_denied",
	"message": "a tool may not be called with a URL of this host here",
	"status": 403,
} if {
	some host in input.response.tool_hosts
	names.listed(host, data.regent.settings.hosts.tools.deny)
}

# METADATA
# title: Link not listed
# description: Refuses a response with a link to a host that is not among those the settings allow.
deny contains {
	"code": "link_not_allowed",
	"message": "links to this host are not allowed here",
	"status": 403,
} if {
	data.regent.settings.hosts.text.allow != []
	some host in input.response.link_hosts
	not names.listed(host, data.regent.settings.hosts.text.allow)
}

# METADATA
# title: Link denied
# description: Refuses a response with a link to a host that the settings deny.
deny contains {
	"code": "link_denied",
	"message": "links to this host are not allowed here",
	"status": 403,
} if {
	some host in input.response.link_hosts
	names.listed(host, data.regent.settings.hosts.text.deny)
}
