package oauth

import (
	"fmt"
	"log/slog"
)

// Format implements fmt.Formatter: no verb shows Sealed.
func (r Row) Format(f fmt.State, verb rune) {
	type bare Row // without this method
	r.Sealed = nil
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), bare(r))
}

// LogValue implements slog.LogValuer without Sealed.
func (r Row) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", r)) }

// Format implements fmt.Formatter: no verb shows Sealed.
func (fl Flow) Format(f fmt.State, verb rune) {
	type bare Flow // without this method
	fl.Sealed = nil
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), bare(fl))
}

// LogValue implements slog.LogValuer without Sealed.
func (fl Flow) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", fl)) }
