package oauth

import "fmt"

// SealState says how the tokens of a row are sealed.
type SealState string

// How a row can be sealed, as one Sealer sees it.
const (
	SealCurrent    SealState = "current"     // with the key that it seals with today
	SealOlder      SealState = "older"       // with another of its keys
	SealMissing    SealState = "unsealed"    // not at all
	SealUnknownKey SealState = "unknown_key" // with a key that it does not have
	SealBroken     SealState = "corrupt"     // damaged, or put in the place of another row
)

// Reseal returns row with its tokens sealed by the key that s seals with
// today, and how they were sealed before. It is for tools: an App seals anew by
// itself what it refreshes. Swap the row only if was is not SealCurrent, and
// leave it if another writer is faster. An old key may be removed once no row
// of a store is SealOlder. The error wraps ErrUnknownKey, ErrCorruptRow or that
// of s.Seal.
func Reseal(s Sealer, row Row) (resealed Row, was SealState, err error) {
	additional := rowAAD(row.App, row.GrantID, row.Generation)
	plain, was, err := openWith(s, additional, row.Sealed)
	if err == nil && was != SealCurrent {
		row.Sealed, err = sealWith(s, additional, plain)
	}
	if err != nil {
		err = fmt.Errorf("oauth: grant %s: %w", row.GrantID, err)
	}
	return row, was, err
}

// resealed is row as it should be written next. The caller has opened it.
func (a *App) resealed(row Row) (Row, error) {
	if a.config.Sealer == nil {
		return row, nil
	}
	row, _, err := Reseal(a.config.Sealer, row)
	return row, err
}
