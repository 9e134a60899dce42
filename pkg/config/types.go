package config

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is unix:/path or host:port.
type Address string

// Network splits the address into the arguments of net.Listen.
func (a Address) Network() (network, address string) {
	if path, ok := strings.CutPrefix(string(a), "unix:"); ok {
		return "unix", path
	}
	return "tcp", string(a)
}

// Loopback reports whether the address is one of loopback, which other machines
// can't reach.
func (a Address) Loopback() bool {
	network, address := a.Network()
	host, _, err := net.SplitHostPort(address)
	if network != "tcp" || err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Path is a file or folder. A relative one is resolved against the folder of
// the configuration file.
type Path string

// FileMode is a file's permission bits, written in octal.
type FileMode fs.FileMode

// UnmarshalText reads octal digits: "0660", "660".
func (m *FileMode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(string(text), "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf(`want permissions in octal, such as "0660"`)
	}
	*m = FileMode(n)
	return nil
}

// String is the mode in octal, with a leading zero.
func (m FileMode) String() string { return fmt.Sprintf("%#o", uint32(m)) }

// Size is a number of bytes.
type Size int64

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1}, {"", 1},
}

// UnmarshalText reads a whole number and an optional unit: 512, 64KiB, 4MB.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(string(text), unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/unit.factor {
			break
		}
		*s = Size(n * unit.factor)
		return nil
	}
	return fmt.Errorf("want a size, such as 512KiB, 4MiB or a number of bytes")
}

// String is the size in the largest binary unit that divides it.
func (s Size) String() string {
	for i := 3; i >= 0; i-- {
		if unit := sizeUnits[i]; s != 0 && int64(s)%unit.factor == 0 {
			return strconv.FormatInt(int64(s)/unit.factor, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Secret is a value that is never printed: not by fmt, not by slog, not by an
// encoder. Only Reveal gives it.
type Secret struct{ value string }

const hidden = "(hidden)"

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal is the value.
func (s Secret) Reveal() string { return s.value }

// Format writes a placeholder whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue is a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is a placeholder: a configuration that is written out keeps its secrets.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText takes the value as it stands.
func (s *Secret) UnmarshalText(text []byte) error {
	s.value = string(text)
	return nil
}
