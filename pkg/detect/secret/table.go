package secret

import "bytes"

// Bounds of a table whose passwords are looked for, in bytes.
const (
	maxColumns = 256  // the line that names the columns
	maxRow     = 256  // any other line
	maxTable   = 2048 // all that follows the header
)

// tableLiterals are names of columns behind what parts them in CSV, TSV and
// Markdown.
var tableLiterals = []string{
	"| password", "|password", "| passwd", "| passwort", "| contraseña", "| mot de passe",
	",password", ", password", ",\"password", ";password", ";\"password", "\tpassword",
	",passwd", ";passwd", "\tpasswd", ",passwort", ";passwort", "\tpasswort",
}

// table is one whose header names a column of passwords.
type table struct {
	part  byte // what parts the cells
	cells int  // how many parts a line has
	col   int  // which part the password follows, from 1
	body  int  // where the first row begins
}

// passwordColumn finds the passwords in the rows of a table by the name of their
// column. Further rows are those of [Rule.Next].
func passwordColumn() Rule {
	return Rule{
		Entity:   "TABLE_PASSWORD",
		Literals: tableLiterals,
		Before:   maxColumns,
		After:    maxColumns + maxTable,
		Score:    0.85,
		Find: func(text []byte, at int) (int, int, bool) {
			t, ok, _ := tableAt(text, at)
			if !ok {
				return 0, 0, false
			}
			return t.next(text, at, t.body)
		},
		Next: func(text []byte, at, after int) (int, int, bool) {
			t, _, _ := tableAt(text, at)
			line, ok := nextLine(text, after)
			if !ok {
				return 0, 0, false
			}
			return t.next(text, at, line)
		},
		Open: func(text []byte, at int) bool {
			t, ok, more := tableAt(text, at)
			if !ok {
				return more
			}
			for line := t.body; line < len(text); {
				if _, _, row := t.cell(text, line); !row && bytes.IndexByte(text[line:], '\n') >= 0 {
					return false
				}
				next, ok := nextLine(text, line)
				if !ok {
					return true
				}
				line = next
			}
			return true
		},
	}
}

// next finds the first password in the rows from line on.
func (t table) next(text []byte, at, line int) (start, end int, ok bool) {
	for line < min(len(text), at+maxTable) {
		start, end, row := t.cell(text, line)
		if !row {
			return 0, 0, false
		}
		if end > start && cellPassword(text[start:end]) {
			return start, end, true
		}
		next, more := nextLine(text, line)
		if !more {
			return 0, 0, false
		}
		line = next
	}
	return 0, 0, false
}

// cellPassword judges what stands in a column of passwords.
func cellPassword(v []byte) bool {
	return len(v) >= 4 && !standIn(v) && acceptsPassword(v, site{bound: byVerb})
}

// tableAt reads the header with its column's literal at at; more says that what
// follows could still make it one.
func tableAt(text []byte, at int) (t table, ok, more bool) {
	start := at
	for start > 0 && text[start-1] != '\n' {
		if start--; at-start >= maxColumns {
			return t, false, false
		}
	}
	next, complete := nextLine(text, at)
	if !complete {
		next = len(text)
	}
	if next-start > maxColumns || !headerLine(text[start:next], text[at]) {
		return t, false, false
	}
	t.part = text[at]
	name := at + 1
	for name < next && name-at < maxName && text[name] != t.part && text[name] != '\n' {
		name++
	}
	if name < next && roleOf(text[at+1:name]) != rolePassword {
		return t, false, false
	}
	t.cells = parts(text[start:next], t.part)
	t.col = parts(text[start:at], t.part) + 1
	if !complete {
		return t, false, true
	}
	t.body = next
	if t.part != '|' {
		return t, true, false
	}
	rule, complete := nextLine(text, next)
	if !complete {
		rule = len(text)
	}
	for _, c := range text[next:rule] {
		if bytes.IndexByte([]byte("|-: \t\r\n"), c) < 0 {
			return t, false, false
		}
	}
	t.body = rule
	return t, complete && parts(text[next:rule], '|') == t.cells, !complete
}

// headerLine reports short names between the parts, and nothing of a sentence.
func headerLine(line []byte, part byte) bool {
	width, blanks := 0, 0
	for _, c := range line {
		switch {
		case c == part:
			width, blanks = 0, 0
		case c == '\r' || c == '\n':
		case isBlank(c):
			blanks++
		case isWord(c), isQuote(c), c == '-', c == '.', c == '/', c == '*', c == '(', c == ')', c >= 0x80:
			width++
		default:
			return false
		}
		if width > 32 || part != '|' && blanks > 2 {
			return false
		}
	}
	return true
}

// parts counts the bytes that part cells, those in quotes left out.
func parts(line []byte, part byte) int {
	n, within := 0, false
	for _, c := range line {
		switch {
		case c == '"' && part != '|':
			within = !within
		case c == part && !within:
			n++
		}
	}
	return n
}

// cell finds what stands in the column in the row that begins at line, without
// blanks and quotes; row is false where the line is none of the table.
func (t table) cell(text []byte, line int) (start, end int, row bool) {
	stop, complete := nextLine(text, line)
	if !complete {
		stop = len(text)
	}
	if stop-line > maxRow {
		return 0, 0, false
	}
	stop = line + len(bytes.TrimRight(text[line:stop], "\r\n"))
	if parts(text[line:stop], t.part) != t.cells {
		return 0, 0, false
	}
	start = line
	for n, within := 0, false; n < t.col; start++ {
		switch c := text[start]; {
		case c == '"' && t.part != '|':
			within = !within
		case c == t.part && !within:
			n++
		}
	}
	end = start
	for within := false; end < stop && (within || text[end] != t.part); end++ {
		if text[end] == '"' && t.part != '|' {
			within = !within
		}
	}
	inner := func(c byte) bool { return isBlank(c) || isQuote(c) || c == '*' && t.part == '|' }
	for start < end && inner(text[start]) {
		start++
	}
	for end > start && inner(text[end-1]) {
		end--
	}
	if roleOf(text[start:end]) == rolePassword {
		return 0, 0, false // the header of another table
	}
	return start, end, true
}

// nextLine returns where the line after text[pos] begins; ok is false where the
// text ends before.
func nextLine(text []byte, pos int) (next int, ok bool) {
	n := bytes.IndexByte(text[pos:min(len(text), pos+maxTable)], '\n')
	return pos + n + 1, n >= 0
}

// maxInsert is how many bytes of an INSERT are read.
const maxInsert = 2048

// insertedPassword finds the passwords that SQL's INSERT puts into a column that
// is named so.
func insertedPassword() Rule {
	return Rule{
		Entity:   "SQL_PASSWORD",
		Literals: []string{"insert into "},
		Before:   1,
		After:    maxInsert,
		Score:    0.85,
		Find: func(text []byte, at int) (int, int, bool) {
			col, pos, _ := insertColumns(text, at)
			if col == 0 {
				return 0, 0, false
			}
			return nextTuple(text, at, pos, col)
		},
		Next: func(text []byte, at, after int) (int, int, bool) {
			col, _, _ := insertColumns(text, at)
			return nextTuple(text, at, skipTuple(text, after+1), col) // behind the quote that ends the value
		},
		Open: func(text []byte, at int) bool {
			col, pos, more := insertColumns(text, at)
			if col == 0 {
				return more
			}
			for pos < len(text) {
				if text[pos] != '(' && text[pos] != ',' && !isSpace(text[pos]) {
					return false
				}
				if text[pos] == '(' {
					pos = skipTuple(text, pos+1)
					continue
				}
				pos++
			}
			return true
		},
	}
}

// insertColumns returns which column of the INSERT at at is a password's, from 1,
// and where the tuples begin; 0 where there is none, and more where it may still
// come.
func insertColumns(text []byte, at int) (col, tuples int, more bool) {
	if at > 0 && isWord(text[at-1]) {
		return 0, 0, false
	}
	const longest = 512
	limit := min(len(text), at+longest)
	pos := at + len("insert into ")
	pos = skip(text[:limit], pos, 96, func(c byte) bool { return c != '(' && c != ';' && c != '\n' })
	if pos >= limit {
		return 0, 0, limit == len(text)
	}
	if text[pos] != '(' {
		return 0, 0, false
	}
	end := bytes.IndexByte(text[pos:limit], ')')
	if end < 0 {
		return 0, 0, limit == len(text) && limit-at < longest
	}
	if col = passwordName(text[pos+1 : pos+end]); col == 0 {
		return 0, 0, false
	}
	pos = skip(text, pos+end+1, 8, isSpace)
	if len(text)-pos < len("values") {
		return 0, 0, true
	}
	if !hasFold(text[pos:], []byte("values")) {
		return 0, 0, false
	}
	return col, pos + len("values"), false
}

// passwordName returns which of the names between commas is a password's, from 1;
// 0 where none is.
func passwordName(names []byte) int {
	for n := 1; ; n++ {
		name, rest, more := bytes.Cut(names, []byte(","))
		if roleOf(bytes.Trim(name, " \t\r\n\"`'[]")) == rolePassword {
			return n
		}
		if !more {
			return 0
		}
		names = rest
	}
}

// nextTuple finds the password of the next tuple from pos on that has one.
func nextTuple(text []byte, at, pos, col int) (start, end int, ok bool) {
	limit := min(len(text), at+maxInsert)
	for {
		pos = skip(text[:limit], pos, 16, func(c byte) bool { return isSpace(c) || c == ',' })
		if pos >= limit || text[pos] != '(' {
			return 0, 0, false
		}
		start, end = tupleValue(text[:limit], pos+1, col)
		if end > start && sqlPassword(text[start:end]) {
			return start, end, true
		}
		pos = skipTuple(text[:limit], pos+1)
	}
}

// sqlPassword judges a string that is put into a column of passwords: a hash of
// one is no password.
func sqlPassword(v []byte) bool {
	return len(v) >= 4 && v[0] != '$' && v[0] != ':' && !standIn(v) && acceptsPassword(v, site{bound: byEquals, quote: '\''})
}

// tupleValue returns the inside of the col-th value, a string, of the tuple that
// begins at pos.
func tupleValue(text []byte, pos, col int) (start, end int) {
	var quote byte
	for n := 1; pos < len(text); pos++ {
		switch c := text[pos]; {
		case quote != 0 && c == quote:
			if n == col {
				return start, pos
			}
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote, start = c, pos+1
		case c == ',':
			n++
		case c == ')':
			return 0, 0
		}
	}
	return 0, 0
}

// skipTuple returns where the text goes on behind the bracket that closes the
// tuple at hand.
func skipTuple(text []byte, pos int) int {
	var quote byte
	for ; pos < len(text); pos++ {
		switch c := text[pos]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == ')':
			return pos + 1
		}
	}
	return pos
}
