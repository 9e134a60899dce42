// Package shape matches tokens at a known place: a regular expression of
// literals, byte classes and counted repeats, compiled to a small graph that
// is walked byte by byte without allocating.
//
// Most rules for secrets are a prefix and a run of a character set, and the
// prefilter says where the prefix is. A regexp engine spends its time looking
// for the start and on general states; a Shape does neither. It matches at one
// position, prefers what RE2 prefers (leftmost alternative, greedy or lazy as
// written), and gives up after a budget of steps, so that no input makes it
// slow: [Shape.Match] then says so, and the caller may ask RE2.
package shape

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

// Unbounded is how many bytes a repeat without an upper bound may take. RE2
// would take all there are; a secret of more bytes is matched so far.
const Unbounded = 4096

// budget is how many steps one Match may take. A shape of fixed runs needs a
// few; only runs that may end in several places come back to try again.
const budget = 1 << 16

// ErrUnsupported says that a pattern has a part no Shape can hold.
var ErrUnsupported = errors.New("no shape for this pattern")

// Shape is a compiled pattern. It is immutable and safe for concurrent use.
type Shape struct {
	start    *node
	min, max int  // bytes a match takes
	first    Set  // bytes a match begins with
	begins   bool // it begins with one of first
}

type kind uint8

const (
	kindEnd kind = iota
	kindSet
	kindLiteral
	kindAlt
	kindCapture
	kindAssert
)

// node is one step of the pattern; next is what follows it.
type node struct {
	kind     kind
	assert   syntax.EmptyOp
	lazy     bool
	definite bool // what follows cannot begin inside this run: only its full length can match
	fold     bool
	set      *Set
	follow   *Set // bytes of which one must follow the run; nil where none need
	min, max int  // repeats of set
	slot     int  // capture slot
	literal  string
	alts     []*node
	next     *node
}

// Compile turns a pattern into a Shape. It fails with an error wrapping
// [ErrUnsupported] where the pattern repeats a group without bound or has a
// class of bytes beyond ASCII.
func Compile(pattern string) (*Shape, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", pattern, err)
	}
	return FromTree(tree)
}

// FromTree is [Compile] of a parsed pattern, which it leaves alone.
func FromTree(tree *syntax.Regexp) (*Shape, error) {
	s := &Shape{}
	start, err := build(tree, &node{kind: kindEnd})
	if err != nil {
		return nil, err
	}
	s.start = start
	s.min, s.max = Length(tree)
	settle(start, map[*node]bool{})
	s.begins = s.min > 0
	beginsWith(start, &s.first)
	return s, nil
}

// Max is the most bytes a match takes, repeats without bound counted as
// [Unbounded].
func (s *Shape) Max() int { return s.max }

// Min is the fewest bytes a match takes.
func (s *Shape) Min() int { return s.min }

// build returns the node that matches re and then next.
func build(re *syntax.Regexp, next *node) (*node, error) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return next, nil
	case syntax.OpLiteral:
		return buildLiteral(re, next)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		set, ok := setOf(re)
		if !ok {
			return nil, fmt.Errorf("%w: %v takes characters beyond ASCII", ErrUnsupported, re)
		}
		return &node{kind: kindSet, set: set, min: 1, max: 1, next: next}, nil
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return &node{kind: kindAssert, assert: asserts[re.Op], next: next}, nil
	case syntax.OpCapture:
		return buildCapture(re, next)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return buildRepeat(re, next)
	case syntax.OpConcat:
		return buildConcat(re.Sub, next)
	case syntax.OpAlternate:
		return buildAlternate(re.Sub, next)
	}
	return nil, fmt.Errorf("%w: %v", ErrUnsupported, re)
}

var asserts = map[syntax.Op]syntax.EmptyOp{
	syntax.OpBeginLine:      syntax.EmptyBeginLine,
	syntax.OpEndLine:        syntax.EmptyEndLine,
	syntax.OpBeginText:      syntax.EmptyBeginText,
	syntax.OpEndText:        syntax.EmptyEndText,
	syntax.OpWordBoundary:   syntax.EmptyWordBoundary,
	syntax.OpNoWordBoundary: syntax.EmptyNoWordBoundary,
}

func buildLiteral(re *syntax.Regexp, next *node) (*node, error) {
	n := &node{kind: kindLiteral, literal: string(re.Rune), fold: re.Flags&syntax.FoldCase != 0, next: next}
	if n.fold {
		n.literal = lower(n.literal)
	}
	return n, nil
}

func buildCapture(re *syntax.Regexp, next *node) (*node, error) {
	end := &node{kind: kindCapture, slot: 2*re.Cap + 1, next: next}
	sub, err := build(re.Sub[0], end)
	return &node{kind: kindCapture, slot: 2 * re.Cap, next: sub}, err
}

func buildConcat(subs []*syntax.Regexp, next *node) (*node, error) {
	for i := len(subs) - 1; i >= 0; i-- {
		var err error
		if next, err = build(subs[i], next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func buildAlternate(subs []*syntax.Regexp, next *node) (*node, error) {
	alt := &node{kind: kindAlt}
	for _, sub := range subs {
		n, err := build(sub, next)
		if err != nil {
			return nil, err
		}
		alt.alts = append(alt.alts, n)
	}
	return alt, nil
}

// buildRepeat keeps a repeat of a class as one node and unrolls a counted
// repeat of a group.
func buildRepeat(re *syntax.Regexp, next *node) (*node, error) {
	lo, hi := bounds(re)
	lazy := re.Flags&syntax.NonGreedy != 0
	sub := re.Sub[0]
	if set, ok := setOf(sub); ok {
		if hi < 0 {
			hi = max(Unbounded, lo)
		}
		return &node{kind: kindSet, set: set, min: lo, max: hi, lazy: lazy, next: next}, nil
	}
	if hi < 0 || hi > 16 {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, re)
	}
	for i := hi; i > 0; i-- {
		n, err := build(sub, next)
		if err != nil {
			return nil, err
		}
		if i > lo {
			alts := []*node{n, next}
			if lazy {
				alts[0], alts[1] = alts[1], alts[0]
			}
			n = &node{kind: kindAlt, alts: alts}
		}
		next = n
	}
	return next, nil
}

// bounds gives the repeats of a repeating node; hi is -1 without a bound.
func bounds(re *syntax.Regexp) (lo, hi int) {
	switch re.Op {
	case syntax.OpStar:
		return 0, -1
	case syntax.OpPlus:
		return 1, -1
	case syntax.OpQuest:
		return 0, 1
	case syntax.OpRepeat:
		return re.Min, re.Max
	}
	return 1, 1
}

// Length gives the fewest and the most bytes a pattern matches, repeats
// without bound counted as [Unbounded] and every character as a byte.
func Length(re *syntax.Regexp) (lo, hi int) {
	switch re.Op {
	case syntax.OpLiteral:
		n := len(string(re.Rune))
		return n, n
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, 1
	case syntax.OpCapture:
		return Length(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			a, b := Length(sub)
			lo, hi = lo+a, hi+b
		}
		return lo, hi
	case syntax.OpAlternate:
		lo = 1 << 30
		for _, sub := range re.Sub {
			a, b := Length(sub)
			lo, hi = min(lo, a), max(hi, b)
		}
		return lo, hi
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		a, b := Length(re.Sub[0])
		n, m := bounds(re)
		if m < 0 {
			return n * a, max(Unbounded, n*b)
		}
		return n * a, m * b
	}
	return 0, 0
}

// settle marks the runs that can only match in full: the byte after them,
// whatever path is taken, is outside their set.
func settle(n *node, seen map[*node]bool) {
	for ; n != nil && !seen[n]; n = n.next {
		seen[n] = true
		for _, alt := range n.alts {
			settle(alt, seen)
		}
		if n.kind != kindSet || n.min == n.max {
			continue
		}
		var first Set
		if !firstOf(n.next, &first) {
			n.definite = !first.Meets(n.set)
			n.follow = &first
		}
	}
}

// beginsWith adds the bytes a match that starts at n begins with; assertions
// take none.
func beginsWith(n *node, into *Set) {
	for n.kind == kindAssert || n.kind == kindCapture {
		n = n.next
	}
	switch n.kind {
	case kindAlt:
		for _, alt := range n.alts {
			beginsWith(alt, into)
		}
	case kindSet:
		into.Add(n.set)
		if n.min == 0 {
			beginsWith(n.next, into)
		}
	case kindLiteral:
		into.AddByte(n.literal[0], n.fold)
	}
}

// firstOf adds the bytes that may follow at n, and reports whether n may also
// match without taking a byte, as an assertion or the end does.
func firstOf(n *node, into *Set) (empty bool) {
	switch n.kind {
	case kindSet:
		into.Add(n.set)
		return n.min == 0 && firstOf(n.next, into)
	case kindLiteral:
		into.AddByte(n.literal[0], n.fold)
		return false
	case kindCapture:
		return firstOf(n.next, into)
	case kindAlt:
		for _, alt := range n.alts {
			empty = firstOf(alt, into) || empty
		}
		return empty
	}
	return true
}
