package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// defaultLifetime stands for an absent or senseless expires_in; Roblox
	// documents 15 minutes and sends 899.
	defaultLifetime = 899 * time.Second
	maxLifetime     = 24 * time.Hour
	maxAnswer       = 1 << 20
)

// answer is what a token endpoint gave (RFC 6749 section 5.1). A refresh token
// in it is kept whatever else is wrong: the one before it is dead.
type answer struct {
	AccessToken  Secret // empty where it cannot be used
	RefreshToken Secret // empty where the old one stays
	IDToken      Secret
	Scope        string    // empty where it is as before
	Issued       time.Time // when it was asked for: it is no younger
	Lifetime     time.Duration
	Flaw         error // what was wrong with the answer, nil if nothing
}

// parseAnswer reads an answer of the token endpoint as far as it goes. readErr
// is what ended the reading of body, nil at its end.
func parseAnswer(resp *http.Response, body []byte, readErr error, secrets ...string) (*answer, *ProviderError) {
	members, flaw := readMembers(body)
	if readErr != nil {
		flaw = readErr
	}
	fail := &ProviderError{
		Endpoint:    "token",
		Status:      resp.StatusCode,
		Code:        errorCode(text(members["error"])),
		Description: describe(text(members["error_description"]), secrets),
		RetryAfter:  retryAfter(resp.Header, time.Now()),
	}
	a := &answer{
		AccessToken:  Secret(text(members["access_token"])),
		RefreshToken: Secret(text(members["refresh_token"])),
		IDToken:      Secret(text(members["id_token"])),
		Scope:        text(members["scope"]),
		Lifetime:     lifetime(members["expires_in"]),
		Flaw:         flaw,
	}
	if resp.StatusCode/100 != 2 || (a.RefreshToken == "" && (a.AccessToken == "" || fail.Code != "")) {
		if fail.Code == "" {
			fail.Err = flaw
			if flaw == nil {
				fail.Err = errors.New("there is no token in it")
			}
		}
		return nil, fail
	}
	switch kind := text(members["token_type"]); {
	case kind != "" && !strings.EqualFold(kind, "bearer"):
		a.AccessToken, a.Flaw = "", errors.New("its token_type is not Bearer")
	case fail.Code != "":
		a.Flaw = errors.New("it carries both a refresh token and the error " + fail.Code)
	case a.AccessToken == "":
		a.Flaw = errors.New("it has no access token")
	case strings.ContainsFunc(string(a.AccessToken), func(r rune) bool { return r <= ' ' || r > '~' }):
		a.AccessToken, a.Flaw = "", errors.New("its access token does not fit into a header")
	}
	if a.AccessToken == "" {
		a.Lifetime = 0
	}
	if a.RefreshToken == "" && a.AccessToken == "" {
		fail.Err = a.Flaw
		return nil, fail
	}
	return a, nil
}

// readMembers returns the members of the JSON object that body begins with, up
// to the first thing wrong with it.
func readMembers(body []byte) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return members, errors.New("it is no JSON object")
	}
	for d.More() {
		var value json.RawMessage
		name, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return members, errors.New("its JSON is broken off or wrong") // err may quote a token
		}
		if s, ok := name.(string); ok {
			members[s] = value
		}
	}
	if _, err := d.Token(); err != nil {
		return members, errors.New("its JSON is broken off")
	}
	if len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		return members, errors.New("something follows its JSON")
	}
	return members, nil
}

// text returns a JSON string's value and "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// lifetime reads expires_in as a number of any form or a string that holds one.
func lifetime(raw json.RawMessage) time.Duration {
	s := strings.TrimSpace(strings.Trim(string(raw), `"`))
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), math.IsNaN(seconds), seconds == 0:
		return defaultLifetime
	case seconds < 0:
		return 0
	case seconds > maxLifetime.Seconds():
		return maxLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}

// errorCode returns s if it looks like one of RFC 6749 section 5.2.
func errorCode(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
		return ""
	}
	return s
}

// describe makes a provider's description fit to be shown: short, printable,
// and without anything that was sent.
func describe(s string, secrets []string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	for _, secret := range secrets { // which unprintable characters may have hidden
		if secret != "" && strings.Contains(s, secret) {
			return ""
		}
	}
	const most = 200
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) && len(s) > most-utf8.UTFMax {
			s = s[:len(s)-1]
		}
	}
	return s
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), 0 if absent or senseless.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil {
		return time.Duration(min(max(n, 0), 86400)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, min(t.Sub(now), 24*time.Hour))
	}
	return 0
}
