package jsonspan

import "sync"

// Found is a string of a document: a member's name, or a value.
type Found struct {
	Range  Range // between the quotes
	Member Range // of the name of the member it is, or is an element of; its own for a name
	IsName bool
}

// Strings visits the strings of a document that [Validate] accepted, names
// included, in their order and in one pass, until visit returns false. The value
// of a member that skip accepts is passed over whole, its name too: skip has the name
// (raw, between the quotes), and whether the value is an object or array. On other
// bytes the strings found are a best effort.
func Strings(doc []byte, skip func(name []byte, nests bool) bool, visit func(Found) bool) {
	w := stringWalks.Get().(*stringWalk)
	defer stringWalks.Put(w)
	*w = stringWalk{doc: doc, open: w.open[:0]}
	defer func() { w.doc = nil }()
	for w.next() {
		if w.found.IsName && skip(doc[w.found.Range.Start:w.found.Range.End], w.nests()) {
			w.pass()
			continue
		}
		if !visit(w.found) {
			return
		}
	}
}

var stringWalks = sync.Pool{New: func() any { return &stringWalk{} }}

// stringWalk goes from string to string.
type stringWalk struct {
	doc    []byte
	at     int
	member Range
	open   []Range // the members that the open objects and arrays are values of
	found  Found
}

// next moves to the next string; false where there is none.
func (w *stringWalk) next() bool {
	for ; w.at < len(w.doc); w.at++ {
		switch w.doc[w.at] {
		case '{', '[':
			w.open = append(w.open, w.member)
		case '}', ']':
			if n := len(w.open); n > 0 {
				w.member, w.open = w.open[n-1], w.open[:n-1]
			}
		case '"':
			w.str()
			return true
		}
	}
	return false
}

// str reads the string at w.at and moves behind it, and behind a name's colon.
func (w *stringWalk) str() {
	end := closing(w.doc, w.at+1)
	w.found = Found{Range: Range{w.at + 1, end}, Member: w.member}
	w.at = min(end+1, len(w.doc))
	if colon := skipSpace(w.doc, w.at); colon < len(w.doc) && w.doc[colon] == ':' {
		w.at, w.member = colon+1, w.found.Range
		w.found.Member, w.found.IsName = w.member, true
	}
}

// nests reports whether the value behind a name's colon is an object or array.
func (w *stringWalk) nests() bool {
	at := skipSpace(w.doc, w.at)
	return at < len(w.doc) && (w.doc[at] == '{' || w.doc[at] == '[')
}

// pass moves behind the value that a name's colon stands before.
func (w *stringWalk) pass() {
	depth := 0
	for ; w.at < len(w.doc); w.at++ {
		switch w.doc[w.at] {
		case '"':
			w.at = min(closing(w.doc, w.at+1), len(w.doc)-1)
			if depth == 0 {
				w.at++
				return
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return // the object's own end, behind a number or literal
			}
			if depth == 0 {
				w.at++
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
	}
}

// closing is where the string whose content begins at i ends: at its quote, or
// at the document's end.
func closing(doc []byte, i int) int {
	for i < len(doc) {
		n := indexQuoteOrBackslash(doc[i:])
		if n < 0 {
			return len(doc)
		}
		if i += n; doc[i] == '"' {
			return i
		}
		i += 2
	}
	return len(doc)
}
