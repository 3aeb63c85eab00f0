package oauthv1

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a token as the wire carries it. It decodes like a string and no
// formatting verb, logger or encoder prints it; string(s) gives it away.
type Secret string

// String returns a placeholder, and nothing for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// Format implements fmt.Formatter for all verbs.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
