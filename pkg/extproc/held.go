package extproc

import "google.golang.org/grpc/mem"

// held is a body kept once: the receive buffer itself where one message has it
// all, else a copy that grows.
type held struct {
	bytes []byte
	buf   mem.Buffer
}

// add appends the message's body.
func (h *held) add(m *inbound) {
	if len(h.bytes) == 0 {
		h.free()
		h.bytes, h.buf = m.body, m.take()
		return
	}
	if h.buf != nil {
		own := append(make([]byte, 0, 2*(len(h.bytes)+len(m.body))), h.bytes...)
		h.free()
		h.bytes = own
	}
	h.bytes = append(h.bytes, m.body...)
}

func (h *held) free() {
	if h.buf != nil {
		h.buf.Free()
	}
	*h = held{}
}
