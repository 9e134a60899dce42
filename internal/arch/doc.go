// Package arch holds the rules of the house: which package may import which, and
// why. They are checked by its tests; nothing imports it.
package arch
