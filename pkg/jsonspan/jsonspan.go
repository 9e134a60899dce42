// Package jsonspan finds where the values of a JSON document lie, and changes a
// document by splices that leave every other byte alone.
//
// [Validate] accepts one strict JSON text and refuses what two parsers could
// read in two ways: duplicate names, invalid UTF-8, trailing bytes. [Parse]
// validates and gives the root [Value]; values are navigated in place, nothing
// is unmarshalled, and each knows its [Range] in the document. A change is a
// [Splice]; [Edits] collects and applies them in one allocation, and [Set],
// [Remove], [Append] and [Insert] make them from JSON Pointers.
//
// A [Decoder] gives the text that raw bytes stand for, through up to two layers
// of JSON escaping and over the deltas of a stream, with a [Map] back to the raw
// bytes, so that what is found in the text can be replaced in the document.
//
// The package imports the standard library only and keeps no state: everything
// but a Decoder, a Map and Edits may be used concurrently.
package jsonspan

import "fmt"

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 512

// Range is a half-open range of bytes, [Start, End), of a document. It has the
// shape of genai.Range: one converts to the other.
type Range struct{ Start, End int }

// Len is the number of bytes in the range.
func (r Range) Len() int { return r.End - r.Start }

// SyntaxError says why and where a document is refused.
type SyntaxError struct {
	Offset int    // byte offset in the document
	Msg    string // what is wrong there, lower case
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Msg)
}
