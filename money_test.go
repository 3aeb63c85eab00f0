package opencloud_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		d    opencloud.Decimal
		text string
		f    float64
	}{
		{opencloud.Decimal{}, "0", 0},
		{opencloud.Decimal{Significand: 4_990_000_000, Exponent: -9}, "4.99", 4.99},
		{opencloud.Decimal{Significand: -5, Exponent: -3}, "-0.005", -0.005},
		{opencloud.Decimal{Significand: 12, Exponent: 2}, "1200", 1200},
		{opencloud.Decimal{Significand: 3_000_000_000, Exponent: -9}, "3", 3},
		{opencloud.Decimal{Significand: math.MinInt64, Exponent: -1}, "-922337203685477580.8", -922337203685477580.8},
		{opencloud.Decimal{Significand: 1, Exponent: math.MaxInt}, "1e9223372036854775807", math.Inf(1)},
		{opencloud.Decimal{Significand: 1, Exponent: math.MinInt}, "1e-9223372036854775808", 0},
	} {
		if got := row.d.String(); got != row.text {
			t.Errorf("%+v is %s, want %s", row.d, got, row.text)
		}
		if got := row.d.Float64(); got != row.f {
			t.Errorf("%+v is %g, want %g", row.d, got, row.f)
		}
	}
	for _, bad := range []string{"", ".", "x", "1.x", "1.-5", "1e3", "0x1", "1_0", "1.0000000001", "9223372037", "--1", " 1"} {
		if d, err := opencloud.ParseDecimal(bad); !errors.Is(err, opencloud.ErrInvalidArgument) {
			t.Errorf("%q: %v, %v", bad, d, err)
		}
	}
	m := opencloud.Money{CurrencyCode: "USD", Quantity: opencloud.Decimal{Significand: 499, Exponent: -2}}
	if m.String() != "4.99 USD" {
		t.Error(m)
	}
	var read opencloud.Money
	if err := json.Unmarshal([]byte(`{"currencyCode":"USD","quantity":{"significand":"499","exponent":-2}}`), &read); err != nil || read != m {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestDecimalFloat64(t *testing.T) {
	t.Parallel()
	for want, d := range map[float64]opencloud.Decimal{
		0.06151249925067851: {Significand: 615124992506785144, Exponent: -19}, // rounded once; twice it is another
		4.99:                {Significand: 4990000000, Exponent: -9},
		math.Inf(1):         {Significand: 1, Exponent: math.MaxInt},
		math.Inf(-1):        {Significand: -1, Exponent: 400},
		0:                   {Significand: math.MaxInt64, Exponent: math.MinInt},
		5e-324:              {Significand: 5, Exponent: -324},
	} {
		if got := d.Float64(); got != want {
			t.Errorf("%v is %v, want %v", d, got, want)
		}
	}
}

func TestDecimalComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := opencloud.Decimal{Significand: opencloud.Int64(rapid.Int64().Draw(t, "significand")), Exponent: rapid.IntRange(-9, 0).Draw(t, "exponent")}
		read, err := opencloud.ParseDecimal(d.String())
		if err != nil {
			if d.Exponent == -9 {
				t.Fatal(d, err)
			}
			return // it does not fit with nine digits after the point
		}
		if read.String() != d.String() || read.Exponent != -9 {
			t.Fatalf("%v became %v", d, read)
		}
	})
}
