package detect

import (
	"bytes"
	"net/netip"
)

// colons tries what is made of hexadecimal groups with colons, and URLs.
func (v *verifier) colons(flags uint16) {
	if flags&(isDigit|isUpper|isLower) == 0 {
		return
	}
	if bytes.Count(v.text[v.from:], []byte(":")) >= 2 {
		v.hexRuns()
	}
	v.links()
}

// inHex are the bytes of hexadecimal groups, with colons and dots.
var inHex = func() (t [256]bool) {
	for _, c := range "0123456789abcdefABCDEF:." {
		t[c] = true
	}
	return t
}()

// hexRuns tries the runs of hexadecimal groups with two colons or more.
func (v *verifier) hexRuns() {
	for at := v.from; at < len(v.text); at++ {
		if !inHex[v.text[at]] {
			continue
		}
		end, colons := at, 0
		for end < len(v.text) && inHex[v.text[end]] {
			if v.text[end] == ':' {
				colons++
			}
			end++
		}
		if colons >= 2 {
			v.hexGroups(at, end)
		}
		at = end
	}
}

// hexGroups tries one run of hexadecimal digits, colons and dots.
func (v *verifier) hexGroups(start, end int) {
	for end > start && (v.text[end-1] == '.' || v.text[end-1] == ':' && (end-start < 3 || v.text[end-2] != ':')) {
		end--
	}
	for start < end && (v.text[start] == '.' || v.text[start] == ':' && (start+1 >= end || v.text[start+1] != ':')) {
		start++
	}
	if end-start < 4 || end-start > 45 || !bordered(v.text, start) || !v.endsAddress(start, end) {
		return
	}
	run := v.text[start:end]
	if isMAC(run, ':', 2) {
		v.add("MAC_ADDRESS", start, end, macScore(run), aboutNothing, false)
		return
	}
	groups, digits := 0, 0
	for i := range run {
		if kindOf[run[i]]&(isDigit|isUpper|isLower) != 0 && (i == 0 || run[i-1] == ':') {
			groups++
		}
		if kindOf[run[i]]&isDigit != 0 {
			digits++
		}
	}
	if digits == 0 || groups < 7 && !bytes.Contains(run, []byte("::")) {
		return // a::b of code, a time of day
	}
	a, err := netip.ParseAddr(string(run))
	if err != nil {
		if end = start + beforePort(run); end > start {
			run = v.text[start:end]
			a, err = netip.ParseAddr(string(run))
		}
	}
	if err != nil || a.IsUnspecified() || a.IsLoopback() || pairs(run) {
		return
	}
	if groups >= 3 || groups == 2 && len(run) > 8 {
		score := 0.95
		if a.IsMulticast() {
			score = 0.3
		} else if a.Is6() && len(run) > 9 && string(run[:9]) == "2001:db8:" {
			score = 0.6 // RFC 3849: documentation
		}
		v.add("IP_ADDRESS", start, end, score, aboutNothing, false)
	}
}

// endsAddress reports that the IPv6 address text[start:end] may end there: a zone,
// a path or the length of a prefix may follow. Behind :: only a length does, as
// fields may be empty: kevin:x:1005:1006::/home/kevin.
func (v *verifier) endsAddress(start, end int) bool {
	if closed(v.text, end, v.full) || v.text[end] == '%' {
		return true
	}
	open := end-start > 2 && v.text[end-1] == ':' && v.text[end-2] == ':'
	return v.text[end] == '/' && (!open || end+1 == len(v.text) || kindOf[v.text[end+1]]&isDigit != 0)
}

// beforePort is where the port begins that stands behind an IPv6 address without
// brackets, 0 where the last group is none.
func beforePort(run []byte) int {
	at := bytes.LastIndexByte(run, ':')
	if n := len(run) - at - 1; at < 2 || n < 2 || n > 5 || !all(run[at+1:], isDigit) || number(run[at+1:]) > 65535 {
		return 0
	}
	return at
}

// pairs reports eight groups of two: an EUI-64 or a worldwide name.
func pairs(run []byte) bool {
	if len(run) != 23 {
		return false
	}
	for i, c := range run {
		if (c == ':') != (i%3 == 2) {
			return false
		}
	}
	return true
}

// macScore is low for the addresses that are nobody's.
func macScore(run []byte) float64 {
	for _, c := range run {
		if c != '0' && c != 'f' && c != 'F' && c != ':' && c != '-' && c != '.' {
			return 0.95
		}
	}
	return 0.3
}

// isMAC reports groups of hexadecimal digits of one size with one sign between,
// 12 digits in all.
func isMAC(run []byte, sign byte, size int) bool {
	if len(run) != 12+12/size-1 {
		return false
	}
	for i, c := range run {
		if (i+1)%(size+1) == 0 {
			if c != sign {
				return false
			}
			continue
		}
		if k := kindOf[c]; k&isDigit == 0 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// ipv4 tries the four units from i on.
func (v *verifier) ipv4(i int) {
	if i+3 >= len(v.units) {
		return
	}
	var b [4]int
	for j := range 4 {
		u := &v.units[i+j]
		if !u.digits() || u.len() > 3 || j > 0 && u.gap != '.' || u.len() > 1 && v.text[u.start] == '0' {
			return
		}
		if b[j] = number(v.text[u.start:u.end]); b[j] > 255 {
			return
		}
	}
	start, end := v.units[i].start, v.units[i+3].end
	if v.dottedPort(i + 4) {
		v.add("IP_ADDRESS", start, end, ipv4Score(b), aboutHost, false)
		return
	}
	if end < len(v.text) && v.text[end] != ':' && v.text[end] != '/' && !closed(v.text, end, v.full) || end == len(v.text) && v.full {
		return
	}
	score, about := ipv4Score(b), aboutHost
	if score < likeVersion {
		about = aboutNothing
	} else if v.look(start); score == likeHost && v.near.about(subjects) < adjacent {
		score += 0.03 // no word farther off makes it a version
	}
	if v.revision(start) || v.fraction(start, end) {
		score = min(score, likeVersion)
	}
	v.add("IP_ADDRESS", start, end, score, about, false)
}

// likeVersion is the score of an address that a version or a section may look
// like: words for hosts before it raise it.
const likeVersion = 0.45

// likeHost is the score of an address that no version is written as, unless a
// word for one stands as close as adjacent before it.
const (
	likeHost = 0.79
	adjacent = 0.95
)

// ipv4Score is low for addresses that are no host's, and for what is rather a
// version or a section.
func ipv4Score(b [4]int) float64 {
	switch {
	case b[0] == 0, b[0] == 127, b[0] >= 224: // this network, loopback, multicast, reserved
		return 0.3
	case b[0] == 192 && b[1] == 0 && b[2] == 2, b[0] == 198 && b[1] == 51 && b[2] == 100, b[0] == 203 && b[1] == 0 && b[2] == 113:
		return 0.6 // RFC 5737: documentation
	case b[0] < 10 && b[1] < 20: // 4.3.99.16
		return likeVersion
	case b[0] < 30 && b[1] < 30 && b[2] < 30 && b[3] < 30:
		return pick(b[0] == 10, likeHost-0.01, likeVersion)
	}
	return likeHost
}

// revision reports the v of a version before text[at:]: lapi.c,v 2.55.1.5.
func (v *verifier) revision(at int) bool {
	return at >= 2 && v.text[at-1] == ' ' && v.text[at-2]|0x20 == 'v' && bordered(v.text, at-2)
}

// fraction reports that text[start:end] stands between numbers with a point, as
// 2.34 1.08 2.91.83.1-.65 in the path of a drawing.
func (v *verifier) fraction(start, end int) bool {
	if start-1 <= v.from || end+1 >= len(v.text) || !oneOf(v.text[start-1], " -") || !oneOf(v.text[end], " -") {
		return false
	}
	const most = 15 // bytes of a number that are looked at
	before, behind := 0, 0
	for i := start - 2; i >= v.from && i > start-2-most && kindOf[v.text[i]]&(isDigit|isDot) != 0; i-- {
		before += int(kindOf[v.text[i]] / isDot & 1)
	}
	for i := end + 1; i < len(v.text) && i < end+1+most && kindOf[v.text[i]]&(isDigit|isDot) != 0; i++ {
		behind += int(kindOf[v.text[i]] / isDot & 1)
	}
	return before > 0 && before < 3 && behind > 0 && behind < 3
}

// dottedPort reports that unit i is the port that tcpdump writes behind an
// address: 10.1.2.3.51234, 10.1.2.3.443:. Smaller numbers are rather another
// part of a version.
func (v *verifier) dottedPort(i int) bool {
	const leastPort = 1024
	if i >= len(v.units) || v.units[i].gap != '.' || !v.units[i].digits() || v.value(&v.units[i]) > 65535 || !v.closes(i) {
		return false
	}
	end := v.units[i].end
	return v.value(&v.units[i]) >= leastPort || end < len(v.text) && v.text[end] == ':'
}

// number is the value of at most 9 digits.
func number(d []byte) int {
	n := 0
	for _, c := range d {
		n = n*10 + int(c-'0')
	}
	return n
}

// hardware tries 3E-A0-EE-E8-B9-99 and 3ea0.eee8.b999. One of digits alone has
// to be named: groups of two or four digits are many things.
func (v *verifier) hardware(i int) {
	size, gap := 2, uint8('-')
	if v.units[i].len() == 4 {
		size, gap = 4, '.'
	}
	last := i + 12/size - 1
	if last >= len(v.units) || v.units[i+1].gap != gap || !v.closes(last) || last+1 < len(v.units) && v.units[last+1].gap == gap || v.units[i].start > 0 && v.text[v.units[i].start-1] == '.' {
		return
	}
	run := v.text[v.units[i].start:v.units[last].end]
	if !isMAC(run, gap, size) {
		return
	}
	v.add("MAC_ADDRESS", v.units[i].start, v.units[last].end, macScore(run), aboutMAC, !hasHexLetter(run))
}

func hasHexLetter(run []byte) bool {
	for _, c := range run {
		if kindOf[c]&(isUpper|isLower) != 0 {
			return true
		}
	}
	return false
}
