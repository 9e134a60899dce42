package frame

// CloneTo makes dst a copy of e that outlives emit, in dst's own memory where it
// suffices: for callers that keep many events for a short time.
func (e *Event) CloneTo(dst *Event) {
	raw, payload := append(dst.Raw[:0], e.Raw...), dst.spare
	*dst = *e
	dst.Raw = raw
	if e.multi || e.end > len(raw) || e.end-e.start != len(e.Payload) {
		dst.spare = append(payload[:0], e.Payload...)
		dst.Payload = dst.spare
		return
	}
	dst.spare = payload
	dst.Payload = raw[e.start:e.end:e.end]
}
