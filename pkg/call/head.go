package call

import (
	"net"
	"sort"
	"strconv"
	"strings"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/policy"
)

func dialectHead(head *phase.RequestHead) dialect.Head {
	path, query, _ := strings.Cut(head.Headers.Get(":path"), "?")
	return dialect.Head{
		Method: head.Headers.Get(":method"),
		Host:   head.Headers.Get(":authority"),
		Path:   path, Query: query,
		Header: head.Headers.Get,
	}
}

// parentOf takes the trace context that the call belongs to: the ext_proc
// stream's own where Envoy traces, whose request headers still show the
// client's and will be overwritten; else the client's.
func parentOf(head *phase.RequestHead) Parent {
	p := Parent{Baggage: head.Headers.Get("baggage")}
	if head.GRPC != nil {
		if p.Traceparent = head.GRPC("traceparent"); p.Traceparent != "" {
			p.Tracestate = head.GRPC("tracestate")
			return p
		}
	}
	p.Traceparent, p.Tracestate, p.B3 = head.Headers.Get("traceparent"), head.Headers.Get("tracestate"), b3Of(head)
	return p
}

// b3Of is the single b3 header, or one made of the several that say the same.
// https://github.com/openzipkin/b3-propagation
func b3Of(head *phase.RequestHead) string {
	if single := head.Headers.Get("b3"); single != "" {
		return single
	}
	state := head.Headers.Get("x-b3-sampled")
	switch {
	case head.Headers.Get("x-b3-flags") == "1":
		state = "d"
	case state == "true":
		state = "1"
	case state == "false":
		state = "0"
	}
	trace, span := head.Headers.Get("x-b3-traceid"), head.Headers.Get("x-b3-spanid")
	if trace == "" || span == "" {
		return state
	}
	b3 := trace + "-" + span
	if state != "" {
		b3 += "-" + state
	}
	return b3
}

// requestID is what router and upstream filter see alike of one request.
func requestID(head *phase.RequestHead) string { return head.Headers.Get("x-request-id") }

// identityOf gathers who calls.
func identityOf(s *IdentitySettings, head *phase.RequestHead) policy.IdentityFacts {
	var claims map[string]any
	if s.JWTNamespace != "" && head.Metadata != nil {
		claims = head.Metadata(s.JWTNamespace)
		if s.JWTKey != "" {
			claims, _ = claims[s.JWTKey].(map[string]any)
		}
	}
	one := func(from IdentitySource) string {
		if word, ok := claimAt(claims, from.Claim).(string); ok {
			return word
		}
		return header(head, from.Header)
	}
	id := policy.IdentityFacts{Subject: one(s.Subject), Tenant: one(s.Tenant), Team: one(s.Team), App: one(s.App), Claims: claims}
	if list, ok := claimAt(claims, s.Scopes.Claim).([]any); ok {
		id.Scopes = stringsOf(list)
	} else {
		id.Scopes = strings.Fields(one(s.Scopes))
	}
	return id
}

func header(head *phase.RequestHead, name string) string {
	if name == "" {
		return ""
	}
	return head.Headers.Get(name)
}

// claimAt is the claim of that name, or the one its dots lead to.
func claimAt(claims map[string]any, name string) any {
	if value, ok := claims[name]; ok || name == "" {
		return value
	}
	first, rest, nested := strings.Cut(name, ".")
	if inner, ok := claims[first].(map[string]any); ok && nested {
		return claimAt(inner, rest)
	}
	return nil
}

func stringsOf(list []any) []string {
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// sourceOf reads where the call came from out of Envoy's attributes.
func sourceOf(head *phase.RequestHead) policy.SourceFacts {
	a := head.Attributes
	s := policy.SourceFacts{Address: a["source.address"], Principal: a["connection.uri_san_peer_certificate"]}
	if s.Principal == "" {
		s.Principal = a["connection.subject_peer_certificate"]
	}
	for _, name := range []string{"connection.uri_san_peer_certificate", "connection.dns_san_peer_certificate"} {
		if a[name] != "" {
			s.SANs = append(s.SANs, a[name])
		}
	}
	return s
}

// httpFacts are the head for the policy: repeated headers joined, pseudo
// headers left out, sorted by name.
func httpFacts(h *dialect.Head, head *phase.RequestHead) policy.HTTPFacts {
	f := policy.HTTPFacts{Method: h.Method, Host: h.Host, Path: h.Path, Query: h.Query}
	for _, each := range head.Headers {
		if !strings.HasPrefix(each.Name, ":") {
			f.Headers = append(f.Headers, [2]string{each.Name, each.Value})
		}
	}
	sort.SliceStable(f.Headers, func(i, j int) bool { return f.Headers[i][0] < f.Headers[j][0] })
	joined := f.Headers[:0]
	for _, each := range f.Headers {
		if n := len(joined); n > 0 && joined[n-1][0] == each[0] {
			joined[n-1][1] += ", " + each[1]
			continue
		}
		joined = append(joined, each)
	}
	f.Headers = joined
	return f
}

// serverOf is where the client sent the request: the port is the scheme's where
// the authority has none.
func serverOf(head *phase.RequestHead) (host string, port int) {
	host, port = splitHostPort(head.Headers.Get(":authority"))
	if host != "" && port == 0 {
		port = 443
		if head.Headers.Get(":scheme") == "http" {
			port = 80
		}
	}
	return host, port
}

func splitHostPort(hostport string) (string, int) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport, 0
	}
	n, _ := strconv.Atoi(port)
	return host, n
}

// released is a request that is no LLM call: nothing follows but Close.
type released struct{}

func (released) RequestBody([]byte) phase.Verdict   { return phase.Verdict{} }
func (released) RequestBodyTooLarge() phase.Verdict { return phase.Verdict{} }
func (released) ResponseHeaders(*phase.ResponseHead) phase.Verdict {
	return phase.Verdict{Release: true}
}
func (released) ResponseBody(chunk []byte, end bool) phase.Verdict { return phase.Verdict{Emit: chunk} }
func (released) ResponseTrailers(phase.Headers) phase.Verdict      { return phase.Verdict{} }
func (released) Close(bool, error)                                 {}
