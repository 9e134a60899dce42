# METADATA
# title: Names
# description: Whether names fit lists of globs.
package regent.lib.names

# METADATA
# title: Listed
# description: Whether one of the globs fits name; * stands for any characters.
listed(name, globs) if {
	some pattern in globs
	glob.match(pattern, null, name)
}
