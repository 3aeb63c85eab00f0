package opencloud

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Int64 is a 64-bit integer that the API sends as a JSON number in some places
// and as a string in others. Both are read; numbers are written.
type Int64 int64

// UnmarshalJSON implements json.Unmarshaler; null leaves i as it is.
func (i *Int64) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	n, err := strconv.ParseInt(string(bytes.Trim(b, `"`)), 10, 64)
	if err != nil {
		return errors.New("a number is no 64-bit integer") // without the value: it is part of a body
	}
	*i = Int64(n)
	return nil
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
