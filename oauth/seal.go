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

// unsealed marks plaintext; sealed rows will begin with another byte.
const unsealed = '0'

// seal turns plain into what a store keeps. The additional data binds it to
// its place, so that rows cannot be swapped.
func (a *App) seal(_ string, plain []byte) ([]byte, error) {
	return append([]byte{unsealed}, plain...), nil
}

func (a *App) open(_ string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errors.New("it is empty")
	}
	if sealed[0] != unsealed {
		return nil, fmt.Errorf("it was sealed in a way (%q) that this version does not know", sealed[0])
	}
	return sealed[1:], nil
}

func (a *App) rowAAD(id GrantID, generation uint64) string {
	return "grant " + a.config.ClientID + " " + string(id) + " " + strconv.FormatUint(generation, 10)
}

func (a *App) sealTokens(id GrantID, generation uint64, t tokens) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return a.seal(a.rowAAD(id, generation), plain)
}

// openTokens returns the tokens of a row. A row it cannot read is never
// overwritten and never refreshed.
func (a *App) openTokens(row Row) (tokens, error) {
	var t tokens
	plain, err := a.open(a.rowAAD(row.GrantID, row.Generation), row.Sealed)
	if err == nil && json.Unmarshal(plain, &t) != nil {
		err = errors.New("its tokens are not in the form expected") // a JSON error may quote them
	}
	if err == nil && t.Refresh == "" {
		err = errors.New("it has no refresh token")
	}
	if err != nil {
		return tokens{}, fmt.Errorf("oauth: grant %s: %w: %w", row.GrantID, ErrCorruptRow, err)
	}
	return t, nil
}
