package generator

import (
	"go/token"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// initialisms are the words that Go writes in one case.
func initialisms() map[string]string {
	out := map[string]string{}
	for _, w := range []string{"ID", "URI", "URL", "API", "HTTP", "JSON", "UUID", "VR", "JWKS", "TTL", "MD5"} {
		out[strings.ToLower(w)] = w
	}
	out["ids"], out["uris"], out["urls"] = "IDs", "URIs", "URLs"
	return out
}

// words splits a name of the wire at separators and changes of case.
func words(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
			word = nil
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])),
			unicode.IsUpper(r) && i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1]) && !strings.HasPrefix(string(runes[i+1:]), "s"):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}

// GoName turns a name of the wire (universe_id, imageUri, AGE_RATING_9_PLUS)
// into an exported Go name.
func GoName(name string) string {
	var out strings.Builder
	for _, w := range words(name) {
		lower := strings.ToLower(w)
		if known, ok := initialisms()[lower]; ok {
			out.WriteString(known)
			continue
		}
		first, size := utf8.DecodeRuneInString(lower)
		out.WriteString(string(unicode.ToUpper(first)) + lower[size:])
	}
	s := out.String()
	if first, _ := utf8.DecodeRuneInString(s); !unicode.IsUpper(first) {
		return "N" + s
	}
	return s
}

// argName turns a name of the wire into a Go parameter name.
func argName(name string) string {
	ws := words(plainHeader(name))
	if len(ws) == 0 {
		return "value"
	}
	out := strings.ToLower(ws[0])
	if len(ws) > 1 {
		out += GoName(strings.Join(ws[1:], "_"))
	}
	switch first, _ := utf8.DecodeRuneInString(out); {
	case !unicode.IsLetter(first):
		return "n" + out
	case token.IsKeyword(out), slices.Contains(ownNames(), out):
		return out + "Value"
	}
	return out
}

// ownNames are those that the code around a parameter has for something else.
func ownNames() []string {
	return []string{
		"c", "m", "ctx", "params", "query", "header", "method", "path", "api", "start", "page", "token", "list", "err", "opencloud", "http", "context", "nil", "string",
	}
}

// plainHeader drops the mark of headers that are in no standard.
func plainHeader(name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, "x-"), "X-") }
