package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// chart is a plot over a window's steps, made ready for its template: the SVG
// holds no text, so that it can be stretched; labels stand beside it.
type chart struct {
	ID, Title, Note string
	Legend          []legend
	Ticks           []string // the highest first
	Times           []string
	Width           int
	Columns         []column
	Lines           []line
	Heads           []string // of the table
	Empty           bool
}

type legend struct{ Name, Class, Total string }

// column is one step: its stacked bars, and its row of the table.
type column struct {
	X     int
	Bars  []bar
	Tip   string
	Time  string
	Cells []string
	None  bool // nothing in this step
}

type bar struct{ Y, H, Class string }

// line is a polyline with gaps where there is nothing.
type line struct{ Path, Class string }

// layer is one series of a plot.
type layer struct {
	name, class, total string
	value              func(i int) float64
}

// plot is what a chart is made of.
type plot struct {
	id, title, note string
	steps           []span
	step            time.Duration
	layers          []layer
	format          func(float64) string
	lines           bool
	whole           bool // counts: no ticks between whole numbers
}

// columnWidth is of the SVG's own units, plotHeight the height of the plot.
const (
	columnWidth = 10
	plotHeight  = 100
)

func (p *plot) chart() *chart {
	top := p.top()
	c := &chart{ID: p.id, Title: p.title, Note: p.note, Width: len(p.steps) * columnWidth, Ticks: p.ticks(top), Times: p.times(), Empty: p.highest() == 0}
	for _, l := range p.layers {
		c.Legend = append(c.Legend, legend{l.name, l.class, l.total})
		c.Heads = append(c.Heads, l.name)
	}
	for i := range p.steps {
		c.Columns = append(c.Columns, p.column(i, top))
	}
	if p.lines {
		for _, l := range p.layers {
			c.Lines = append(c.Lines, line{p.path(l, top), l.class})
		}
	}
	return c
}

// top is the value at the upper edge.
func (p *plot) top() float64 {
	top := nice(p.highest())
	for p.whole && math.Mod(top, 4) != 0 {
		top = nice(max(top*1.01, 4))
	}
	return top
}

// highest is the top of the highest column, or of the highest line.
func (p *plot) highest() (most float64) {
	for i := range p.steps {
		sum := 0.0
		for _, l := range p.layers {
			if v := l.value(i); p.lines {
				sum = max(sum, v)
			} else {
				sum += v
			}
		}
		most = max(most, sum)
	}
	return most
}

func (p *plot) column(i int, top float64) column {
	c := column{X: i * columnWidth, Time: stepTime(p.steps[i].start, p.step), None: true}
	tip := []string{c.Time}
	base := 0.0
	for _, l := range p.layers {
		v := l.value(i)
		c.Cells = append(c.Cells, p.format(v))
		if v > 0 {
			c.None = false
			tip = append(tip, l.name+": "+p.format(v))
			if !p.lines {
				height := v / top * plotHeight
				c.Bars = append(c.Bars, bar{coordinate(plotHeight - base - height), coordinate(height), l.class})
				base += height
			}
		}
	}
	if c.None {
		tip = append(tip, "nothing")
	}
	c.Tip = strings.Join(tip, "\n")
	return c
}

// path draws a line through the middles of the columns; a step without a value
// breaks it, one alone is a short dash.
func (p *plot) path(l layer, top float64) string {
	var b strings.Builder
	drawing := false
	for i := range p.steps {
		v := l.value(i)
		if v <= 0 {
			drawing = false
			continue
		}
		x, y := float64(i*columnWidth)+columnWidth/2, coordinate(plotHeight-v/top*plotHeight)
		if !drawing {
			fmt.Fprintf(&b, "M%s %s", coordinate(x-3), y)
		}
		fmt.Fprintf(&b, "L%s %sL%s %s", coordinate(x), y, coordinate(x+3), y)
		drawing = true
	}
	return b.String()
}

// ticks are the labels of four equal steps from top down to 0.
func (p *plot) ticks(top float64) []string {
	out := make([]string, 0, 5)
	for i := 4; i >= 0; i-- {
		out = append(out, p.format(top*float64(i)/4))
	}
	return out
}

// times are five labels from the first step to the end of the last.
func (p *plot) times() []string {
	begin := p.steps[0].start
	whole := time.Duration(len(p.steps)) * p.step
	out := make([]string, 0, 5)
	for i := range 5 {
		out = append(out, stepTime(begin.Add(whole*time.Duration(i)/4), whole/4))
	}
	return out
}

// stepTime is a time of day, with the day where steps are long.
func stepTime(t time.Time, step time.Duration) string {
	if step >= 6*time.Hour {
		return t.UTC().Format("2 Jan 15:04")
	}
	return t.UTC().Format("15:04")
}

// nice is the next number above v that divides well by four.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8} {
		if v <= m*unit*(1+1e-9) {
			return m * unit
		}
	}
	return 10 * unit
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
