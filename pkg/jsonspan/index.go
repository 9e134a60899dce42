package jsonspan

// index says where the longer values of a document end, so that navigation
// passes over them without reading them again. Values stand in it in the
// document's order, those inside an array or object right behind it.
type index struct {
	spans []span
	max   int // at most so many are kept
	over  bool
}

// span is a value that is longer than longValue.
type span struct {
	start, end uint32
	next       uint32 // the first span behind the value
}

const (
	// longValue is how many bytes are read again rather than looked up.
	longValue = 32
	// indexFrom is the size of documents from which on Parse makes an index.
	indexFrom = 1 << 10
	// bytesPerSpan bounds an index: it takes at most 12 bytes for each so many
	// of the document. A document with more long values in each other than that
	// has none.
	bytesPerSpan = 16
)

// newIndex returns an index for doc, or nil where doc is too short for one.
func newIndex(doc []byte) *index {
	if len(doc) < indexFrom {
		return nil
	}
	return &index{spans: make([]span, 0, min(len(doc)/256+8, 512)), max: len(doc) / bytesPerSpan}
}

// open enters a value that begins at start, and returns its place.
func (x *index) open(start int) int {
	if len(x.spans) >= x.max {
		x.over = true
	}
	if x.over {
		return 0
	}
	x.spans = append(x.spans, span{start: uint32(start)})
	return len(x.spans) - 1
}

// shut completes the value entered at place at, or takes it out where it is short.
func (x *index) shut(at, end int) {
	if x.over {
		return
	}
	s := &x.spans[at]
	if end-int(s.start) <= longValue {
		x.spans = x.spans[:at]
		return
	}
	s.end, s.next = uint32(end), uint32(len(x.spans))
}

// find is the span at that place, where it is that of the value at start.
func (x *index) find(at uint32, start int) (span, bool) {
	if x == nil || int(at) >= len(x.spans) || int(x.spans[at].start) != start {
		return span{}, false
	}
	return x.spans[at], true
}
