package opencloud

import "strings"

// unquoted drops what net/http quotes of an answer that is no HTTP from the text
// of its error: a line of the header, or what stands in its place.
func unquoted(err error) error {
	const broken = "net/http: HTTP/1.x transport connection broken: "
	text := err.Error()
	at := strings.Index(text, broken)
	if at < 0 {
		return err
	}
	what, _, quotes := strings.Cut(text[at:], `"`)
	if !quotes {
		return err
	}
	return &unquotedError{err, text[:at] + strings.TrimRight(what, ":;[ ")}
}

type unquotedError struct {
	error

	text string
}

func (e *unquotedError) Error() string { return e.text }
func (e *unquotedError) Unwrap() error { return e.error }
