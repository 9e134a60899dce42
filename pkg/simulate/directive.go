package simulate

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Directives documents what a provider can be told, in a model name
// ("sim-small+secret+chunk=3"), in the x-simulate header ("secret; chunk=3"),
// or for all requests by a flag. Values are percent-decoded.
const Directives = `say=TEXT        answer with TEXT instead of an echo
secret          put a cloud access key into the answer
tool=NAME       call this tool, whatever the request offers
no-tool         never call a tool
chunk=N         characters of text in each event of a stream (default 4)
write=N         cut the body into network writes of N bytes, whatever the events
delay=DURATION  pause between events, or between writes (at most 10s)
slow=DURATION   wait before the response's first byte (at most 60s)
size=N          an answer of about N bytes (at most 67108864)
status=CODE     answer with this HTTP status and an error in the API's format
retry-after=N   seconds, with status
fail=N          report an error inside the stream after N events
abort=N         cut the connection after N events, or N bytes of a document
malformed       send JSON that is cut short, in a stream in its middle event
gzip            compress the response, asked or not
trailers        end the response with HTTP trailers
reasoning       think aloud before the answer
usage=on|off    report token counts in a stream always, or never at all
`

// behaviour is what directives ask for.
type behaviour struct {
	say, tool                          string
	secret, noTool, malformed          bool
	gzip, trailers, reasoning          bool
	chunk, write, size                 int
	status, retryAfter                 int
	fail, abort                        int // -1: never
	delay, slow                        time.Duration
	alwaysUsage, neverUsage, saysFixed bool
}

func defaults() behaviour { return behaviour{chunk: 4, fail: -1, abort: -1} }

// Bounds of what a directive may ask for.
const (
	maxSize  = 64 << 20
	maxDelay = 10 * time.Second
	maxSlow  = time.Minute
)

// with is b changed by a list of directives.
func (b behaviour) with(list, separator string) (behaviour, error) {
	for _, each := range strings.Split(list, separator) {
		if each = strings.TrimSpace(each); each == "" {
			continue
		}
		name, raw, _ := strings.Cut(each, "=")
		value, err := url.PathUnescape(raw)
		if err == nil {
			err = b.set(name, value)
		}
		if err != nil {
			return b, fmt.Errorf("directive %q: %w", each, err)
		}
	}
	return b, nil
}

func (b *behaviour) set(name, value string) error {
	if flag := b.flag(name); flag != nil {
		*flag = true
		return nil
	}
	switch name {
	case "say":
		b.say, b.saysFixed = value, true
		return nil
	case "tool":
		b.tool = value
		return nil
	case "usage":
		b.alwaysUsage, b.neverUsage = value == "on", value == "off"
		return nil
	case "delay":
		return setDuration(&b.delay, value, maxDelay)
	case "slow":
		return setDuration(&b.slow, value, maxSlow)
	}
	return b.setNumber(name, value)
}

func (b *behaviour) flag(name string) *bool {
	return map[string]*bool{
		"secret": &b.secret, "no-tool": &b.noTool, "malformed": &b.malformed,
		"gzip": &b.gzip, "trailers": &b.trailers, "reasoning": &b.reasoning,
	}[name]
}

func (b *behaviour) setNumber(name, value string) error {
	numbers := map[string]struct {
		at       *int
		min, max int
	}{
		"chunk": {&b.chunk, 1, maxSize}, "write": {&b.write, 1, maxSize}, "size": {&b.size, 0, maxSize},
		"status": {&b.status, 400, 599}, "retry-after": {&b.retryAfter, 0, 3600},
		"fail": {&b.fail, 0, maxSize}, "abort": {&b.abort, 0, maxSize},
	}
	n, known := numbers[name]
	if !known {
		return fmt.Errorf("not known; known are:\n%s", Directives)
	}
	v, err := strconv.Atoi(value)
	if err != nil || v < n.min || v > n.max {
		return fmt.Errorf("want a number from %d to %d", n.min, n.max)
	}
	*n.at = v
	return nil
}

func setDuration(at *time.Duration, value string, most time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > most {
		return fmt.Errorf("want a duration of at most %v, such as 20ms", most)
	}
	*at = d
	return nil
}
