package frame

import "bytes"

// sse finds events by the WHATWG grammar. A line ends in LF, CRLF or CR; a CR at
// the end of what has arrived waits for the next byte, which may be its LF.
type sse struct {
	names
	lf, cr  finder
	line    int  // where the line that isn't read yet begins
	first   bool // no line is read yet
	bom     bool // of the event's first line
	lines   int  // data lines so far
	start   int  // of the first data line's value
	end     int
	joined  []byte // of several data lines
	nameAt  int
	nameEnd int
}

// finder remembers where the next byte c is, so that no byte is looked at twice.
type finder struct {
	c     byte
	at    int // where it is, or up to where there is none
	found bool
}

// next is the offset of the first c at or behind from, or -1.
func (f *finder) next(b []byte, from int) int {
	if f.found && f.at >= from {
		return f.at
	}
	at := max(f.at, from)
	n := bytes.IndexByte(b[at:], f.c)
	if f.found = n >= 0; f.found {
		f.at = at + n
		return f.at
	}
	f.at = len(b)
	return -1
}

// pass forgets the n bytes that are done with.
func (f *finder) pass(n int) {
	if f.at -= n; f.at < 0 {
		f.at, f.found = 0, false
	}
}

func (s *sse) reset() {
	*s = sse{names: s.names, lf: finder{c: '\n'}, cr: finder{c: '\r'}, first: true, joined: s.joined[:0]}
}

func (s *sse) next(b []byte, ev *Event) (int, error) {
	for {
		end, next := s.lineEnd(b)
		if end < 0 {
			return 0, nil
		}
		start := s.content(b)
		s.first, s.line = false, next
		if start == end {
			s.event(b[:next], ev)
			return next, nil
		}
		s.field(b, start, end)
	}
}

// content is where the line begins, behind a byte order mark at the start.
func (s *sse) content(b []byte) int {
	if s.first && bytes.HasPrefix(b, bom) {
		s.bom = true
		return len(bom)
	}
	return s.line
}

var bom = []byte("\xEF\xBB\xBF")

// lineEnd is where the line that begins at s.line ends, and where the next one
// begins; -1 where its end has not arrived.
func (s *sse) lineEnd(b []byte) (end, next int) {
	lf := s.lf.next(b, s.line)
	cr := s.cr.next(b, s.line)
	if cr < 0 || lf >= 0 && lf < cr {
		return lf, lf + 1
	}
	if cr+1 == len(b) {
		return -1, 0
	}
	if b[cr+1] == '\n' {
		return cr, cr + 2
	}
	return cr, cr + 1
}

// field reads the line b[start:end].
func (s *sse) field(b []byte, start, end int) {
	name, value := splitField(b, start, end)
	switch string(b[start:name]) {
	case "data":
		s.data(b, value, end)
	case "event":
		s.nameAt, s.nameEnd = value, end
	}
}

// splitField is where the field's name ends and its value begins: behind the
// colon and one space. A line without a colon is a name with an empty value.
func splitField(b []byte, start, end int) (name, value int) {
	if end-start > 5 && b[start+4] == ':' && string(b[start:start+4]) == "data" {
		name = start + 4
	} else {
		n := bytes.IndexByte(b[start:end], ':')
		if n < 0 {
			return end, end
		}
		name = start + n
	}
	value = name + 1
	if value < end && b[value] == ' ' {
		value++
	}
	return name, value
}

func (s *sse) data(b []byte, start, end int) {
	switch s.lines++; s.lines {
	case 1:
		s.start, s.end = start, end
		return
	case 2:
		if cap(s.joined) > keptBuffer {
			s.joined = nil
		}
		s.joined = append(s.joined[:0], b[s.start:s.end]...)
	}
	s.joined = append(append(s.joined, '\n'), b[start:end]...)
}

// event fills ev from the lines read, which are raw, and starts over.
func (s *sse) event(raw []byte, ev *Event) {
	ev.payload(SSE, raw, s.start, s.end)
	if s.lines > 1 {
		ev.Payload, ev.multi = s.joined, true
		ev.Kind = Data
		ev.classify()
	}
	ev.Name, ev.bom = s.intern(raw[s.nameAt:s.nameEnd]), s.bom
	s.bom = false
	s.lines, s.start, s.end, s.nameAt, s.nameEnd, s.line = 0, 0, 0, 0, 0, 0
	s.lf.pass(len(raw))
	s.cr.pass(len(raw))
}

// last takes what is left as one event: its last line, or the blank line behind
// it, has no end.
func (s *sse) last(b []byte, ev *Event) int {
	end := len(b)
	if b[end-1] == '\r' {
		end--
	}
	if start := min(s.content(b), end); start < end {
		s.field(b, start, end)
	}
	s.first = false
	s.event(b, ev)
	return len(b)
}

func (e *Event) rebuildSSE(dst, payload []byte) []byte {
	if !e.multi && e.end > 0 && bytes.IndexByte(payload, '\n') < 0 && bytes.IndexByte(payload, '\r') < 0 {
		dst = append(dst, e.Raw[:e.start]...)
		switch before := e.Raw[e.start-1]; {
		case before != ':' && before != ' ': // a field without a colon
			dst = append(dst, ':', ' ')
		case before == ':' && len(payload) > 0 && payload[0] == ' ':
			dst = append(dst, ' ')
		}
		dst = append(dst, payload...)
		return append(dst, e.Raw[e.end:]...)
	}
	return e.rebuildLines(dst, payload)
}

// rebuildLines puts the payload's lines in the place of the data lines, or before
// the blank line where there are none.
func (e *Event) rebuildLines(dst, payload []byte) []byte {
	put := len(payload) == 0 && e.end == 0
	for i := 0; i < len(e.Raw); {
		end, next := lineEnd(e.Raw, i)
		start := i
		if e.bom && i == 0 {
			start = len(bom)
		}
		name, value := splitField(e.Raw, start, end)
		isData := string(e.Raw[start:name]) == "data"
		if !put && (isData || start == end) {
			eol := e.Raw[end:next]
			if len(eol) == 0 {
				eol = []byte("\n")
			}
			prefix := "data: "
			if isData && e.Raw[value-1] != ' ' {
				prefix = "data:"
			}
			dst = append(dst, e.Raw[i:start]...)
			dst = appendData(dst, prefix, payload, eol)
			put = true
		}
		if !isData {
			dst = append(dst, e.Raw[i:next]...)
		}
		i = next
	}
	if put {
		return dst
	}
	if n := len(e.Raw); n > 0 && e.Raw[n-1] != '\n' && e.Raw[n-1] != '\r' {
		dst = append(dst, '\n')
	}
	return appendData(dst, "data: ", payload, []byte("\n"))
}

// lineEnd is where the line at b[i:] ends and the next begins, in whole bytes.
func lineEnd(b []byte, i int) (end, next int) {
	n := bytes.IndexAny(b[i:], "\r\n")
	if n < 0 {
		return len(b), len(b)
	}
	end = i + n
	if b[end] == '\r' && end+1 < len(b) && b[end+1] == '\n' {
		return end, end + 2
	}
	return end, end + 1
}

// appendData appends a data line for each line of payload.
func appendData(dst []byte, prefix string, payload, eol []byte) []byte {
	for i := 0; ; {
		end, next := lineEnd(payload, i)
		dst = append(dst, prefix...)
		if prefix == "data:" && end > i && payload[i] == ' ' {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, payload[i:end]...), eol...)
		if next == end {
			return dst
		}
		i = next
	}
}

// AppendSSE appends an event with a name, where it is not "", and data, in as
// many lines as it has.
func AppendSSE(dst []byte, name string, data []byte) []byte {
	if name != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, name...)
		dst = append(dst, '\n')
	}
	dst = appendData(dst, "data: ", data, []byte("\n"))
	return append(dst, '\n')
}
