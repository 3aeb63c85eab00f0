package generator

import (
	"strings"
	"unicode"
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
		out.WriteString(strings.ToUpper(lower[:1]) + lower[1:])
	}
	s := out.String()
	if s == "" || unicode.IsDigit(rune(s[0])) {
		return "N" + s
	}
	return s
}

// argName turns a name of the wire into a Go parameter name.
func argName(name string) string {
	ws := words(plainHeader(name))
	first := strings.ToLower(ws[0])
	if len(ws) == 1 {
		if first == "type" || first == "range" || first == "func" || first == "map" {
			return first + "Value"
		}
		return first
	}
	return first + GoName(strings.Join(ws[1:], "_"))
}

// plainHeader drops the mark of headers that are in no standard.
func plainHeader(name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, "x-"), "X-") }

// constName names an enum's value: the type, then the value without the
// words in which it repeats the type.
func constName(typeName, value string) string {
	v := words(value)
	t := words(typeName)
	for n := min(len(t), len(v)-1); n > 0; n-- {
		if strings.EqualFold(strings.Join(t[len(t)-n:], ""), strings.Join(v[:n], "")) {
			v = v[n:]
			break
		}
	}
	if v[len(v)-1] == "UNSPECIFIED" {
		v = v[len(v)-1:]
	}
	tail := GoName("x_" + strings.Join(v, "_"))[1:]
	return typeName + tail
}
