package frame

// pieces takes a body that is not framed as it comes: an event is what of it has
// arrived, in pieces of at most maxPiece, so that unlike all other framings its
// events depend on how the body was cut.
type pieces struct{}

const maxPiece = 4 << 10

func (*pieces) reset() {}

func (p *pieces) next(b []byte, ev *Event) (int, error) {
	n := min(len(b), maxPiece)
	return p.last(b[:n], ev), nil
}

func (*pieces) last(b []byte, ev *Event) int {
	ev.payload(Text, b, 0, len(b))
	return len(b)
}
