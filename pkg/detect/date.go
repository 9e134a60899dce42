package detect

// date tries the dates that begin with unit i: they must be named as someone's
// birth. Also the pairs of coordinates.
func (v *verifier) date(i int) {
	u := &v.units[i]
	if n := u.len(); u.digits() && n > 2 && n != 4 { // no day, month or year, nor a place's degrees
		if n == 8 && v.closes(i) && stampedDay(v.text[u.start:u.end]) && v.birth(u.start) {
			v.add("DATE_OF_BIRTH", u.start, u.end, 0.4, aboutBirth, true)
		}
		return
	}
	if i+4 < len(v.units) && v.isLongDate(i) && v.closes(i+4) && v.birth(v.units[i].start) {
		v.add("DATE_OF_BIRTH", v.units[i].start, v.units[i+4].end, 0.5, aboutBirth, true)
	}
	if i+2 < len(v.units) {
		a, b, c := &v.units[i], &v.units[i+1], &v.units[i+2]
		if v.isDate(a, b, c) && v.closes(i+2) && v.birth(a.start) {
			v.add("DATE_OF_BIRTH", a.start, c.end, 0.5, aboutBirth, true)
		}
	}
	if i+3 < len(v.units) && v.units[i].digits() && v.units[i+1].gap == '.' && v.units[i+3].gap == '.' {
		v.coordinates(i)
	}
}

// birth reports that the nearest words before text[at:] that say what a date is
// of are of a birth.
func (v *verifier) birth(at int) bool {
	v.look(at)
	return v.near.about(aboutBirth) > v.near.about(aboutEvent)
}

func (v *verifier) isDate(a, b, c *unit) bool {
	if a.digits() && b.digits() && c.digits() {
		return b.gap == c.gap && oneOf(b.gap, "-./ ") && v.isNumericDate(a, b, c)
	}
	if !c.digits() || c.len() != 4 || !year(v.value(c)) {
		return false
	}
	if v.ordinal(a) && monthOf(v.text[b.start:b.end]) > 0 { // 12 March 1980
		return true
	}
	return monthOf(v.text[a.start:a.end]) > 0 && v.ordinal(b) // March 12, 1980
}

// isNumericDate reports 1980-03-12, or day, month and year in either order: most
// numbers are none by the lengths of their groups.
func (v *verifier) isNumericDate(a, b, c *unit) bool {
	if a.len() == 4 {
		y, z := v.value(b), v.value(c)
		return year(v.value(a)) && y >= 1 && y <= 12 && z >= 1 && z <= 31
	}
	if a.len() > 2 || b.len() > 2 || c.len() != 4 && (c.len() != 2 || b.gap == ' ') {
		return false
	}
	x, y := v.value(a), v.value(b)
	return x >= 1 && y >= 1 && (x <= 31 && y <= 12 || x <= 12 && y <= 31) && (c.len() == 2 || year(v.value(c)))
}

// isLongDate reports 23 de julio de 1984.
func (v *verifier) isLongDate(i int) bool {
	u := v.units[i : i+5]
	return u[1].kind == isLower && v.isOf(&u[1]) && v.isOf(&u[3]) && u[4].len() == 4 && u[4].digits() && year(v.value(&u[4])) && v.ordinal(&u[0]) && monthOf(v.text[u[2].start:u[2].end]) > 0
}

func (v *verifier) isOf(u *unit) bool { return u.gap == ' ' && string(v.text[u.start:u.end]) == "de" }

// ordinal reports a day of the month: 3, 3rd, 03.
func (v *verifier) ordinal(u *unit) bool {
	b := v.text[u.start:u.end]
	n := 0
	for n < len(b) && n < 2 && kindOf[b[n]]&isDigit != 0 {
		n++
	}
	if n == 0 || len(b)-n > 2 || len(b) > n && kindOf[b[n]]&isDigit != 0 {
		return false
	}
	day := number(b[:n])
	return day >= 1 && day <= 31
}

func (v *verifier) value(u *unit) int {
	if u.len() > 9 {
		return 1 << 30
	}
	return number(v.text[u.start:u.end])
}

// year reports one in which somebody alive may be born.
func year(n int) bool { return n >= 1900 && n <= 2030 }

// numberBefore and numberBehind report what stands next to a place in a list of
// numbers and in a drawing: behind a comma or blank a number or a letter alone,
// as in "m 1.5,2.5 c". The bracket of a list and the name of a function before it
// are as much.
func (v *verifier) numberBefore(at int) bool {
	end := at
	for end > 0 && oneOf(v.text[end-1], " ,") {
		end--
	}
	if end > 0 && v.text[end-1] == '[' {
		return true
	}
	if end == 0 || end == at {
		return v.argument(at)
	}
	const letter = isLower | isUpper | isWide
	return kindOf[v.text[end-1]]&isDigit != 0 || kindOf[v.text[end-1]]&letter != 0 && (end == 1 || kindOf[v.text[end-2]]&letter == 0)
}

func (v *verifier) numberBehind(at int) bool {
	start := v.skip(at)
	if start == at || start >= len(v.text) {
		return false
	}
	const letter = isLower | isUpper | isWide
	if kindOf[v.text[start]]&letter != 0 {
		return start+1 < len(v.text) && kindOf[v.text[start+1]]&letter == 0
	}
	if v.text[start] == '-' {
		return true
	}
	comma := v.text[at] == ','
	for start < len(v.text) && kindOf[v.text[start]]&isDigit != 0 {
		if start++; comma {
			return true
		}
	}
	return start+1 < len(v.text) && oneOf(v.text[start], ".,") && kindOf[v.text[start+1]]&isDigit != 0
}

// skip is where the blanks and commas from text[at:] on end.
func (v *verifier) skip(at int) int {
	for at < len(v.text) && oneOf(v.text[at], " ,") {
		at++
	}
	return at
}

// coordinates tries 48.8566, 2.3522.
func (v *verifier) coordinates(i int) {
	w, x, y, z := &v.units[i], &v.units[i+1], &v.units[i+2], &v.units[i+3]
	if !x.digits() || !y.digits() || !z.digits() || w.len() > 2 || y.len() > 3 || x.len() < 3 || z.len() < 3 || x.len() > 10 || z.len() > 10 || !v.closes(i+3) {
		return
	}
	between := v.text[x.end:y.start]
	start, end := w.start, z.end
	negative := len(between) > 1 && between[len(between)-1] == '-'
	if between[0] != ',' || len(between) > 3 || len(between) > 1 && between[1] != ' ' && !negative {
		return
	}
	if v.value(w) > 90 || v.value(y) > 180 {
		return
	}
	if start > v.from && v.text[start-1] == '-' {
		start--
	}
	listed := v.numberBefore(start) || v.numberBehind(end)
	exact := x.len() >= 4 && z.len() >= 4 && !listed && (v.value(w) > 0 || v.value(y) > 0)
	v.add("GPS_COORDINATES", start, end, pick(exact, 0.6, 0.4), aboutPlace, !exact)
}
