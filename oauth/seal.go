package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// tokens is the plaintext of Row.Sealed. It is never formatted.
type tokens struct {
	Access  string `json:"access,omitempty"`
	Refresh string `json:"refresh"`
}

// String implements fmt.Stringer.
func (tokens) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (tokens) GoString() string { return redacted }

// The first byte of what a store keeps says what follows.
const (
	unsealed       = '0' // plaintext
	sealedBySealer = '1'
)

// sealWith turns plain into what a store keeps. The additional data binds it to
// its place, so that rows cannot be swapped. A nil Sealer leaves it plain.
func sealWith(s Sealer, additional string, plain []byte) ([]byte, error) {
	if s == nil {
		return append([]byte{unsealed}, plain...), nil
	}
	sealed, err := calmSealer{s}.Seal(plain, []byte(additional))
	if err != nil {
		return nil, fmt.Errorf("it cannot be sealed: %w", err)
	}
	return append([]byte{sealedBySealer}, sealed...), nil
}

// openWith is the inverse of sealWith. Errors wrap ErrUnknownKey, ErrUnsealed or
// ErrCorruptRow.
func openWith(s Sealer, additional string, stored []byte) (plain []byte, was SealState, err error) {
	switch {
	case len(stored) == 0:
		return nil, SealBroken, fmt.Errorf("%w: it is empty", ErrCorruptRow)
	case stored[0] == unsealed:
		return stored[1:], SealMissing, nil
	case stored[0] != sealedBySealer:
		return nil, SealBroken, fmt.Errorf("%w: it was sealed in a way (%q) that this version does not know", ErrCorruptRow, stored[0])
	case s == nil:
		return nil, SealUnknownKey, fmt.Errorf("%w: Config.Sealer is nil", ErrUnknownKey)
	}
	plain, current, err := calmSealer{s}.Open(stored[1:], []byte(additional))
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, SealUnknownKey, err
	case err != nil:
		return nil, SealBroken, fmt.Errorf("%w: %w", ErrCorruptRow, err)
	case current:
		return plain, SealCurrent, nil
	}
	return plain, SealOlder, nil
}

// calmSealer is the application's, whose panics are errors.
type calmSealer struct{ sealer Sealer }

// Seal implements Sealer.
func (c calmSealer) Seal(plain, additional []byte) (sealed []byte, err error) {
	err = errSealerPanicked
	protected(func() { sealed, err = c.sealer.Seal(plain, additional) })
	return sealed, err
}

// Open implements Sealer.
func (c calmSealer) Open(sealed, additional []byte) (plain []byte, current bool, err error) {
	err = errSealerPanicked
	protected(func() { plain, current, err = c.sealer.Open(sealed, additional) })
	return plain, current, err
}

// errSealerPanicked says no more: what a panic says may be what was sealed.
var errSealerPanicked = errors.New("the Sealer panicked")

// seal seals with the App's Sealer.
func (a *App) seal(additional string, plain []byte) ([]byte, error) {
	return sealWith(a.config.Sealer, additional, plain)
}

// open opens what the App's Sealer sealed, and what is plain only if that is
// acceptable: whoever can write to the store could have put it there.
func (a *App) open(additional string, stored []byte) ([]byte, error) {
	plain, was, err := openWith(a.config.Sealer, additional, stored)
	if err == nil && was == SealMissing && a.config.Sealer != nil && !a.config.AcceptUnsealed {
		return nil, ErrUnsealed
	}
	return plain, err
}

func rowAAD(app string, id GrantID, generation uint64) string {
	return "grant " + app + " " + string(id) + " " + strconv.FormatUint(generation, 10)
}

// sealTokens fails like the store does: what cannot be sealed cannot be kept.
func (a *App) sealTokens(id GrantID, generation uint64, t tokens) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	sealed, err := a.seal(rowAAD(a.config.ClientID, id, generation), plain)
	if err != nil {
		return nil, fmt.Errorf("oauth: grant %s: %w: %w", id, ErrStoreUnavailable, err)
	}
	return sealed, nil
}

// openTokens returns the tokens of a row. A row it cannot read is never
// overwritten and never refreshed.
func (a *App) openTokens(row Row) (tokens, error) {
	var t tokens
	plain, err := a.open(rowAAD(row.App, row.GrantID, row.Generation), row.Sealed)
	if err == nil && json.Unmarshal(plain, &t) != nil { // a JSON error may quote them
		err = fmt.Errorf("%w: its tokens are not in the form expected", ErrCorruptRow)
	}
	if err == nil && t.Refresh == "" {
		err = fmt.Errorf("%w: it has no refresh token", ErrCorruptRow)
	}
	if err != nil {
		return tokens{}, fmt.Errorf("oauth: grant %s: %w", row.GrantID, err)
	}
	return t, nil
}
