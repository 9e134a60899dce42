# METADATA
# title: Names
# description: Whether names fit lists of globs.
package regent.lib.names

# METADATA
# title: Permitted
# description: A name is permitted if no glob of deny fits it and, where allow is not empty, one of allow does.
permitted(name, lists) if {
	not listed(name, lists.deny)
	_allowed(name, lists.allow)
}

# METADATA
# title: Listed
# description: Whether one of the globs fits name; * stands for any characters.
listed(name, globs) if {
	some pattern in globs
	glob.match(pattern, null, name)
}

_allowed(_, allow) if count(allow) == 0

_allowed(name, allow) if listed(name, allow)
