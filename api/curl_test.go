package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// codeSample is the request that a published curl command sends, where what the
// reader is to fill in is 7.
type codeSample struct {
	verb, path string
	query      url.Values
	header     http.Header
	parts      []formPart
	body       string
	hasBody    bool
}

// formPart is a part of a form: a text, or a file if it has a filename.
type formPart struct{ name, filename, contentType, text string }

// toFillIn is what stands for something of the reader's own: {assetId},
// ${API_KEY}, <insert-api-key>.
var toFillIn = regexp.MustCompile(`\$?\{[A-Za-z][A-Za-z _-]*\}|<[A-Za-z][A-Za-z-]*>`)

// parseCurl reads a command as far as the published ones go.
func parseCurl(script string) (codeSample, error) {
	s := codeSample{query: url.Values{}, header: http.Header{}}
	var target string
	var data []string
	get := false
	words := slices.DeleteFunc(shellWords(script), func(w string) bool { return w == "curl" || w == "--location" || w == "--include" })
	for i := 0; i < len(words); i++ {
		option := words[i]
		switch {
		case option == "--get":
			get = true
			continue
		case !strings.HasPrefix(option, "-"):
			target = option
			continue
		case i+1 == len(words):
			return s, fmt.Errorf("%s has no value", option)
		}
		i++
		switch value := words[i]; option {
		case "--request":
			s.verb = value
		case "--header":
			name, content, _ := strings.Cut(value, ":")
			s.header.Add(name, strings.TrimSpace(content))
		case "--form":
			s.parts = append(s.parts, parseForm(value))
		case "-d", "--d", "--data", "--data-raw":
			data = append(data, value)
		default:
			return s, fmt.Errorf("the option %s is not known", option)
		}
	}
	u, err := url.Parse(target)
	if err != nil {
		return s, err
	}
	if u.Scheme != "https" || u.Host == "" {
		return s, fmt.Errorf("%q is no address", target)
	}
	s.path, s.query = u.EscapedPath(), u.Query()
	text := strings.Join(data, "&")
	switch {
	case get:
		more, err := url.ParseQuery(text)
		if err != nil {
			return s, err
		}
		maps.Copy(s.query, more)
	case data != nil:
		s.body, s.hasBody = meant(text), true
	}
	switch {
	case s.verb != "":
	case s.hasBody || s.parts != nil:
		s.verb = http.MethodPost
	default:
		s.verb = http.MethodGet
	}
	return s, nil
}

// parseForm reads name=text, or name=@file;type=image/png. Where curl would take
// a quoted @file for text, what is meant is the file.
func parseForm(value string) formPart {
	var p formPart
	var content string
	p.name, content, _ = strings.Cut(value, "=")
	if m := regexp.MustCompile(`^(@.*);type=([\w.+/-]+)$`).FindStringSubmatch(content); m != nil {
		content, p.contentType = m[1], m[2]
	}
	if quoted, is := strings.CutPrefix(content, `"`); is {
		content = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.TrimSuffix(quoted, `"`))
	}
	if file, is := strings.CutPrefix(content, "@"); is {
		p.filename = path.Base(strings.Trim(file, `"\`))
		return p
	}
	p.text = meant(content)
	return p
}

// meant is the JSON that a text with a backslash before each quotation mark, or
// a comma after the last field, was meant to be.
func meant(text string) string {
	if strings.HasPrefix(text, `{\"`) {
		text = strings.ReplaceAll(text, `\"`, `"`)
	}
	return regexp.MustCompile(`,(\s*})`).ReplaceAllString(text, "$1")
}

// shellWords splits a command as a shell does, except that it takes a line's end
// for a space even without a backslash, and fills in what is to be filled in.
func shellWords(script string) []string {
	var out []string
	var word strings.Builder
	quote, open := rune(0), false
	end := func() {
		if text := word.String(); open && !strings.Contains(text, "</") { // XML has nothing to be filled in
			out = append(out, toFillIn.ReplaceAllString(text, "7"))
		} else if open {
			out = append(out, text)
		}
		word.Reset()
		open = false
	}
	runes := []rune(script)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		escapes := r == '\\' && i+1 < len(runes) && (quote == 0 || quote == '"' && strings.ContainsRune("\"\\$`\n", runes[i+1]))
		switch {
		case escapes:
			if i++; runes[i] != '\n' {
				word.WriteRune(runes[i])
				open = true
			}
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, open = r, true
		case quote == 0 && strings.ContainsRune(" \t\n", r):
			end()
		default:
			word.WriteRune(r)
			open = true
		}
	}
	end()
	return out
}
