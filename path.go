package opencloud

import (
	"fmt"
	"strings"
)

// expand puts params, in order, into the places of a template such as
// "/cloud/v2/users/{user_id}". Everything but the unreserved characters of
// RFC 3986 section 2.3 is percent-encoded, so that a parameter arrives as it
// is and never reaches beyond its place. What cannot be protected that way,
// "", "." and "..", is an error.
func expand(base, template string, params []string) (string, error) {
	b := append(make([]byte, 0, 256), base...) // of a constant size, so that it needs no heap
	rest := template
	for _, p := range params {
		before, after, found := strings.Cut(rest, "{")
		name, tail, closed := strings.Cut(after, "}")
		if !found || !closed {
			return "", invalid("%s takes fewer than %d path parameters", template, len(params))
		}
		if p == "" || p == "." || p == ".." {
			return "", invalid("%s must not be %q", name, p)
		}
		b = appendEscaped(append(b, before...), p)
		rest = tail
	}
	if strings.Contains(rest, "{") {
		return "", invalid("%s takes more than %d path parameters", template, len(params))
	}
	return string(append(b, rest...)), nil
}

// appendEscaped percent-encodes all bytes of s but unreserved ones.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidArgument, fmt.Sprintf(format, args...))
}
