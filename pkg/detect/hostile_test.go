package detect

import (
	"bytes"
	"strings"
	"testing"
)

// hostile are texts that make a careless scanner look at everything again and
// again.
var hostile = map[string]string{
	"at signs":      "@",
	"dots":          ".",
	"plus signs":    "+",
	"brackets":      "(",
	"jwt starts":    "eyJ",
	"digits":        "7",
	"groups":        "12 34 ",
	"groups of 1":   "1 ",
	"dashed groups": "555-0187-",
	"phones":        "+1 (415) 555-26",
	"phone words":   "call phone tel 123 4567 ",
	"email":         "a@b",
	"emails":        "a@b.co",
	"domain":        "a@b.c.d.e.",
	"pem":           "-----BEGIN ",
	"password":      "password=",
	"password is":   "the password is ",
	"token":         "token: ",
	"colons":        "a:",
	"hex":           "deadbeef",
	"hex groups":    "3e:a0:",
	"capitals":      "AB CD ",
	"months":        "May 12 ",
	"dates":         "12/03/1980 born ",
	"iban":          "DE89 3704 ",
	"cards":         "4111 1111 1111 ",
	"dash hex":      "3e-a0-",
	"dot hex":       "3ea0.eee8.",
	"commas":        "123,4567,",
	"emphasis":      "_a@b.co_",
	"beside CJK":    "号4111",
	"degrees":       "48°51'24\"N ",
	"ip":            "8.8.8.8.",
	"open curl":     "curl -H \\\n",
	"urls":          "https://a:b",
	"links":         "](http://x?",
	"manifest":      "kind: Secret\ndata:\n  a: b\n",
	"wide":          "日本",
	"encoded key":   "LS0tLS1CRUdJTi",
	"encoded keys":  "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0 ",
	"table heads":   "| password ",
	"table":         "a,password\nb,Kd92mWqX1\n",
	"rows":          "x,Kd92mWqX1\n",
	"inserts":       "insert into t (a, password) values ('b', 'Kd92mWqX1'), ",
	"named values":  "name: password\nvalue: ",
	"pairs":         "login with bob / ",
	"quoted":        "password '",
	"declared":      "token: &'static str ",
	"options":       "htpasswd -b f u ",
	"unended call":  "login(\"u\", \"",
	"letters":       "x",
	"extensions":    "555-0187x1 ",
	"phone lists":   "tel 030 123456/030 123457 / ",
	"captions":      "T: 030 1234567 ",
	"addresses":     "10.0.3.24,10.0.3.25,",
	"spread words":  "我的手机号 1 ",
	"emphasised":    "_AB12_ ",
	"long fields":   "123456789,123456789 ",
}

// steps is how many a scan of text takes, whole or in pieces.
func steps(s *Set, text []byte, piece int) int {
	st := s.NewStream()
	var out []Finding
	for at := 0; at < len(text); at += piece {
		out, _ = st.Push(text[at:min(at+piece, len(text))], at+piece >= len(text), out[:0])
	}
	return st.sc.verify.work
}

// Four times the text takes about four times the steps: bytes looked at behind
// the first pass, units and groups tried, rules asked, findings sorted.
func TestHostileTextIsLinear(t *testing.T) {
	s := newSet(t, Options{})
	const size = 128 << 10 // a quarter is long beside what a rule may wait for
	for name, unit := range hostile {
		text := bytes.Repeat([]byte(unit), size/len(unit))
		for way, piece := range map[string]int{"whole": size, "stream": 16} {
			small, large := steps(s, text[:len(text)/4], piece), steps(s, text, piece)
			if large > 5*small+size {
				t.Errorf("%s, %s: a quarter takes %d steps, the whole %d", name, way, small, large)
			}
			if most := 400 * size; large > most {
				t.Errorf("%s, %s: %d steps for %d bytes", name, way, large, size)
			}
			t.Logf("%s, %s: %.1f steps a byte", name, way, float64(large)/float64(size))
		}
	}
}

// TestStepsAreCounted holds that the count of the test above counts.
func TestStepsAreCounted(t *testing.T) {
	s := newSet(t, Options{})
	words, numbers := strings.Repeat("nothing to see ", 100), strings.Repeat("call 212 555 0187 ", 100)
	if a, b := steps(s, []byte(words), 1<<20), steps(s, []byte(numbers), 1<<20); b < 2*a {
		t.Errorf("words take %d steps, numbers %d", a, b)
	}
}
