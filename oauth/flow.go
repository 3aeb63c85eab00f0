package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"
)

// flowLifetime is how long a user may take on the provider's pages.
const flowLifetime = 10 * time.Minute

// flowSecrets is the plaintext of Flow.Sealed. It is never formatted.
type flowSecrets struct {
	Nonce            string `json:"nonce"`
	Verifier         string `json:"verifier"`
	Issuer           string `json:"issuer"`
	ReturnTo         string `json:"return_to"`
	RequireResources bool   `json:"require_resources,omitempty"`
}

// String implements fmt.Stringer.
func (flowSecrets) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (flowSecrets) GoString() string { return redacted }

// newFlowSecrets returns a fresh nonce and code verifier.
func (a *App) newFlowSecrets(opts LoginOptions) flowSecrets {
	return flowSecrets{
		Nonce:            randomText(),
		Verifier:         oauth2.GenerateVerifier(),
		Issuer:           a.provider.Issuer,
		ReturnTo:         returnPath(opts.ReturnTo),
		RequireResources: opts.RequireResources,
	}
}

// startFlow returns the value of the new flow's cookie: the flow itself with
// Config.FlowsInCookies, else what binds the stored flow to the browser. Errors
// are *CallbackError.
func (a *App) startFlow(ctx context.Context, state string, secrets flowSecrets) (cookie string, err error) {
	if a.config.FlowsInCookies {
		return a.sealFlow(state, secrets)
	}
	binding := randomText()
	if err := a.putFlow(ctx, state, binding, secrets); err != nil {
		return "", failed(ErrSignInFailed, err)
	}
	return binding, nil
}

// putFlow stores a sign-in. The store learns neither state nor binding, only
// their hashes.
func (a *App) putFlow(ctx context.Context, state, binding string, secrets flowSecrets) error {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	id := hashText(state)
	sealed, err := a.seal(a.flowAAD(id), plain)
	if err != nil {
		return err
	}
	err = a.flows.PutFlow(ctx, Flow{
		ID:      id,
		Binding: hashText(binding),
		Expires: time.Now().Round(0).Add(flowLifetime),
		Sealed:  sealed,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStoreUnavailable, err)
	}
	return nil
}

// takeFlow gives a sign-in out once. Errors are *CallbackError.
func (a *App) takeFlow(ctx context.Context, state, cookie string) (flowSecrets, error) {
	if a.config.FlowsInCookies {
		return a.openFlow(ctx, state, cookie)
	}
	id := hashText(state)
	flow, err := a.flows.TakeFlow(ctx, id, hashText(cookie))
	switch {
	case errors.Is(err, ErrFlowUnknown):
		return flowSecrets{}, failed(ErrStateUnknown, nil)
	case err != nil:
		return flowSecrets{}, refusedFlow(err)
	}
	var secrets flowSecrets
	plain, err := a.open(a.flowAAD(id), flow.Sealed)
	if err == nil && json.Unmarshal(plain, &secrets) != nil {
		err = fmt.Errorf("%w: it is not in the form expected", ErrCorruptRow) // a JSON error may quote it
	}
	if err == nil && (secrets.Nonce == "" || secrets.Verifier == "") {
		err = fmt.Errorf("%w: it is not complete", ErrCorruptRow)
	}
	if err != nil {
		return flowSecrets{}, failed(ErrSignInFailed, fmt.Errorf("the stored sign-in: %w", err))
	}
	return secrets, nil
}

// refusedFlow is what an error of a flow store means for a sign-in.
func refusedFlow(err error) error {
	switch {
	case errors.Is(err, ErrFlowUsed):
		return failed(ErrStateUsed, nil)
	case errors.Is(err, ErrFlowExpired):
		return failed(ErrStateExpired, nil)
	case errors.Is(err, ErrFlowBinding):
		return failed(ErrOtherBrowser, nil)
	}
	return failed(ErrSignInFailed, fmt.Errorf("%w: %w", ErrStoreUnavailable, err))
}

func (a *App) flowAAD(id string) string { return "flow " + a.config.ClientID + " " + id }

// randomText returns 256 random bits, base64url.
func randomText() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
