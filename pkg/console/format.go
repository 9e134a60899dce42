package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number groups digits: 12,345.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// short is a count in three digits or so: 950, 12.3k, 4.5M.
func short(v float64) string {
	for _, unit := range []struct {
		size   float64
		suffix string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size*0.9995 {
			return trim(v/unit.size) + unit.suffix
		}
	}
	return trim(v)
}

// trim writes v with at most three digits that count.
func trim(v float64) string {
	places := 0
	switch a := math.Abs(v); {
	case a < 10:
		places = 2
	case a < 100:
		places = 1
	}
	text := strconv.FormatFloat(v, 'f', places, 64)
	if places > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// usd is an amount of US dollars: small ones keep two digits that count.
func usd(v float64) string {
	switch {
	case v == 0:
		return "$0"
	case v < 0.01:
		return "$" + strings.TrimRight(strconv.FormatFloat(v, 'f', max(2, 1-int(math.Floor(math.Log10(v)))), 64), "0")
	case v < 1000:
		return "$" + strconv.FormatFloat(v, 'f', 2, 64)
	case v < 1e6:
		return "$" + number(int64(math.Round(v)))
	}
	return "$" + short(v)
}

// span of time: 850 µs, 12 ms, 1.24 s, 2 min 5 s, 3 h 20 min.
func elapsed(d time.Duration) string {
	switch {
	case d <= 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", max(d.Microseconds(), 1))
	case d < time.Second:
		return trim(float64(d)/float64(time.Millisecond)) + " ms"
	case d < time.Minute:
		return trim(d.Seconds()) + " s"
	}
	d = d.Round(time.Second)
	if d >= time.Hour {
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// share is n of all in percent.
func share(n, all int64) string {
	if all == 0 {
		return "–"
	}
	p := float64(n) / float64(all) * 100
	switch {
	case n == all:
		return "100 %"
	case p > 99.9:
		return "99.9 %" // not all
	case n > 0 && p < 0.1:
		return "< 0.1 %"
	case p < 10:
		return trim(math.Round(p*10)/10) + " %"
	}
	return strconv.Itoa(int(p)) + " %"
}

// plural is n with its noun.
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "y") && !strings.HasSuffix(one, "key") {
		return number(n) + " " + strings.TrimSuffix(one, "y") + "ies"
	}
	return number(n) + " " + one + "s"
}
