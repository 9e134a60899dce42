package jsonspan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Splice puts With in the place of the bytes of Range. An empty Range inserts,
// an empty With removes.
type Splice struct {
	Range Range
	With  []byte
}

// Edits collects splices of one document. The zero value is ready to use; it is
// not safe for concurrent use.
type Edits struct {
	list   []Splice
	sorted bool
}

// Add adds a splice of r; with is kept, not copied.
func (e *Edits) Add(r Range, with []byte) {
	e.list = append(e.list, Splice{r, with})
	e.sorted = false
}

// Empty reports whether there is nothing to do.
func (e *Edits) Empty() bool { return len(e.list) == 0 }

// Len is the number of splices added.
func (e *Edits) Len() int { return len(e.list) }

// Reset forgets all splices and keeps the memory.
func (e *Edits) Reset() { clear(e.list); e.list = e.list[:0] }

// Delta is by how many bytes Apply makes the document longer; negative where
// shorter.
func (e *Edits) Delta() int {
	e.settle()
	n := 0
	for _, s := range e.list {
		n += len(s.With) - s.Range.Len()
	}
	return n
}

// settle sorts the splices by place, insertions at one place in the order they
// were added, and drops replacements that repeat another.
func (e *Edits) settle() {
	if e.sorted {
		return
	}
	slices.SortStableFunc(e.list, func(a, b Splice) int {
		return cmp.Or(cmp.Compare(a.Range.Start, b.Range.Start), cmp.Compare(a.Range.End, b.Range.End))
	})
	e.list = slices.CompactFunc(e.list, func(a, b Splice) bool {
		return a.Range == b.Range && a.Range.Len() > 0 && bytes.Equal(a.With, b.With)
	})
	e.sorted = true
}

// Apply returns doc with all splices made; doc itself where there are none, else
// a new slice. Splices that overlap or lie outside doc are an error, but a
// replacement added twice alike is made once. Insertions at one place keep the
// order they were added in and stand before a replacement that begins there.
func (e *Edits) Apply(doc []byte) ([]byte, error) {
	if e.Empty() {
		return doc, nil
	}
	e.settle()
	if err := e.check(len(doc)); err != nil {
		return nil, err
	}
	out, done := make([]byte, 0, len(doc)+e.Delta()), 0
	for _, s := range e.list {
		out = append(out, doc[done:s.Range.Start]...)
		out = append(out, s.With...)
		done = s.Range.End
	}
	return append(out, doc[done:]...), nil
}

// Merge makes one splice of those that overlap, so that Apply takes them: one
// that lies within another is dropped, the first of two with one range stays, and
// of two that overlap in part the text of the first, or where that is empty of
// the second, stands for both. It is for findings that share a token or a
// character; edits that part the same place in different ways are better refused.
func (e *Edits) Merge() {
	e.settle()
	merged := e.list[:0]
	for _, s := range e.list {
		if n := len(merged); n > 0 && s.Range.Start < merged[n-1].Range.End {
			merged[n-1] = join(merged[n-1], s)
			continue
		}
		merged = append(merged, s)
	}
	clear(e.list[len(merged):])
	e.list = merged
}

// join makes one of two splices that overlap, a beginning no later than b.
func join(a, b Splice) Splice {
	switch {
	case b.Range.End <= a.Range.End:
		return a
	case b.Range.Start == a.Range.Start:
		return b
	case len(a.With) == 0:
		a.With = b.With
	}
	a.Range.End = b.Range.End
	return a
}

func (e *Edits) check(size int) error {
	last := Range{}
	for _, s := range e.list {
		r := s.Range
		if r.Start < 0 || r.End < r.Start || r.End > size {
			return fmt.Errorf("edit of bytes %d to %d lies outside the document of %d bytes", r.Start, r.End, size)
		}
		if r.Start < last.End {
			return fmt.Errorf("edits of bytes %d to %d and %d to %d overlap", last.Start, last.End, r.Start, r.End)
		}
		last = r
	}
	return nil
}
