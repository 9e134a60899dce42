package injection

import "testing"

func benchmark(b *testing.B, text []byte, role Role) {
	d := newDetector(b, Options{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d.Score(text, role)
	}
}

func BenchmarkProse(b *testing.B)      { benchmark(b, longProse(256<<10), User) }
func BenchmarkShortProse(b *testing.B) { benchmark(b, []byte(prose), User) }

// BenchmarkShortTexts scores what people write to models in a line, words of
// orders among it.
func BenchmarkShortTexts(b *testing.B) {
	d := newDetector(b, Options{})
	size := 0
	for _, text := range harmless {
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range harmless {
			d.Score([]byte(text), User)
		}
	}
}

// BenchmarkProseWithOrders has an order every 4 KiB.
func BenchmarkProseWithOrders(b *testing.B) {
	var text []byte
	for i := range 16 {
		text = append(append(text, longProse(4<<10)...), attacks[i].text...)
	}
	benchmark(b, text, Tool)
}

func BenchmarkAttack(b *testing.B) { benchmark(b, []byte(attacks[0].text), Tool) }

func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile(64 << 10) {
		b.Run(name, func(b *testing.B) { benchmark(b, text, Tool) })
	}
}

// BenchmarkByteLoop is one look at each byte, to compare with.
func BenchmarkByteLoop(b *testing.B) {
	text := longProse(256 << 10)
	b.SetBytes(int64(len(text)))
	n := 0
	for b.Loop() {
		for _, c := range text {
			if letterish[c] {
				n++
			}
		}
	}
	if n == 0 {
		b.Fatal("no letters")
	}
}
