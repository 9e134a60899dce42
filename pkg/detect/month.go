package detect

import "strings"

// months are the months' names and their common short forms in the languages
// of the context words, in lower case.
var months = func() map[string]int {
	out := map[string]int{}
	for _, names := range []string{
		"january february march april may june july august september october november december",
		"jan feb mar apr may jun jul aug sep oct nov dec",
		"janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
		"januar februar märz april mai juni juli august september oktober november dezember",
		"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
		"januari februari maart april mei juni juli augustus september oktober november december",
		"stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
		"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
	} {
		for i, name := range strings.Fields(names) {
			out[name] = i + 1
		}
	}
	return out
}()

// monthStarts are the first two bytes of all months: bit b of entry a, both by
// their five low bits.
var monthStarts = func() (out [32]uint32) {
	for name := range months {
		out[name[0]&31] |= 1 << (name[1] & 31)
	}
	return out
}()

func monthLen(n int) bool { return n >= 3 && n <= 13 }

func isMonth(word []byte) bool { return monthOf(word) > 0 }

// monthOf is the number of the month that word names, 0 for none.
func monthOf(word []byte) int {
	if n := len(word); n > 0 && word[n-1] == '.' {
		word = word[:n-1]
	}
	if !monthLen(len(word)) || monthStarts[word[0]&31]>>(word[1]&31)&1 == 0 {
		return 0
	}
	var buf [13]byte
	for i, c := range word {
		buf[i] = lower(c)
	}
	return months[string(buf[:len(word)])]
}
