package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/rblx-go/opencloud/oauth"
)

// recorder is a RoundTripper that remembers the refresh tokens in the answers
// of a token endpoint. A grant never gives its refresh token away, and the
// journey ends with presenting dead ones.
type recorder struct {
	base     http.RoundTripper
	tokenURL string

	mu     sync.Mutex
	tokens []oauth.Secret // in the order they were given out
}

// RoundTrip implements http.RoundTripper.
func (rec *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := rec.base.RoundTrip(r)
	if err != nil || r.URL.String() != rec.tokenURL || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(body), failing{err}), resp.Body}
	var answer struct {
		RefreshToken oauth.Secret `json:"refresh_token"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.RefreshToken != "" {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.tokens = append(rec.tokens, answer.RefreshToken)
	}
	return resp, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// failing ends a body as it ended when it was recorded.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// given returns the refresh tokens seen so far, oldest first.
func (rec *recorder) given() []oauth.Secret {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return append([]oauth.Secret(nil), rec.tokens...)
}

// errAccepted: a token that should have been dead was redeemed.
var errAccepted = errors.New("the issuer accepted it")

// present redeems a refresh token by hand and returns nil if it is refused
// with invalid_grant (RFC 6749 section 5.2).
func present(ctx context.Context, b *backend, rt http.RoundTripper, tokenURL string, token oauth.Secret) error {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(token)}}
	basic := b.Provider != nil && b.Provider.BasicAuth && b.ClientSecret != ""
	if !basic {
		form.Set("client_id", b.ClientID)
		if b.ClientSecret != "" {
			form.Set("client_secret", string(b.ClientSecret))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic {
		req.SetBasicAuth(url.QueryEscape(b.ClientID), url.QueryEscape(string(b.ClientSecret)))
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer) // what cannot be read names no error
	switch {
	case resp.StatusCode/100 == 2:
		return errAccepted
	case answer.Error == "invalid_grant":
		return nil
	default:
		return fmt.Errorf("the token endpoint answered %d without saying invalid_grant", resp.StatusCode)
	}
}
