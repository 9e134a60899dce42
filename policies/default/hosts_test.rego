package regent.hosts_test

import data.regent.response

_codes := {deny.code | some deny in response.deny}

_facts := {
	"phase": "response",
	"response": {"findings": [], "tool_calls": [], "tool_hosts": ["api.corp.example", "evil.example"], "link_hosts": ["docs.example"]},
}

test_all_off if _codes == set() with input as _facts

test_hosts_in_arguments if {
	_codes == {"tool_host_not_allowed"} with input as _facts with data.regent.settings.hosts.tools.allow as ["*.corp.example"]
	_codes == set() with input as _facts with data.regent.settings.hosts.tools.allow as ["*.corp.example", "evil.example"]
	_codes == {"tool_host_denied"} with input as _facts with data.regent.settings.hosts.tools.deny as ["evil.*"]
	_codes == set() with input as _facts with data.regent.settings.hosts.tools.deny as ["docs.example"]
}

test_links if {
	_codes == {"link_not_allowed"} with input as _facts with data.regent.settings.hosts.text.allow as ["corp.example"]
	_codes == set() with input as _facts with data.regent.settings.hosts.text.allow as ["docs.example"]
	_codes == {"link_denied"} with input as _facts with data.regent.settings.hosts.text.deny as ["docs.*"]
}
