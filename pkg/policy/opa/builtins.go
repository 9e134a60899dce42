package opa

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
)

type builtin struct {
	decl *ast.Builtin
	impl topdown.BuiltinFunc
}

// builtins are Regent's own: functions of their arguments and, some, of what the
// operator has Regent know. None does I/O, none reads a clock.
var builtins = append([]builtin{
	{
		&ast.Builtin{
			Name:        "regent.bucket",
			Description: "Where a key falls between 0 and 1, the same on every replica: for shares of traffic. Another salt spreads keys anew.",
			Decl: types.NewFunction(
				types.Args(types.Named("key", types.S), types.Named("salt", types.S)),
				types.Named("share", types.N).Description("at least 0, less than 1"),
			),
		}, bucket,
	},
	{
		&ast.Builtin{
			Name:        "regent.hash",
			Description: "The SHA-256 of a value's canonical form, in hex: equal values have equal hashes, whatever the order of their keys.",
			Decl:        types.NewFunction(types.Args(types.Named("value", types.A)), types.Named("hash", types.S)),
		}, hash,
	},
	{
		&ast.Builtin{
			Name:        "regent.repeats",
			Description: "How often the most frequent value of a list occurs, 0 for none: of the calls of an agent that goes in circles, say.",
			Decl:        types.NewFunction(types.Args(types.Named("values", types.NewArray(nil, types.A))), types.Named("times", types.N)),
		}, repeats,
	},
	{
		&ast.Builtin{
			Name:        "regent.similarity",
			Description: "How alike two texts are, 0 to 1: the share of their three-letter runs that both hold, letter case and spacing aside. Of each, the first 16 KiB count.",
			Decl:        types.NewFunction(types.Args(types.Named("a", types.S), types.Named("b", types.S)), types.Named("likeness", types.N)),
		}, similarity,
	},
	{
		&ast.Builtin{
			Name:        "regent.within",
			Description: "Whether a time lies in a weekly window. A window that ends before it begins runs past midnight and belongs to the day it begins on.",
			Decl: types.NewFunction(
				types.Args(
					types.Named("time", types.N).Description("nanoseconds since 1970, as input.call.started_ns or time.now_ns()"),
					types.Named("window", types.NewObject([]*types.StaticProperty{
						types.NewStaticProperty("days", types.NewArray(nil, types.S)),
						types.NewStaticProperty("from", types.S),
						types.NewStaticProperty("to", types.S),
						types.NewStaticProperty("zone", types.S),
					}, nil)).Description("days mon … sun, from and to as 15:04, zone as Europe/Berlin"),
				),
				types.Named("inside", types.B),
			),
		}, within,
	},
	{
		&ast.Builtin{
			Name:        "regent.spiffe",
			Description: "The parts of a SPIFFE id, spiffe://trust-domain/path. Anything else is an error.",
			Decl: types.NewFunction(
				types.Args(types.Named("id", types.S)),
				types.Named("parts", types.NewObject([]*types.StaticProperty{
					types.NewStaticProperty("trust_domain", types.S), types.NewStaticProperty("path", types.S),
				}, nil)),
			),
		}, spiffe,
	},
}, knowing...)

// Builtins are a table of the engine's, which must not change once policies are
// compiled, hence here.
func init() {
	for _, b := range builtins {
		ast.RegisterBuiltin(b.decl)
		topdown.RegisterBuiltinFunc(b.decl.Name, b.impl)
	}
}

func bucket(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	key, salt := string(args[0].Value.(ast.String)), string(args[1].Value.(ast.String))
	// The length keeps ("ab", "c") and ("a", "bc") apart.
	sum := sha256.Sum256([]byte(strconv.Itoa(len(salt)) + ":" + salt + key))
	share := float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
	return give(ast.NumberTerm(floatNumber(share)))
}

func hash(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	sum := sha256.Sum256([]byte(args[0].Value.String()))
	return give(ast.StringTerm(hex.EncodeToString(sum[:])))
}

const maxCompared = 16 << 10

func similarity(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	a, b := trigrams(string(args[0].Value.(ast.String))), trigrams(string(args[1].Value.(ast.String)))
	both := 0
	for run := range a {
		if b[run] {
			both++
		}
	}
	either := len(a) + len(b) - both
	if either == 0 {
		return give(ast.InternedTerm(1))
	}
	return give(ast.NumberTerm(floatNumber(float64(both) / float64(either))))
}

// trigrams are the runs of three runes in text's words, joined by single
// spaces; of a shorter text, the text.
func trigrams(text string) map[[3]rune]bool {
	if len(text) > maxCompared {
		end := maxCompared
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	runes := []rune(strings.Join(strings.Fields(strings.ToLower(text)), " "))
	out := map[[3]rune]bool{}
	if n := len(runes); n > 0 && n < 3 {
		var short [3]rune
		copy(short[:], runes)
		out[short] = true
	}
	for i := 0; i+3 <= len(runes); i++ {
		out[[3]rune(runes[i:i+3])] = true
	}
	return out
}

// weekdays by time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func within(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	ns, ok := args[0].Value.(ast.Number).Int64()
	if !ok {
		return fmt.Errorf("%s are no nanoseconds", args[0])
	}
	window := args[1].Value
	zone, err := location(str(window, "zone"))
	if err != nil {
		return err
	}
	from, err := minutes(str(window, "from"))
	if err != nil {
		return err
	}
	to, err := minutes(str(window, "to"))
	if err != nil {
		return err
	}
	days := strs(get(window, "days"))
	for _, day := range days {
		if !slices.Contains(weekdays, day) {
			return fmt.Errorf("%q is no day%s", day, hint(day, weekdays))
		}
	}
	at := time.Unix(0, ns).In(zone)
	now, today, yesterday := at.Hour()*60+at.Minute(), weekdays[at.Weekday()], weekdays[(at.Weekday()+6)%7]
	inside := from <= now && now < to && slices.Contains(days, today)
	if to <= from {
		inside = now >= from && slices.Contains(days, today) || now < to && slices.Contains(days, yesterday)
	}
	return give(ast.InternedTerm(inside))
}

// zones remembers loaded time zones: reading them is I/O, once a zone. There
// are some 600; a name that is none is not kept.
var zones sync.Map

func location(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, errors.New("the window has no zone such as Europe/Berlin or UTC")
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, zone)
	}
	return zone, err
}

// minutes reads 15:04; 24:00 is the end of the day.
func minutes(clock string) (int, error) {
	if clock == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day such as 09:30", clock)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// spiffe reads a SPIFFE id by the SPIFFE-ID specification, section 2.
func spiffe(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	id := string(args[0].Value.(ast.String))
	u, err := url.Parse(id)
	if err != nil || u.Scheme != "spiffe" || !trustDomain(u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(id) > 2048 || strings.ContainsAny(id, "?#%") {
		return fmt.Errorf("%q is no SPIFFE id", id)
	}
	for i, segment := range strings.Split(u.Path, "/") {
		if i > 0 && (segment == "" || segment == "." || segment == "..") {
			return fmt.Errorf("%q has an empty or relative path segment", id)
		}
	}
	return give(ast.ObjectTerm(
		[2]*ast.Term{ast.InternedTerm("trust_domain"), ast.StringTerm(u.Host)},
		[2]*ast.Term{ast.InternedTerm("path"), ast.StringTerm(u.Path)},
	))
}

func trustDomain(s string) bool {
	return s != "" && len(s) <= 255 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}
