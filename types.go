package opencloud

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Int64 is a 64-bit integer that the API sends as a JSON number in some places,
// which may be 1E+17, and as a string in others. Both are read exactly; numbers
// are written.
type Int64 int64

// String returns the number in decimal, as ids are passed to methods.
func (i Int64) String() string { return strconv.FormatInt(int64(i), 10) }

// UnmarshalJSON implements json.Unmarshaler; null leaves i as it is.
func (i *Int64) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	text := string(bytes.Trim(b, `"`))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if n, err = parseRounded(text); err != nil {
			return err
		}
	}
	*i = Int64(n)
	return nil
}

// parseRounded reads an integer in the form of other numbers, 1E+17.
func parseRounded(text string) (int64, error) {
	f, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven)
	if err == nil {
		if n, accuracy := f.Int64(); accuracy == big.Exact {
			return n, nil
		}
	}
	return 0, errors.New("a number is no 64-bit integer") // without the value: it is part of a body
}

// Duration is a time.Duration that JSON and queries hold as seconds with the
// unit: "3s", "1.5s".
type Duration time.Duration

// String returns the form on the wire.
func (d Duration) String() string {
	sign, n := "", uint64(d)
	if d < 0 {
		sign, n = "-", -n
	}
	whole, frac := n/uint64(time.Second), n%uint64(time.Second)
	if frac == 0 {
		return fmt.Sprintf("%s%ds", sign, whole)
	}
	return sign + strings.TrimRight(fmt.Sprintf("%d.%09d", whole, frac), "0") + "s"
}

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, and with it JSON. An empty
// text is zero; more than 292 years are an error.
func (d *Duration) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	v, err := time.ParseDuration(string(b))
	if err != nil || !bytes.HasSuffix(b, []byte("s")) {
		return errors.New(`a duration is not of the form "3s"`)
	}
	*d = Duration(v)
	return nil
}
