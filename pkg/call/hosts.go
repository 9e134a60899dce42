package call

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"github.com/regent-proxy/regent/pkg/genai"
)

// maxHosts bounds the hosts remembered of a response; where there are more,
// moreHosts stands for them, so that no list of allowed hosts covers it.
const (
	maxHosts  = 64
	moreHosts = "_more"
)

// maxAuthority bounds what is read between :// and the end of a URL's host, and
// so what of a stream is held for it, in bytes. Of a longer one the start counts.
const maxAuthority = 320

// hostFinder finds the hosts of the URLs in a running text.
type hostFinder struct {
	open []byte
	base int64
}

// push takes the next piece of the text, appends the hosts that are whole, and
// says up to where no host is cut. With end the text is over.
func (f *hostFinder) push(piece []byte, end bool, dst []string) (hosts []string, settled int64) {
	f.open = append(f.open, piece...)
	dst, n := hostsIn(f.open, end, dst)
	f.base += int64(n)
	f.open = append(f.open[:0], f.open[n:]...)
	return dst, f.base
}

var schemeEnd = []byte("://")

// hostsIn appends the hosts of the URLs in text, in lower case, and returns where
// one begins that may go on behind it.
func hostsIn(text []byte, end bool, dst []string) ([]string, int) {
	at := 0
	for {
		i := bytes.Index(text[at:], schemeEnd)
		if i < 0 {
			break
		}
		i += at
		from := i + len(schemeEnd)
		n := authority(text[from:])
		if from+n == len(text) && n < maxAuthority && !end {
			return dst, i
		}
		if host := hostOf(string(text[from : from+n])); host != "" {
			dst = append(dst, host)
		}
		at = from + n
	}
	if end {
		return dst, len(text)
	}
	return dst, max(at, len(text)-cutScheme(text))
}

// cutScheme is how many bytes at the text's end may begin "://".
func cutScheme(text []byte) int {
	for n := len(schemeEnd) - 1; n > 0; n-- {
		if bytes.HasSuffix(text, schemeEnd[:n]) {
			return n
		}
	}
	return 0
}

// authority is the length of the part of a URL that names its host (RFC 3986,
// section 3.2), in a text that may go on with anything.
func authority(text []byte) int {
	inBrackets := false // an IPv6 address
	for i, c := range text[:min(len(text), maxAuthority)] {
		switch {
		case c == '[' && (i == 0 || text[i-1] == '@'):
			inBrackets = true
		case c == ']' && inBrackets:
			inBrackets = false
		case c <= ' ' || c == 0x7f || strings.IndexByte("/?#\"'<>\\^`{|}()[],;*", c) >= 0:
			return i
		}
	}
	return min(len(text), maxAuthority)
}

// hostOf is the host of an authority: without user, port, brackets and a last
// dot.
func hostOf(authority string) string {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	if host, err := url.PathUnescape(authority); err == nil {
		authority = host
	}
	host := authority
	if rest, ok := strings.CutPrefix(host, "["); ok {
		host, _, _ = strings.Cut(rest, "]")
	} else if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimRight(host, ".!"))
}

// watchesHosts reports whether the hosts in a text are facts for the policy.
func watchesHosts(t *genai.Text) bool {
	return (t.Kind == genai.ToolArguments || t.Kind == genai.Content) && t.Role != genai.System
}

// noteHost remembers a host of the response, and says whether it is a new one.
func (c *call) noteHost(kind genai.TextKind, host string) bool {
	list := &c.reply.linkHosts
	if kind == genai.ToolArguments {
		list = &c.reply.toolHosts
	}
	if len(*list) == maxHosts {
		host = moreHosts
	}
	if len(*list) > maxHosts || slices.Contains(*list, host) {
		return false
	}
	*list = append(*list, host)
	return true
}

// noteHosts remembers the hosts in a text of a document.
func (c *call) noteHosts(t *genai.Text, text []byte) {
	if !watchesHosts(t) || !bytes.Contains(text, schemeEnd) {
		return
	}
	hosts, _ := hostsIn(text, true, nil)
	for _, host := range hosts {
		c.noteHost(t.Kind, host)
	}
}

// newHosts asks the policy about hosts it has not seen yet, before the text that
// holds them leaves.
func (s *stream) newHosts(kind genai.TextKind, hosts []string) error {
	fresh := false
	for _, host := range hosts {
		fresh = s.c.noteHost(kind, host) || fresh
	}
	if !fresh {
		return nil
	}
	return s.judge(false)
}

// newTools asks the policy about tools it has not seen called yet, before the
// event that calls them leaves.
func (s *stream) newTools(calls []genai.ToolCall) error {
	fresh := false
	for _, call := range calls {
		if key := "tool\x00" + call.Name; call.Name != "" && len(s.judged) < maxJudged {
			if _, known := s.judged[key]; !known {
				s.judged[key], fresh = 1, true
			}
		}
	}
	if !fresh {
		return nil
	}
	return s.judge(false)
}

// maxJudged bounds the occasions on which a stream's policy is asked before its
// end.
const maxJudged = 1024
