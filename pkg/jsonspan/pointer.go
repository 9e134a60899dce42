package jsonspan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrNotFound is wrapped by the error of a pointer that leads nowhere.
var ErrNotFound = errors.New("no such value")

// Pointer is the value that a JSON Pointer (RFC 6901) names from v. The error
// names the pointer and wraps [ErrNotFound] where it leads nowhere; a malformed
// pointer is another error.
func (v Value) Pointer(ptr string) (Value, error) {
	if err := checkPointer(ptr); err != nil {
		return Value{}, err
	}
	at := v
	for rest := ptr; rest != ""; {
		var token string
		token, rest = nextToken(rest)
		if at = at.child(token); !at.Exists() {
			return Value{}, fmt.Errorf("pointer %q: %w at %q", ptr, ErrNotFound, ptr[:len(ptr)-len(rest)])
		}
	}
	if !at.Exists() {
		return Value{}, fmt.Errorf("pointer %q: %w", ptr, ErrNotFound)
	}
	return at, nil
}

func (v Value) child(token string) Value {
	if v.kind == Object {
		return v.Get(token)
	}
	if n, ok := arrayIndex(token); ok {
		for i, el := range v.Elements() {
			if i == n {
				return el
			}
		}
	}
	return Value{}
}

// arrayIndex reads an array index of RFC 6901: digits, no leading zeros.
func arrayIndex(token string) (int, bool) {
	if token == "" || !isDigit(token[0]) || token[0] == '0' && len(token) > 1 {
		return 0, false
	}
	n, err := strconv.Atoi(token)
	return n, err == nil
}

func checkPointer(ptr string) error {
	if ptr != "" && ptr[0] != '/' {
		return fmt.Errorf("pointer %q doesn't begin with a slash", ptr)
	}
	if !utf8.ValidString(ptr) {
		return fmt.Errorf("pointer %q is not valid UTF-8", ptr)
	}
	for i := 0; i < len(ptr); i++ {
		if ptr[i] == '~' && (i+1 == len(ptr) || ptr[i+1] != '0' && ptr[i+1] != '1') {
			return fmt.Errorf("pointer %q has a ~ that is neither ~0 nor ~1", ptr)
		}
	}
	return nil
}

var unescapeToken = strings.NewReplacer("~1", "/", "~0", "~")

// nextToken splits the first reference token off a pointer that begins with a
// slash, and decodes it.
func nextToken(ptr string) (token, rest string) {
	token, rest = ptr[1:], ""
	if i := strings.IndexByte(token, '/'); i >= 0 {
		token, rest = token[:i], token[i:]
	}
	if strings.IndexByte(token, '~') >= 0 {
		token = unescapeToken.Replace(token)
	}
	return token, rest
}

// parent is the value that holds what ptr names, and the last token.
func parent(doc []byte, ptr string) (Value, string, error) {
	if err := checkPointer(ptr); err != nil {
		return Value{}, "", err
	}
	i := strings.LastIndexByte(ptr, '/')
	v, err := Root(doc).Pointer(ptr[:i])
	if err != nil {
		return Value{}, "", fmt.Errorf("pointer %q: its parent is missing: %w", ptr, err)
	}
	token, _ := nextToken(ptr[i:])
	if v.kind != Object && v.kind != Array {
		return Value{}, "", fmt.Errorf("pointer %q: its parent is a %v, neither object nor array", ptr, v.kind)
	}
	return v, token, nil
}

// checkValue refuses a value that isn't JSON, so that no splice breaks a document.
func checkValue(ptr string, value []byte) error {
	if err := Validate(value); err != nil {
		return fmt.Errorf("pointer %q: value: %w", ptr, err)
	}
	return nil
}

// Set is the splice that makes the value at ptr be value: it replaces what is
// there, adds a member to an object behind its last one, and appends to an array
// where ptr ends in "-" or the array's length. doc must be valid. A missing
// parent is an error.
//
// A splice is right for doc alone: to make several changes by pointers, make one
// after the other, or use [Patch].
func Set(doc []byte, ptr string, value []byte) (Splice, error) {
	if err := checkValue(ptr, value); err != nil {
		return Splice{}, err
	}
	if ptr == "" {
		return Splice{Root(doc).at, value}, nil
	}
	p, token, err := parent(doc, ptr)
	if err != nil {
		return Splice{}, err
	}
	if old := p.child(token); old.Exists() {
		return Splice{old.at, value}, nil
	}
	if p.kind == Object {
		with := append(AppendQuoted(nil, token), ':')
		return p.addLast(append(with, value...)), nil
	}
	if n, ok := arrayIndex(token); token == "-" || ok && n == p.Len() {
		return p.addLast(value), nil
	}
	return Splice{}, fmt.Errorf("pointer %q: %w: the array has %d elements", ptr, ErrNotFound, p.Len())
}

// addLast is the splice that puts item behind the last member or element.
func (v Value) addLast(item []byte) Splice {
	end := -1
	for _, m := range v.Members() {
		end = m.at.End
	}
	for _, el := range v.Elements() {
		end = el.at.End
	}
	if end < 0 {
		return Splice{Range{v.at.Start + 1, v.at.Start + 1}, item}
	}
	return Splice{Range{end, end}, append([]byte{','}, item...)}
}

// Remove is the splice that takes away the member or element at ptr, with the
// comma that parted it from its neighbour. The root can't be removed.
func Remove(doc []byte, ptr string) (Splice, error) {
	if ptr == "" {
		return Splice{}, errors.New(`pointer "": the whole document can't be removed`)
	}
	p, token, err := parent(doc, ptr)
	if err != nil {
		return Splice{}, err
	}
	r, found := p.locate(token)
	if !found {
		return Splice{}, fmt.Errorf("pointer %q: %w", ptr, ErrNotFound)
	}
	d := doc[:p.at.End]
	if next := nextItem(d, r.End); next < len(d) {
		r.End = next
		return Splice{Range: r}, nil
	}
	for i := r.Start - 1; i > p.at.Start; i-- {
		if doc[i] == ',' {
			r.Start = i
			break
		}
	}
	return Splice{Range: r}, nil
}

// locate is where the member, with its name, or the element that token names lies.
func (v Value) locate(token string) (Range, bool) {
	for k, m := range v.Members() {
		if k.Is(token) {
			return Range{k.at.Start, m.at.End}, true
		}
	}
	if v.kind == Array {
		el := v.child(token)
		return el.at, el.Exists()
	}
	return Range{}, false
}

// Append is the splice that puts value behind the last element of the array at
// ptr.
func Append(doc []byte, ptr string, value []byte) (Splice, error) {
	if err := checkValue(ptr, value); err != nil {
		return Splice{}, err
	}
	v, err := Root(doc).Pointer(ptr)
	if err != nil {
		return Splice{}, err
	}
	if v.kind != Array {
		return Splice{}, fmt.Errorf("pointer %q: a %v, not an array", ptr, v.kind)
	}
	return v.addLast(value), nil
}

// Insert is the splice that puts value before the element at ptr, whose last
// token is an index up to the array's length, or "-" for behind the last.
func Insert(doc []byte, ptr string, value []byte) (Splice, error) {
	if err := checkValue(ptr, value); err != nil {
		return Splice{}, err
	}
	if ptr == "" {
		return Splice{}, errors.New(`pointer "": no index to insert before`)
	}
	p, token, err := parent(doc, ptr)
	if err != nil {
		return Splice{}, err
	}
	if p.kind != Array {
		return Splice{}, fmt.Errorf("pointer %q: its parent is a %v, not an array", ptr, p.kind)
	}
	if el := p.child(token); el.Exists() {
		with := append(append([]byte{}, value...), ',')
		return Splice{Range{el.at.Start, el.at.Start}, with}, nil
	}
	if n, ok := arrayIndex(token); token == "-" || ok && n == p.Len() {
		return p.addLast(value), nil
	}
	return Splice{}, fmt.Errorf("pointer %q: %w: the array has %d elements", ptr, ErrNotFound, p.Len())
}

// Change is one step of a [Patch].
type Change struct {
	Op      Op
	Pointer string
	Value   []byte // JSON; unused by OpRemove
}

// Op is what a [Change] does.
type Op uint8

// Ops: see the functions of these names.
const (
	OpSet Op = iota
	OpRemove
	OpAppend
	OpInsert
)

// Patch makes the changes one after the other, each on what the one before left,
// and returns the new document; doc itself where there are none.
func Patch(doc []byte, changes []Change) ([]byte, error) {
	for _, c := range changes {
		s, err := c.splice(doc)
		if err != nil {
			return nil, err
		}
		e := Edits{list: []Splice{s}}
		if doc, err = e.Apply(doc); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (c Change) splice(doc []byte) (Splice, error) {
	switch c.Op {
	case OpSet:
		return Set(doc, c.Pointer, c.Value)
	case OpRemove:
		return Remove(doc, c.Pointer)
	case OpAppend:
		return Append(doc, c.Pointer, c.Value)
	case OpInsert:
		return Insert(doc, c.Pointer, c.Value)
	}
	return Splice{}, fmt.Errorf("pointer %q: unknown change %d", c.Pointer, c.Op)
}
