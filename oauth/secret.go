package oauth

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that no formatting verb, logger or encoder prints.
// Convert it back with string(s) where it is really needed.
type Secret string

const redacted = "[redacted]"

// String returns a placeholder, and nothing for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter for all verbs.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
