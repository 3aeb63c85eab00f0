package oauth

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// answerLimit bounds the wait for an answer whose request went out. It may be
// long: callers leave when their own contexts end, and a late answer is still
// the only copy of a refresh token.
const answerLimit = time.Minute

// providerClient returns a client that sends each request at most once: no
// redirects (a 307 would hand our secret and the refresh token to another
// host) and HTTP/1.1, where one request is one connection's business.
func providerClient(given *http.Client) *http.Client {
	var rt http.RoundTripper
	if given != nil {
		rt = given.Transport
	}
	if rt == nil {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(true)
		rt = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialOnce,
			TLSHandshakeTimeout: defaultSendBudget,
			Protocols:           protocols,
			MaxIdleConns:        16,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     time.Minute,
		}
	}
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialOnce makes a connection that sends nothing once it is closed, or once
// nobody has acknowledged what it sent for the length of a send budget.
func dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: defaultSendBudget}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(tcp.SetLinger(0), giveUp(tcp, defaultSendBudget))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// budget is how long a request may still be sent. It counts by the faster of
// the monotonic and the wall clock: the one does not step, the other does not
// stop while the machine sleeps.
type budget struct {
	start time.Time
	size  time.Duration
}

func (b budget) left() time.Duration {
	now := time.Now()
	return b.size - max(now.Sub(b.start), now.Round(0).Sub(b.start.Round(0)))
}

var errBudget = errors.New("the send budget was over before the request was sent")

// errNoAnswer stands for the end of a context that is no caller's: whoever is
// told of one that was cancelled takes it for their own.
var errNoAnswer = errors.New("there was no answer, or no end of it, within a minute")

// guardedBody is a request body that refuses to be read once its budget is
// over. Checked here, a process that was stopped between deciding and sending
// sends nothing.
type guardedBody struct {
	budget budget
	rest   *strings.Reader
	fate   atomic.Int32
}

// The fates of a guardedBody: the first one decided stays.
const (
	bodyWaits   = iota
	bodyStarted // something may have been sent
	bodyRefused // nothing was, and nothing will be
)

// Read implements io.Reader.
func (b *guardedBody) Read(p []byte) (int, error) {
	if b.budget.left() <= 0 {
		b.refuse()
	}
	if !b.fate.CompareAndSwap(bodyWaits, bodyStarted) && b.fate.Load() == bodyRefused {
		return 0, errBudget
	}
	return b.rest.Read(p)
}

// refuse forbids to begin reading, and reports whether it is in time. A
// transport may come to read when its round trip has long failed.
func (b *guardedBody) refuse() bool {
	return b.fate.CompareAndSwap(bodyWaits, bodyRefused) || b.fate.Load() == bodyRefused
}

// Close implements io.Closer.
func (b *guardedBody) Close() error { return nil }

// postToken sends one token request, once. sent is false only if no byte of
// the form can have left.
func (a *App) postToken(ctx context.Context, b budget, form url.Values, secrets ...string) (ans *answer, sent bool, fail *ProviderError) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(answerLimit, cancel).Stop()

	req, encoded, err := a.newForm(ctx, a.provider.TokenURL, form)
	if err != nil {
		return nil, false, &ProviderError{Endpoint: "token", Err: err}
	}
	body := &guardedBody{budget: b, rest: strings.NewReader(encoded)}
	defer time.AfterFunc(b.left(), func() {
		if body.refuse() {
			cancel()
		}
	}).Stop()
	req.Body, req.GetBody = body, nil // no GetBody: net/http must not send it again

	issued := time.Now().Round(0)
	resp, err := a.client.Do(req)
	if err != nil {
		err = withoutURL(err)
		unsent := body.refuse()
		switch {
		case unsent && b.left() <= 0:
			err = errBudget
		case ctx.Err() != nil:
			err = errNoAnswer
		}
		return nil, !unsent, &ProviderError{Endpoint: "token", Err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && ctx.Err() != nil {
		err = errNoAnswer
	}
	ans, fail = parseAnswer(resp, data, err, append(secrets, string(a.config.ClientSecret))...)
	if ans != nil {
		ans.Issued = issued
	}
	return ans, true, fail
}

// newForm builds a form request with the client's credentials (RFC 6749
// section 2.3.1) and returns the encoded form too.
func (a *App) newForm(ctx context.Context, endpoint string, form url.Values) (*http.Request, string, error) {
	basic := a.provider.BasicAuth && a.config.ClientSecret != ""
	if !basic {
		form.Set("client_id", a.config.ClientID)
		if a.config.ClientSecret != "" {
			form.Set("client_secret", string(a.config.ClientSecret))
		}
	}
	encoded := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(encoded))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic {
		req.SetBasicAuth(url.QueryEscape(a.config.ClientID), url.QueryEscape(string(a.config.ClientSecret)))
	}
	return req, encoded, nil
}

// withoutURL strips what http.Client says of method and URL.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// exchange redeems an authorization code (RFC 6749 section 4.1.3), once: a
// code works once, so a lost answer means a new sign-in.
func (a *App) exchange(ctx context.Context, code, verifier Secret) (*answer, error) {
	b := budget{start: time.Now(), size: a.config.SendBudget}
	ans, _, fail := a.postToken(ctx, b, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {string(code)},
		"code_verifier": {string(verifier)},
		"redirect_uri":  {a.config.RedirectURL},
	}, string(code), string(verifier))
	if fail != nil {
		return nil, fail
	}
	return ans, nil
}
