package console

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
)

// functions are what templates call. None of them returns HTML: everything that
// stands in a page is escaped by html/template.
var functions = template.FuncMap{
	"number":    number,
	"short":     func(n int64) string { return short(float64(n)) },
	"usd":       usd,
	"elapsed":   elapsed,
	"share":     share,
	"plural":    func(n int64, one string) string { return plural(n, one) },
	"clock":     func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"moment":    moment,
	"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"percent":   func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"level":     level,
	"none":      nameOf,
	"asker":     asker,
	"left":      left,
	"covers":    covers,
	"link":      link,
	"int64":     func(n int) int64 { return int64(n) },
	"uint64":    func(n uint64) int64 { return int64(n) },
	"inset":     func(x int) int { return x + 1 },
	"list":      func(v ...any) []any { return v },
	"missing":   missing,
	"decisions": func() []option { return decisions },
	"decision":  decisionName,
	"filtered":  func(f Filter) bool { return f != Filter{} },
	"entities":  func(c *Call) string { return counts(c.RedactionList()[:min(len(c.Redactions), 2)]) },
	"who":       team,
	"tokens":    tokens,
	"details":   details,
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// level is how much was read, as a word that is a class too.
func level(l policy.Level) string {
	if l == policy.Full || l == policy.Partial {
		return string(l)
	}
	return "none"
}

// link is the path of a page with the page's own filter, changed by names and
// values; an empty value takes a name out.
func link(f *frame, path string, pairs ...string) string {
	q := url.Values{}
	for _, each := range []struct{ name, value string }{
		{"tenant", f.Filter.Tenant}, {"team", f.Filter.Team}, {"model", f.Filter.Model}, {"window", f.Window.Name},
	} {
		if each.value != "" && !(each.name == "window" && each.value == windows[0].Name) {
			q.Set(each.name, each.value)
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// option is one choice of a select.
type option struct{ Value, Name string }

var decisions = []option{{"", "all"}, {"allow", "allowed"}, {"redact", "redacted"}, {"review", "reviewed"}, {"deny", "denied"}, {"error", "undecided"}, {"failed", "failed"}}

func decisionName(word string) string {
	for _, d := range decisions {
		if d.Value == word && word != "" {
			return d.Name
		}
	}
	return "allowed"
}

// missing reports whether a chosen value is none of a list, as it is once its
// calls are gone.
func missing(pair []any) bool {
	chosen, _ := pair[0].(string)
	list, _ := pair[1].([]string)
	return chosen != "" && !slices.Contains(list, chosen)
}

// team is who calls, in short.
func team(c *Call) string {
	names := slices.DeleteFunc([]string{c.Tenant, cmp.Or(c.Team, c.App, c.Subject)}, func(s string) bool { return s == "" })
	return cmp.Or(strings.Join(names, " / "), "–")
}

// tokens is a reported count; where none was reported, none.
func tokens(c *Call, n int64) string {
	if !c.Usage.Reported {
		return "–"
	}
	return number(n)
}

// details are the names and numbers of a call that have no place of their own.
func details(c *Call) []row {
	var out []row
	for _, each := range []row{
		{"API", c.API}, {"Provider", c.Provider}, {"Operation", c.Operation},
		{"Model asked for", c.Model}, {"Model sent", c.UpstreamModel}, {"Model that answered", c.ResponseModel},
		{"Server", c.Server}, {"Upstream", upstream(c)}, {"Target", c.Target},
		{"Subject", c.Subject}, {"Tenant", c.Tenant}, {"Team", c.Team}, {"App", c.App},
		{"Policy revision", c.Revision}, {"Policy role", c.Role}, {"Review", c.ReviewID}, {"Error", c.ErrorType},
	} {
		if each.Value != "" {
			out = append(out, each)
		}
	}
	if c.Status != 0 {
		out = append(out, row{"Status", strconv.Itoa(c.Status)})
	}
	if c.Chunks > 0 {
		out = append(out, row{"Chunks of the response", number(int64(c.Chunks))}, row{"Held back at most", heldBack(c)})
	}
	return out
}

func heldBack(c *Call) string {
	text := plural(int64(c.HeldBytesMax), "byte")
	if c.HeldTime > 0 {
		text += ", for " + elapsed(c.HeldTime) + " in all"
	}
	return text
}

// upstream is where the call went, "" where it was not sent.
func upstream(c *Call) string {
	if c.DeniedIn == "request" {
		return ""
	}
	return c.Upstream()
}

// covers is how much of a call was read, in words.
func covers(c *Call) string {
	if c.DeniedIn == "request" {
		return "request " + level(c.Coverage.Request) + ", no response"
	}
	return "request " + level(c.Coverage.Request) + ", response " + level(c.Coverage.Response)
}
