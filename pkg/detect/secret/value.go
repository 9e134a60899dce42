package secret

import (
	"bytes"
	"math"
	"strings"
)

// entropy is Shannon's, in bits a byte, of how often each byte occurs in v.
func entropy(v []byte) float64 {
	if len(v) == 0 {
		return 0
	}
	var count [256]uint16
	for _, c := range v {
		count[c]++
	}
	var sum float64
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// fillers are the bytes that stand for "not shown" where they repeat.
const fillers = "xX*#.?_-\xa2" // the last ends the bullet sign in UTF-8

// placeholder reports whether a value stands in for one that is not shown: a
// filler, a template's expression, or a vendor's published example.
func placeholder(v []byte) bool {
	return filled(v) || template(v) || published(v)
}

// filled reports a run of six of one filler, or all of one byte.
func filled(v []byte) bool {
	run, longest := 1, 1
	for i := 1; i < len(v); i++ {
		if v[i] != v[i-1] {
			run = 1
			continue
		}
		run++
		if run >= 6 && strings.IndexByte(fillers, v[i]) >= 0 {
			return true
		}
		longest = max(longest, run)
	}
	return longest == len(v)
}

// template reports what a program fills in later: ${VAR}, $(cmd), {{ x }},
// <your key>, %VAR%, %s, @VAR@, [key], $VAR.
func template(v []byte) bool {
	if len(v) < 2 {
		return true
	}
	first, last := v[0], v[len(v)-1]
	switch {
	case first == '<', first == '[' && last == ']', first == '(' && isWords(bytes.TrimSuffix(v[1:], []byte(")"))), first == '{', first == '#' && v[1] == '{', first == '%' && (last == '%' || len(v) < 4), first == '@' && last == '@', first == '`':
		return true
	case first == '$':
		if open := bytes.IndexAny(v[1:], "[{("); open > 0 { // $_POST['password']
			v = v[:1+open]
		}
		return len(v) < 2 || v[1] == '{' || v[1] == '(' || v[1] == '[' || isName(v[1:]) || isWords(v[1:])
	}
	return bytes.Contains(v, []byte("${")) || bytes.Contains(v, []byte("$(")) || bytes.Contains(v, []byte("{{")) || bytes.Contains(v, []byte("%(")) && bytes.Contains(v, []byte(")s"))
}

// isWords reports letters and underscores only.
func isWords(v []byte) bool {
	for _, c := range v {
		if !isLetter(c) && c != '_' {
			return false
		}
	}
	return true
}

// isName reports letters, digits and underscores only, no digit first, of one
// case: how variables of shells are written.
func isName(v []byte) bool {
	if len(v) == 0 || isDigit(v[0]) {
		return false
	}
	upper, lower := false, false
	for _, c := range v {
		if !isWord(c) {
			return false
		}
		upper = upper || 'A' <= c && c <= 'Z'
		lower = lower || 'a' <= c && c <= 'z'
	}
	return !(upper && lower)
}

// published reports the examples that vendors print in their documents, which
// say so at their end.
func published(v []byte) bool {
	return bytes.HasSuffix(v, []byte("EXAMPLE")) || bytes.HasSuffix(v, []byte("EXAMPLEKEY"))
}

// unlikeWords reports whether v, found only by the name before it, looks made
// by a machine: a digit, or at the least both cases within a word, or nothing
// but hexadecimal.
func unlikeWords(v []byte) bool {
	c := census(v)
	return c.digits > 0 || c.turns >= 4 || len(v) >= 16 && c.hex+c.special == len(v)
}

// counts is what a value is made of.
type counts struct {
	lower, upper, digits, special, other int // bytes of each kind; special is ASCII punctuation, other the rest
	turns                                int // changes between digits, small and capital letters within a word, a capital that begins a word left out
	hex                                  int // bytes that a hexadecimal number may have
	run                                  int // the longest run of letters and digits
	numbers                              int // runs of digits
}

func census(v []byte) counts {
	var n counts
	run, last := 0, 0
	for i, c := range v {
		kind := 0
		switch {
		case 'a' <= c && c <= 'z':
			n.lower++
			kind = 1
		case 'A' <= c && c <= 'Z':
			n.upper++
			kind = 2
		case isDigit(c):
			n.digits++
			kind = 3
			if last != 3 {
				n.numbers++
			}
		case c > ' ' && c < 0x7f:
			n.special++
		default:
			n.other++
		}
		if isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' {
			n.hex++
		}
		if kind == 0 {
			run = 0
		} else {
			run++
			n.run = max(n.run, run)
			if i > 0 && last != 0 && kind != last && !(last == 2 && kind == 1) {
				n.turns++
			}
		}
		last = kind
	}
	return n
}

// random reports whether v looks like a generated key: long enough, of a key's
// characters, mixed, and not the words and numbers that names and versions are
// made of.
func random(v []byte) bool {
	if len(v) < 10 || len(v) > maxValue || !keyCharacters(v) {
		return false
	}
	n := census(v)
	if n.digits == 0 && n.turns < 4 {
		return false
	}
	switch {
	case n.hex == len(v):
		return len(v) >= 16 && n.digits > 0 && entropy(v) > 2.8
	case isUUID(v):
		return true
	case n.digits == len(v)-n.special:
		return false
	}
	if n.run < 10 && len(v) < 20 || n.turns < 3 || n.numbers <= 1 && 5*n.turns < len(v) {
		return false
	}
	return entropy(v) >= 3.3 && !wordy(v)
}

// keyCharacters reports whether v has only what keys are written in: base64,
// its URL form, and the dots and tildes between parts.
func keyCharacters(v []byte) bool {
	for _, c := range v {
		switch {
		case isWord(c), c == '-', c == '+', c == '/', c == '=', c == '.', c == '~':
		default:
			return false
		}
	}
	return true
}

// wordy reports whether v reads as words and numbers: most of its letters are
// in parts that are pronounceable or numbers short enough to count with.
func wordy(v []byte) bool {
	plain, total := 0, 0
	for len(v) > 0 {
		i := 0
		for i < len(v) && isWord(v[i]) && v[i] != '_' {
			i++
		}
		if i == 0 {
			v = v[1:]
			continue
		}
		part := v[:i]
		v = v[i:]
		total += len(part)
		if n := census(part); len(part) <= 8 && n.turns <= 1 || n.turns == 0 && readable(part) || n.turns <= 2 && len(part) <= 12 && readable(part) || n.digits == 0 && 4*n.turns < len(part) && readable(part) {
			plain += len(part)
		}
	}
	return 3*plain >= 2*total
}

// readable reports whether letters alternate as words do: enough vowels, and
// never five consonants in a row.
func readable(v []byte) bool {
	vowels, consonants, letters := 0, 0, 0
	for _, c := range v {
		if !isLetter(c) {
			consonants = 0
			continue
		}
		letters++
		switch c | 0x20 {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			vowels++
			consonants = 0
		default:
			if consonants++; consonants >= 5 {
				return false
			}
		}
	}
	return letters > 0 && 5*vowels >= letters && 5*vowels <= 4*letters
}

// isUUID reports the 8-4-4-4-12 form.
func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

// weak are the values that documents and tests write where a password belongs.
var weak = wordSet("password passwd passwort pass pwd passphrase secret secrets token key apikey api_key api-key changeme change_me change-me changeit test testing tester demo dummy fake sample example placeholder default guest user username login root admin administrator foo bar baz foobar qux quux none null nil undefined true false yes no on off string str text value empty todo redacted hidden masked removed censored unset required optional invalid valid wrong correct incorrect missing mysecret mypassword mytoken mykey my-secret my-password my_password my_secret yourpassword your_password your-password yoursecret yourtoken your-token your_token yourkey s3cret s3cr3t passw0rd p@ssw0rd p@ssword pa55word password1 password123 test123 testpass testpassword test-password secret123 admin123 letmein qwerty abc123 abcd1234 123456 12345678 123456789 1234567890 postgres mysql redis mongo mongodb rabbitmq kong elastic minio minioadmin localhost database db bearer basic object number boolean integer bool int float any some other the new old my your our this super very unknown random hunter hello world abc xyz abcdef see ask 1password bitwarden keepass lastpass")

// stems are the words whose presence in a value says that it is none.
var stems = [][]byte{[]byte("example"), []byte("placeholder"), []byte("changeme"), []byte("your-"), []byte("your_"), []byte("yourp"), []byte("yours"), []byte("redacted"), []byte("dummy"), []byte("insert"), []byte("replace"), []byte("secret-here"), []byte("key-here"), []byte("-here"), []byte("_here"), []byte("foobar"), []byte("lorem"), []byte("1234567890"), []byte("0123456789"), []byte("abcdefgh"), []byte("...")}

// standIn reports a value that a person wrote to stand for a real one.
func standIn(v []byte) bool {
	if placeholder(v) || weak[string(v)] {
		return true
	}
	var buf [maxValue]byte
	lower := appendLower(buf[:0], v)
	if last := len(lower) - 1; last > 0 && lower[last] == '!' && weak[string(lower[:last])] { // also a type of GraphQL
		return true
	}
	if bare := bytes.TrimRight(lower, "0123456789"); len(bare) > 3 && weak[string(bare)] && bytes.HasPrefix([]byte("1234567890"), lower[len(bare):]) {
		return true
	}
	if weak[string(lower)] || isDigit(lower[len(lower)-1]) && weak[string(lower[:len(lower)-1])] {
		return true
	}
	return hasStem(lower) || distinct(v) < 4 || weakWords(v)
}

// stemStarts are the first two bytes of all stems: bit b of entry a, b by its
// five low bits.
var stemStarts = func() (out [256]uint32) {
	for _, s := range stems {
		out[s[0]] |= 1 << (s[1] & 31)
	}
	return out
}()

// hasStem reports a stem in a value in lower case.
func hasStem(v []byte) bool {
	for i := 0; i+1 < len(v); i++ {
		if stemStarts[v[i]]>>(v[i+1]&31)&1 == 0 {
			continue
		}
		for _, s := range stems {
			if bytes.HasPrefix(v[i:], s) {
				return true
			}
		}
	}
	return false
}

// weakWords reports words and small numbers, all of which stand for real ones:
// test_password2.
func weakWords(v []byte) bool {
	if len(v) > maxName {
		return false
	}
	for _, c := range v {
		if !isWord(c) && c != '-' && c != '.' {
			return false
		}
	}
	var words nameWords
	words.split(v)
	for i := range words.n {
		w := words.at(i)
		bare := bytes.TrimRight(w, "0123456789")
		if len(w)-len(bare) > 1 || !weak[string(bare)] {
			return false
		}
	}
	return words.n > 1
}

// distinct counts the different bytes of v.
func distinct(v []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range v {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// appendLower appends v in lower case, as much as fits into dst.
func appendLower(dst, v []byte) []byte {
	for _, c := range v[:min(len(v), cap(dst)-len(dst))] {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }
func isSpace(c byte) bool  { return isBlank(c) || c == '\n' || c == '\r' }
