package extproc

import (
	"slices"
	"strconv"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

const contentLength = "content-length"

// target is whose headers are changed.
type target uint8

const (
	targetRequest target = iota
	targetResponse
	targetReply
	targetTrailers
)

// pseudo are the pseudo headers that may be set, by target. Envoy ignores or
// refuses the others.
var pseudo = [...]map[string]bool{
	targetRequest:  {":path": true, ":authority": true},
	targetResponse: {":status": true},
	targetReply:    {},
	targetTrailers: {},
}

// hopByHop belong to a connection, which is Envoy's: setting them hangs or
// breaks the message (RFC 9110 7.6.1, RFC 9113 8.2.2).
var hopByHop = map[string]bool{
	"connection": true, "transfer-encoding": true, "keep-alive": true,
	"proxy-connection": true, "upgrade": true, "te": true, "host": true,
}

// mutation builds Envoy's header mutation out of what may be sent; nil if
// nothing is left. Dropped names are told to drop.
func mutation(t target, set []phase.Header, remove []string, drop func(name string)) *pb.HeaderMutation {
	if len(set) == 0 && len(remove) == 0 {
		return nil
	}
	m := &pb.HeaderMutation{}
	for _, h := range set {
		name := strings.ToLower(h.Name)
		if !settable(t, name) || !validValue(h.Value) {
			drop(h.Name)
			continue
		}
		m.SetHeaders = append(m.SetHeaders, setHeader(name, h.Value))
	}
	for _, n := range remove {
		name := strings.ToLower(n)
		if !validName(name) || hopByHop[name] {
			drop(n)
			continue
		}
		m.RemoveHeaders = append(m.RemoveHeaders, name)
	}
	if len(m.SetHeaders) == 0 && len(m.RemoveHeaders) == 0 {
		return nil
	}
	return m
}

// setHeader overwrites a header. Envoy reads raw_value only.
func setHeader(name, value string) *core.HeaderValueOption {
	return &core.HeaderValueOption{Header: &core.HeaderValue{Key: name, RawValue: []byte(value)}}
}

// settable: content-length is never a caller's, extproc keeps it right.
func settable(t target, name string) bool {
	if strings.HasPrefix(name, ":") {
		return pseudo[t][name]
	}
	return validName(name) && !hopByHop[name] && name != contentLength
}

// validName: a lower-case token (RFC 9110 5.6.2, RFC 9113 8.2.1).
func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return name != ""
}

// validValue: visible characters, spaces, tabs and bytes over 0x7f (RFC 9110
// 5.5). Envoy fails the whole message for a newline.
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// fixLength makes content-length agree with a body of n bytes. Where the
// message has none it stays without; where remove is set it goes.
func fixLength(m *pb.HeaderMutation, present, remove bool, n int) *pb.HeaderMutation {
	if !present && !remove {
		return m
	}
	if m == nil {
		m = &pb.HeaderMutation{}
	}
	if remove {
		m.RemoveHeaders = append(m.RemoveHeaders, contentLength)
		return m
	}
	m.RemoveHeaders = without(m.RemoveHeaders, contentLength)
	m.SetHeaders = append(m.SetHeaders, setHeader(contentLength, strconv.Itoa(n)))
	return m
}

func without(names []string, name string) []string {
	kept := names[:0]
	for _, n := range names {
		if n != name {
			kept = append(kept, n)
		}
	}
	return kept
}

// merge joins two mutations, b's word being the last.
func merge(a, b *pb.HeaderMutation) *pb.HeaderMutation {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	for _, h := range b.SetHeaders {
		a.RemoveHeaders = without(a.RemoveHeaders, h.Header.Key)
	}
	for _, name := range b.RemoveHeaders {
		a.SetHeaders = slices.DeleteFunc(a.SetHeaders, func(h *core.HeaderValueOption) bool { return h.Header.Key == name })
	}
	a.SetHeaders = append(a.SetHeaders, b.SetHeaders...)
	a.RemoveHeaders = append(a.RemoveHeaders, b.RemoveHeaders...)
	return a
}

// headers converts Envoy's header map.
func headers(m *core.HeaderMap) phase.Headers {
	list := m.GetHeaders()
	out := make(phase.Headers, len(list))
	for i, h := range list {
		out[i] = phase.Header{Name: h.GetKey(), Value: h.GetValue()}
		if raw := h.GetRawValue(); len(raw) > 0 {
			out[i].Value = string(raw)
		}
	}
	return out
}
