package detect

import (
	"bytes"
	"testing"
	"time"
)

// hostile are texts that make a careless scanner look at everything again and
// again.
var hostile = map[string]string{
	"at signs":   "@",
	"dots":       ".",
	"jwt starts": "eyJ",
	"digits":     "7",
	"groups":     "12 34 ",
	"email":      "a@b",
	"pem":        "-----BEGIN ",
	"password":   "password=",
	"colons":     "a:",
}

// spent is the least time of three runs.
func spent(f func()) time.Duration {
	least := time.Hour
	for range 3 {
		begin := time.Now()
		f()
		least = min(least, time.Since(begin))
	}
	return least
}

// Twice the text takes about twice the time: four times as much text may take
// ten times as long, where a quadratic scan takes sixteen. Ratios of one run are
// compared, of texts long enough for them to be steady.
func TestHostileTextIsLinear(t *testing.T) {
	if testing.Short() {
		return
	}
	s := newSet(t, Options{})
	for name, unit := range hostile {
		text := bytes.Repeat([]byte(unit), (256<<10)/len(unit))
		quarter := text[:len(text)/4]
		scan := func(b []byte) func() { return func() { s.Scan(b, nil) } }
		push := func(b []byte) func() {
			return func() {
				st := s.NewStream()
				for at := 0; at < len(b); at += 16 {
					st.Push(b[at:min(at+16, len(b))], false, nil)
				}
			}
		}
		for way, run := range map[string]func([]byte) func(){"scan": scan, "stream": push} {
			small, large := spent(run(quarter)), spent(run(text))
			if large > 10*small+50*time.Millisecond {
				t.Errorf("%s, %s: a quarter takes %v, the whole %v", name, way, small, large)
			}
		}
	}
}
