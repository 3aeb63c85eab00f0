package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// cookieFlow is the plaintext of a flow's cookie with Config.FlowsInCookies.
type cookieFlow struct {
	flowSecrets

	Expires time.Time `json:"expires"`
}

// maxFlowCookies and maxCookieBytes bound what the sign-ins under way in one
// browser, tabs say, add to its requests. Servers take 8 KB of cookies, browsers
// 4 KB in one.
const (
	maxFlowCookies = 8
	maxCookieBytes = 4 << 10
)

// cookieAAD binds a cookie to its flow. Nothing in a store is sealed with it.
func (a *App) cookieAAD(id string) string { return "cookie " + a.config.ClientID + " " + id }

// sealFlow returns the value of the flow's cookie. Errors are *CallbackError.
func (a *App) sealFlow(state string, secrets flowSecrets) (string, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false) // a return path may have many ampersands
	if err := enc.Encode(cookieFlow{secrets, time.Now().Round(0).Add(flowLifetime)}); err != nil {
		return "", failed(ErrSignInFailed, err)
	}
	sealed, err := calmSealer{a.config.Sealer}.Seal(plain.Bytes(), []byte(a.cookieAAD(hashText(state))))
	if err != nil {
		return "", failed(ErrSignInFailed, fmt.Errorf("it cannot be sealed: %w", err))
	}
	value := base64.RawURLEncoding.EncodeToString(sealed)
	if size := len(a.cookieName(state)) + len(value); size > maxCookieBytes {
		e := failed(ErrSignInFailed, fmt.Errorf("LoginOptions.ReturnTo is too long: with it the cookie has %d bytes, and browsers take %d", size, maxCookieBytes))
		e.Status = http.StatusBadRequest
		return "", e
	}
	return value, nil
}

// openFlow gives a sign-in out once: its id is remembered in the store. Errors
// are *CallbackError.
func (a *App) openFlow(ctx context.Context, state, cookie string) (flowSecrets, error) {
	id := hashText(state)
	if cookie == "" {
		return flowSecrets{}, a.withoutCookie(ctx, id)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return flowSecrets{}, failed(ErrStateUnknown, errors.New("its cookie is damaged"))
	}
	var flow cookieFlow
	plain, _, err := calmSealer{a.config.Sealer}.Open(sealed, []byte(a.cookieAAD(id)))
	switch {
	case errors.Is(err, ErrUnknownKey):
		return flowSecrets{}, failed(ErrSignInFailed, err)
	case err != nil:
		return flowSecrets{}, failed(ErrStateUnknown, fmt.Errorf("its cookie: %w", err))
	case json.Unmarshal(plain, &flow) != nil || flow.Nonce == "" || flow.Verifier == "": // a JSON error may quote it
		return flowSecrets{}, failed(ErrStateUnknown, errors.New("its cookie is of another version"))
	case !time.Now().Before(flow.Expires):
		return flowSecrets{}, failed(ErrStateExpired, nil)
	}
	if err := a.useFlow(ctx, id, flow.Expires); err != nil {
		return flowSecrets{}, err
	}
	return flow.flowSecrets, nil
}

// useFlow marks a flow used in the store. Whoever puts it there, one process
// takes it.
func (a *App) useFlow(ctx context.Context, id string, expires time.Time) error {
	putErr := a.flows.PutFlow(ctx, Flow{ID: id, Binding: id, Expires: expires, Sealed: []byte{unsealed}}) // fails if it is there
	_, err := a.flows.TakeFlow(ctx, id, id)
	if errors.Is(err, ErrFlowUnknown) {
		err = errors.Join(putErr, err)
	}
	if err == nil {
		return nil
	}
	return refusedFlow(err)
}

// withoutCookie says why there is none: the sign-in is finished, or it was
// started elsewhere.
func (a *App) withoutCookie(ctx context.Context, id string) error {
	_, err := a.flows.TakeFlow(ctx, id, "")
	if errors.Is(err, ErrFlowUnknown) {
		return failed(ErrOtherBrowser, nil)
	}
	return refusedFlow(err)
}

// makeRoom has a browser forget its oldest flows if there are too many.
func (a *App) makeRoom(w http.ResponseWriter, flows []*http.Cookie, size int) {
	for _, c := range flows {
		size += len(c.Name) + len(c.Value)
	}
	for ; len(flows) >= maxFlowCookies || len(flows) > 0 && size > maxCookieBytes; flows = flows[1:] {
		a.clearCookie(w, flows[0].Name)
		size -= len(flows[0].Name) + len(flows[0].Value)
	}
}
