package regent.request

import data.regent.lib.names

# METADATA
# title: Out of hours
# description: Refuses calls outside the window.
deny contains {
	"code": "out_of_hours",
	"message": sprintf("calls are served from %s to %s, %s", [_window.from, _window.to, _window.zone]),
	"status": 403,
} if {
	data.regent.settings.hours.enabled
	_has_hours
	not regent.within(input.call.started_ns, _window)
}

_window := data.regent.settings.hours.window

_has_hours if data.regent.settings.hours.teams == []

_has_hours if names.listed(object.get(input.identity, "team", ""), data.regent.settings.hours.teams)
