package opencloud_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud"
)

func TestInt64(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]opencloud.Int64{`7`: 7, `"7"`: 7, `"-9223372036854775808"`: math.MinInt64, `9223372036854775807`: math.MaxInt64, `null`: 0,
		`1E+17`: 100_000_000_000_000_000, `-9.007199254740993e15`: -9_007_199_254_740_993, `7.0`: 7, `"2e0"`: 2} {
		var got opencloud.Int64
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{`""`, `"x"`, `1.5`, `"9223372036854775808"`, `true`, `{}`, `"\"7"`, `9223372036854775808`, `1e19`, `1e999999999`, `-1e-9`, `"Inf"`} {
		got := opencloud.Int64(5)
		if err := json.Unmarshal([]byte(in), &got); err == nil || got != 5 {
			t.Errorf("%s was read as %d", in, got)
		}
	}
	if out, err := json.Marshal(opencloud.Int64(1 << 60)); err != nil || string(out) != "1152921504606846976" {
		t.Errorf("written as %s, %v", out, err)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		`"3s"`: 3 * time.Second, `"86400s"`: 24 * time.Hour, `"1.5s"`: 1500 * time.Millisecond, `"-0.000000001s"`: -1, `"0s"`: 0, `""`: 0, `null`: 0,
	} {
		var got opencloud.Duration
		if err := json.Unmarshal([]byte(in), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{`"P1D"`, `"3"`, `3`, `"s"`, `"315576000000s"`, `"1m"`} {
		var got opencloud.Duration
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s was read as %v", in, got)
		}
	}
}

func TestDurationReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := opencloud.Duration(rapid.Int64().Draw(rt, "nanoseconds"))
		out, err := json.Marshal(want)
		if err != nil {
			rt.Fatal(err)
		}
		var got opencloud.Duration
		if err := json.Unmarshal(out, &got); err != nil || got != want {
			rt.Fatalf("%d became %s, %d, %v", want, out, got, err)
		}
	})
}
