package detect

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"golang.org/x/crypto/sha3"
)

// wallet checks addresses of Bitcoin (base58check, bech32) and Ethereum.
func (v *verifier) wallet(i int) {
	u := &v.units[i]
	n := u.len()
	if n < 26 || n > 90 || !v.closes(i) {
		return
	}
	b := v.text[u.start:u.end]
	switch {
	case n == 42 && b[0] == '0' && b[1] == 'x' && isHexes(b[2:]) && mixedCase(b[2:]):
		if v.eip55(b[2:]) {
			v.add("CRYPTO_WALLET", u.start, u.end, 0.97, aboutWallet, false)
		}
	case n == 42 && b[0] == '0' && b[1] == 'x' && isHexes(b[2:]):
		v.add("CRYPTO_WALLET", u.start, u.end, 0.65, aboutWallet, false)
	case n <= 35 && (b[0] == '1' || b[0] == '3') && base58check(b),
		n >= 42 && (string(b[:3]) == "bc1" || string(b[:3]) == "BC1") && bech32(b):
		v.add("CRYPTO_WALLET", u.start, u.end, 0.97, aboutWallet, false)
	}
}

// mixedCase reports letters of both cases, which say that an Ethereum address has
// a checksum.
func mixedCase(b []byte) bool {
	return bytes.ContainsAny(b, "abcdef") && bytes.ContainsAny(b, "ABCDEF")
}

// eip55 checks the case of an Ethereum address's letters: upper where the hash of
// the address in lower case has a digit of 8 or more (EIP-55). The hash is kept: a new
// one is two allocations.
func (v *verifier) eip55(address []byte) bool {
	if v.keccak == nil {
		v.keccak = sha3.NewLegacyKeccak256()
	}
	v.keccak.Reset()
	for i, c := range address {
		v.code[i] = lower(c)
	}
	v.keccak.Write(v.code[:len(address)])
	sum := v.keccak.Sum(v.sum[:0])
	for i, c := range address {
		digit := sum[i/2] >> (4 * (1 - i%2)) & 15
		if kindOf[c]&isDigit == 0 && (kindOf[c]&isUpper != 0) != (digit >= 8) {
			return false
		}
	}
	return true
}

func isHexes(b []byte) bool {
	for _, c := range b {
		if kindOf[c]&isDigit == 0 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// The digits of base58 and of bech32, by their bytes: -1 for all others.
var (
	base58Digits = digitsOf("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
	bech32Digits = digitsOf("qpzry9x8gf2tvdw0s3jn54khce6mua7l")
)

func digitsOf(alphabet string) (t [256]int8) {
	for c := range t {
		t[c] = int8(strings.IndexByte(alphabet, byte(c)))
	}
	return t
}

// base58check decodes 25 bytes and checks the last four against the hash of the
// others.
func base58check(b []byte) bool {
	var out [25]byte
	for _, c := range b {
		carry := int(base58Digits[c])
		if carry < 0 {
			return false
		}
		for j := len(out) - 1; j >= 0; j-- {
			carry += 58 * int(out[j])
			out[j] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	first := sha256.Sum256(out[:21])
	second := sha256.Sum256(first[:])
	return bytes.Equal(second[:4], out[21:])
}

// bech32Steps are the terms of bech32's checksum for the five bits that leave it.
var bech32Steps = func() (t [32]uint32) {
	for top := range t {
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				t[top] ^= g
			}
		}
	}
	return t
}()

// bech32 checks BIP 173 and BIP 350 for the prefix bc, in any case.
func bech32(b []byte) bool {
	chk := uint32(1)
	step := func(n byte) { chk = chk&0x1ffffff<<5 ^ uint32(n) ^ bech32Steps[chk>>25] }
	for _, n := range []byte{'b' >> 5, 'c' >> 5, 0, 'b' & 31, 'c' & 31} {
		step(n)
	}
	for _, c := range b[3:] {
		n := bech32Digits[lower(c)]
		if n < 0 {
			return false
		}
		step(byte(n))
	}
	return chk == 1 || chk == 0x2bc830a3
}
