package dialect

import (
	"fmt"
	"net/url"
	"sort"
	"strings"

	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Registry finds the API a request speaks. It is immutable once made and safe
// for concurrent use.
type Registry struct {
	byEnd     map[string][]claim // by the last segment's literal, "*" for any
	byName    map[string]API
	apis      []API
	overrides []Override
}

// Override is an operator's word on which API a route speaks: it outranks every
// claim. Empty fields match anything.
type Override struct {
	Host       string // as Claim.Host
	PathPrefix string
	API        string // an API's name; "none" takes the route out of inspection; "" leaves it to the claims
	Provider   string // gen_ai.provider.name, where the host does not tell
}

type claim struct {
	Claim
	segments []string // of Suffix
	rank     int
}

// NewRegistry gathers the dialects' claims. Two claims with one pattern and no
// host or Match to tell them apart are an error, as is an override that names
// an unknown API.
func NewRegistry(overrides []Override, claims ...[]Claim) (*Registry, error) {
	r := &Registry{byEnd: map[string][]claim{}, byName: map[string]API{}, overrides: overrides}
	for _, group := range claims {
		for _, c := range group {
			if err := r.add(c); err != nil {
				return nil, err
			}
		}
	}
	for end := range r.byEnd {
		sort.SliceStable(r.byEnd[end], func(i, j int) bool { return r.byEnd[end][i].rank > r.byEnd[end][j].rank })
	}
	for _, o := range overrides {
		if o.API != "" && o.API != "none" && r.byName[o.API] == nil {
			return nil, fmt.Errorf("dialect override for host %q path %q names no known API: %q (known: %s)", o.Host, o.PathPrefix, o.API, strings.Join(r.Names(), ", "))
		}
	}
	return r, nil
}

func (r *Registry) add(c Claim) error {
	if c.API == nil || c.Suffix == "" {
		return fmt.Errorf("a claim needs an API and a suffix: %+v", c)
	}
	if c.Method == "" {
		c.Method = "POST"
	}
	segments := strings.Split(strings.Trim(c.Suffix, "/"), "/")
	added := claim{Claim: c, segments: segments, rank: rank(c, segments)}
	end := endKey(segments[len(segments)-1])
	for _, other := range r.byEnd[end] {
		if other.Suffix == c.Suffix && other.Method == c.Method && other.Host == c.Host && other.Match == nil && c.Match == nil && other.Shape == nil && c.Shape == nil {
			return fmt.Errorf("%s and %s both claim %s %s", other.API.Name(), c.API.Name(), c.Method, c.Suffix)
		}
	}
	r.byEnd[end] = append(r.byEnd[end], added)
	if r.byName[c.API.Name()] == nil {
		r.byName[c.API.Name()] = c.API
		r.apis = append(r.apis, c.API)
	}
	return nil
}

// rank orders claims: a host outranks none, then the number of segments, then
// literal segments, then a Match, then a Shape.
func rank(c Claim, segments []string) int {
	n := len(segments) * 10
	for _, s := range segments {
		if !strings.HasPrefix(s, "*") {
			n += 5
		}
	}
	if c.Host != "" {
		n += 10000
	}
	if c.Match != nil {
		n += 2
	}
	if c.Shape != nil {
		n++
	}
	return n
}

// endKey is the index key of a pattern's last segment: its literal, its ":verb"
// or "*".
func endKey(segment string) string {
	if segment == "*" {
		return "*"
	}
	return strings.TrimPrefix(segment, "*")
}

// Names lists the APIs' names, sorted.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.byName))
	for n := range r.byName {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// APIs lists the APIs in the order they were registered.
func (r *Registry) APIs() []API { return r.apis }

// ByName is the API of that name, nil if there is none.
func (r *Registry) ByName(name string) API { return r.byName[name] }

// Found is what Find found.
type Found struct {
	API API
	// NeedsBody: several claims fit and only the body's shape can tell; ask
	// Resolve with the body.
	NeedsBody  bool
	candidates []claim
}

// Find names the API a request head speaks; ok is false for a request that is
// no LLM call as far as its head tells.
func (r *Registry) Find(h *Head) (found Found, ok bool) {
	if api, decided := r.override(h); decided {
		return Found{API: api}, api != nil
	}
	var buf [16]string
	segments := splitPath(buf[:0], h.Path)
	if len(segments) == 0 {
		return Found{}, false
	}
	last := segments[len(segments)-1]
	best := r.match(r.byEnd[last], segments, h)
	if colon := strings.LastIndexByte(last, ':'); colon >= 0 {
		best = append(best, r.match(r.byEnd[last[colon:]], segments, h)...)
	}
	best = append(best, r.match(r.byEnd["*"], segments, h)...)
	if len(best) == 0 {
		return Found{}, false
	}
	sort.SliceStable(best, func(i, j int) bool { return best[i].rank > best[j].rank })
	if best[0].Shape == nil {
		return Found{API: best[0].API}, true
	}
	return Found{API: best[len(best)-1].API, NeedsBody: true, candidates: best}, true
}

// Resolve settles a Found that needs the body. It is nil where the body is of no
// claimed shape, and so of an API nobody knows; a body that is no JSON at all
// stays with the likeliest API, which will say what is wrong with it.
func (f Found) Resolve(body []byte) API {
	if !f.NeedsBody {
		return f.API
	}
	for _, c := range f.candidates {
		if c.Shape == nil || c.Shape(body) {
			return c.API
		}
	}
	if jsonspan.Validate(body) == nil {
		return nil
	}
	return f.API
}

func (r *Registry) match(claims []claim, segments []string, h *Head) []claim {
	var fit []claim
	for _, c := range claims {
		if c.Method == h.Method && matchHost(c.Host, h.Host) && matchSegments(c.segments, segments) && (c.Match == nil || c.Match(h)) {
			fit = append(fit, c)
		}
	}
	return fit
}

func (r *Registry) override(h *Head) (API, bool) {
	for _, o := range r.overrides {
		if o.API != "" && o.matches(h) {
			return r.byName[o.API], true
		}
	}
	return nil, false
}

func (o *Override) matches(h *Head) bool {
	return matchHost(o.Host, h.Host) && strings.HasPrefix(h.Path, o.PathPrefix)
}

// Provider is the provider an override names for the request, "" if none does.
func (r *Registry) Provider(h *Head) string {
	for i := range r.overrides {
		if o := &r.overrides[i]; o.Provider != "" && o.matches(h) {
			return o.Provider
		}
	}
	return ""
}

func matchHost(pattern, host string) bool {
	if pattern == "" {
		return true
	}
	host = HostName(host)
	if pattern[0] == '.' {
		return len(host) > len(pattern) && strings.EqualFold(host[len(host)-len(pattern):], pattern)
	}
	return strings.EqualFold(host, pattern)
}

// HostName is host without its port.
func HostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

// matchSegments holds the pattern's segments against the path's last ones.
func matchSegments(pattern, path []string) bool {
	if len(path) < len(pattern) {
		return false
	}
	path = path[len(path)-len(pattern):]
	for i, p := range pattern {
		switch {
		case p == "*":
			if path[i] == "" {
				return false
			}
		case p[0] == '*':
			if !strings.HasSuffix(path[i], p[1:]) || len(path[i]) == len(p)-1 {
				return false
			}
		case p != path[i]:
			return false
		}
	}
	return true
}

// splitPath cuts a path at its slashes and decodes each segment by itself: a
// Bedrock model id may hold an encoded slash.
func splitPath(dst []string, path string) []string {
	for path = strings.Trim(path, "/"); path != ""; {
		segment, rest, _ := strings.Cut(path, "/")
		path = rest
		if strings.IndexByte(segment, '%') >= 0 {
			if plain, err := url.PathUnescape(segment); err == nil {
				segment = plain
			}
		}
		dst = append(dst, segment)
	}
	return dst
}

// WithModel is path with the model in it replaced by another: in the segment
// that is the model, alone or before a ":verb". ok is false where none is.
func WithModel(path, model, other string) (string, bool) {
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i >= 0 && model != ""; i-- {
		plain, err := url.PathUnescape(segments[i])
		if err != nil {
			continue
		}
		if rest, ok := strings.CutPrefix(plain, model); ok && (rest == "" || rest[0] == ':') {
			segments[i] = url.PathEscape(other) + rest
			return strings.Join(segments, "/"), true
		}
	}
	return path, false
}

// PathSegment is the decoded segment that stands n before the path's last one
// (0 is the last), "" if there is none: where APIs put a model into the path.
func PathSegment(path string, n int) string {
	var buf [16]string
	segments := splitPath(buf[:0], path)
	if n >= len(segments) {
		return ""
	}
	return segments[len(segments)-1-n]
}
