package oauth

import (
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxReturnTo = 2 << 10

// returnPath returns s, a path on this site with its query and fragment, in
// one spelling, and "/" for anything else: other origins, and all that a
// browser or proxy could take for one (RFC 9700 section 4.11).
func returnPath(s string) string {
	if len(s) > maxReturnTo || !strings.HasPrefix(s, "/") || strings.Contains(s, `\`) {
		return "/"
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	// The decoded path: %2f%2f and %5c are decoded by some proxies.
	clean := path.Clean(u.Path)
	if clean != "/" && strings.HasSuffix(u.Path, "/") {
		clean += "/"
	}
	if clean != u.Path || !utf8.ValidString(u.Path) || strings.ContainsFunc(u.Path+u.Fragment, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	}) {
		return "/"
	}
	if query, err := url.QueryUnescape(u.RawQuery); err != nil || strings.ContainsFunc(query, unicode.IsControl) {
		return "/"
	}
	return u.String()
}
