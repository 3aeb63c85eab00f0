package grants

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// age is a flag's value: whole days such as 60d, or a duration such as 36h.
type age time.Duration

// Set implements pflag.Value.
func (a *age) Set(s string) error {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 {
		return errors.New("want days such as 60d, or hours such as 36h")
	}
	*a = age(d)
	return nil
}

// String implements pflag.Value.
func (a *age) String() string {
	switch d := time.Duration(*a); {
	case d == 0:
		return ""
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	default:
		return d.String()
	}
}

// Type implements pflag.Value.
func (a *age) Type() string { return "age" }
