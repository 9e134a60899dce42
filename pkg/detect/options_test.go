package detect

import (
	"slices"
	"testing"
)

func TestOptions(t *testing.T) {
	const text = "ann@corp.example, badge EMP-004417, part 79927398713, ask Project Falcon, host 172.16.254.3"
	custom := []Custom{
		{Entity: "BADGE", Pattern: `EMP-\d{6}`, Class: "internal"},
		{Entity: "PART", Pattern: `\b\d{11}\b`, Check: "luhn"},
		{Entity: "PROJECT", Terms: []string{"project falcon", "falc"}},
	}
	for _, c := range []struct {
		o    Options
		want []string
	}{
		{Options{Custom: custom}, []string{"EMAIL", "BADGE", "PART", "PROJECT", "IP_ADDRESS"}},
		{Options{Custom: custom, Entities: []string{"BADGE", "EMAIL"}}, []string{"EMAIL", "BADGE"}},
		{Options{Disable: []string{"EMAIL"}}, []string{"IP_ADDRESS"}},
		{Options{MinScore: map[string]float64{"IP_ADDRESS": 1.01}}, []string{"EMAIL"}},
		{Options{Canaries: []string{"ask Project"}}, []string{"EMAIL", "CANARY", "IP_ADDRESS"}},
	} {
		found := newSet(t, c.o).Scan([]byte(text), nil)
		ok := len(found) == len(c.want)
		for i := 0; ok && i < len(found); i++ {
			ok = found[i].Entity == c.want[i]
		}
		if !ok {
			t.Errorf("%+v: %s, want %v", c.o, describe(text, found), c.want)
		}
	}
	for _, bad := range []Custom{{Entity: "X", Pattern: "("}, {Entity: "X", Pattern: "a", Check: "none"}, {Pattern: "a"}} {
		if _, err := New(Options{Custom: []Custom{bad}}); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// TestEntitiesAreDescribed holds the list to what is found.
func TestEntitiesAreDescribed(t *testing.T) {
	list, err := Entities()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, e := range list {
		if e.About == "" || known[e.Name] {
			t.Errorf("%s is listed twice or not described", e.Name)
		}
		known[e.Name] = true
	}
	for _, p := range planted {
		if !known[p.want] {
			t.Errorf("%s is not listed", p.want)
		}
	}
}

func FuzzStreamAgrees(f *testing.F) {
	for i := range planted {
		f.Add(planted[i].text, uint8(i))
	}
	s := newSet(f, Options{})
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		want := s.Scan([]byte(text), nil)
		st := s.NewStream()
		var got []Finding
		n := int(step)%32 + 1
		for rest := text; ; {
			k := min(n, len(rest))
			got, _ = st.Push([]byte(rest[:k]), k == len(rest), got)
			if rest = rest[k:]; rest == "" {
				break
			}
		}
		if describe(text, got) != describe(text, want) {
			t.Fatalf("stream %s, scan %s", describe(text, got), describe(text, want))
		}
	})
}

// Each example is found as what it is an example of, whole and byte by byte.
func TestExamples(t *testing.T) {
	list, err := Entities()
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, Options{Injection: true})
	for _, e := range list {
		if e.Example == "" {
			if e.Class == PII || e.Class == Exfiltration && e.Name != "CANARY" {
				t.Errorf("%s has no example", e.Name)
			}
			continue
		}
		found := set.ScanAs([]byte(e.Example), "user", nil)
		if e.Class != Injection {
			st := set.NewStream()
			var pieces []Finding
			for i := range len(e.Example) {
				pieces, _ = st.Push([]byte(e.Example[i:i+1]), false, pieces)
			}
			pieces, _ = st.Push(nil, true, pieces)
			if !slices.ContainsFunc(pieces, func(f Finding) bool { return f.Entity == e.Name }) {
				t.Errorf("%s is not found byte by byte in %q: %+v", e.Name, e.Example, pieces)
			}
		}
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Entity == e.Name }) {
			t.Errorf("%s is not found in %q: %+v", e.Name, e.Example, found)
		}
	}
}

// What a pattern requires is in every match.
func TestRequired(t *testing.T) {
	for pattern, want := range map[string]required{
		`EMP-\d{6}`:          {"EMP-", 10},
		`(?i)emp-\d{6}`:      {"", 10},
		`[A-Z]{2}\d+`:        {"", 3},
		`(a|bcd)x+`:          {"x", 2},
		`(ab)?c{2,}`:         {"c", 2},
		`^PRJ(-[0-9]{4})+$`:  {"PRJ", 8},
		`foo|barbaz`:         {"", 3},
		`(?:K-|L-)[0-9]{3}Z`: {"Z", 6},
		`x*`:                 {"", 0},
	} {
		if got := requiredOf(pattern); got.length != want.length || len(got.literal) < len(want.literal) {
			t.Errorf("%s requires %+v, want %+v", pattern, got, want)
		}
	}
}

func TestChecks(t *testing.T) {
	for name, c := range map[string]struct{ good, bad string }{
		"luhn": {"79927398713", "79927398714"}, "ean13": {"4006381333931", "4006381333932"}, "nhs": {"9434765919", "9434765918"},
		"imei": {"490154203237518", "490154203237519"}, "aba_routing": {"021000021", "021000022"},
	} {
		if check := checks[name]; !check([]byte(c.good)) || check([]byte(c.bad)) || check([]byte("12")) {
			t.Errorf("%s does not tell %s and %s apart", name, c.good, c.bad)
		}
	}
}
