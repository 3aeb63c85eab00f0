package opencloud

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount in a currency.
type Money struct {
	// CurrencyCode is of three letters, as of ISO 4217.
	CurrencyCode string `json:"currencyCode,omitzero"`
	// Quantity is the amount in the currency's unit.
	Quantity Decimal `json:"quantity,omitzero"`
}

// String returns quantity and currency, "4.99 USD".
func (m Money) String() string {
	return strings.TrimSpace(m.Quantity.String() + " " + m.CurrencyCode)
}

// Decimal is the number Significand * 10^Exponent, without the error that a
// float64 would have.
type Decimal struct {
	Significand Int64 `json:"significand"`
	Exponent    int   `json:"exponent"`
}

// maxExponent bounds what is written out, so that an answer of a few bytes
// cannot ask for gigabytes.
const maxExponent = 400

// ParseDecimal reads a number such as "4.99" or "-2". Prices are sent with the
// exponent -9, which is what it gives up to nine digits after the point; more
// digits are an error, as is what does not fit.
func ParseDecimal(s string) (Decimal, error) {
	const digits = 9
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > digits {
		return Decimal{}, invalid("a decimal has at most %d digits after the point", digits)
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", digits-len(fraction)), 10)
	if !ok || strings.ContainsAny(fraction, "+-") || strings.ContainsAny(s, "_") || whole == "" {
		return Decimal{}, invalid("a decimal is of the form 4.99")
	}
	if !n.IsInt64() {
		return Decimal{}, invalid("a decimal has at most %d digits in all", 18)
	}
	return Decimal{Significand: Int64(n.Int64()), Exponent: -digits}, nil
}

// String writes the number out without trailing zeros, "4.99", and in
// scientific notation where it would have hundreds of digits.
func (d Decimal) String() string {
	n, e := int64(d.Significand), d.Exponent
	for n != 0 && n%10 == 0 && e < 0 {
		n, e = n/10, e+1
	}
	switch {
	case n == 0:
		return "0"
	case e == 0:
		return strconv.FormatInt(n, 10)
	case e > maxExponent || e < -maxExponent:
		return fmt.Sprintf("%de%d", n, e)
	case e > 0:
		return strconv.FormatInt(n, 10) + strings.Repeat("0", e)
	}
	sign := ""
	text := new(big.Int).Abs(big.NewInt(n)).String()
	if n < 0 {
		sign = "-"
	}
	if missing := -e - len(text) + 1; missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	return sign + text[:len(text)+e] + "." + text[len(text)+e:]
}

// Float64 returns the nearest float64.
func (d Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(fmt.Sprintf("%de%d", int64(d.Significand), d.Exponent), 64) // out of range it is infinite
	return f
}
