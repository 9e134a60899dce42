package regent.lib.residency_test

import data.regent.lib.residency

_settings := {
	"enabled": true,
	"regions": {"public": "us", "eu-cloud": "eu", "on-prem": "eu"},
	"tenants": {"acme": ["eu"], "moon": ["moon"]},
	"default": [],
	"fallback": {"eu": "eu-cloud"},
}

_target(tenant) := target if {
	target := residency.target with data.regent.settings.residency as _settings
		with data.regent.lib.routing.target as "public"
		with input as {"identity": {"tenant": tenant}}
}

test_an_allowed_region_stays if _target("other") == "public"

test_another_region_takes_over if _target("acme") == "eu-cloud"

test_no_region if not _target("moon")

test_off if {
	residency.target == "public" with data.regent.settings.residency as object.union(_settings, {"enabled": false})
		with data.regent.lib.routing.target as "public"
		with input as {"identity": {"tenant": "moon"}}
}

test_region if {
	residency.region == "eu" with data.regent.settings.residency as _settings
		with data.regent.lib.routing.target as "on-prem"
		with input as {"identity": {"tenant": "acme"}}
	residency.region == "" with data.regent.settings.residency as _settings
		with data.regent.lib.routing.target as "elsewhere"
		with input as {"identity": {}}
}
