package oauth

import "errors"

// Sealer encrypts tokens before a store sees them. Package tinkseal has one.
// Implementations are safe for concurrent use and work on this machine: a call
// over the network for every row would stand between a refresh token and its
// commit, so let a key service unwrap the keys at start instead.
type Sealer interface {
	// Seal encrypts plain. Only Open with the same additional data, which is
	// not secret, opens what it returns.
	Seal(plain, additional []byte) (sealed []byte, err error)

	// Open returns what Seal was given, and whether it is sealed with the key of
	// today; if not, the App seals anew when next it writes the row. The error
	// wraps ErrUnknownKey if the key is not at hand. Any other says that sealed
	// is damaged or belongs elsewhere.
	Open(sealed, additional []byte) (plain []byte, current bool, err error)
}

// Errors of rows that say nothing of the tokens in them, to be tested with
// errors.Is. Such a row is neither refreshed nor overwritten, and is of use
// again as soon as the configuration is right.
var (
	// ErrUnknownKey: the row was sealed with a key that Config.Sealer does not
	// have, or there is no Sealer.
	ErrUnknownKey = errors.New("it is sealed with a key that is not at hand")
	// ErrUnsealed: there is a Config.Sealer, and the row was not sealed. See
	// Config.AcceptUnsealed.
	ErrUnsealed = errors.New("it is not sealed, though Config.Sealer is set")
)

// LocalStore is a Store that can say that its rows stay on one machine. New
// logs a warning if any other is used without Config.Sealer: whoever reads its
// backups, replicas or traffic could act for every user.
type LocalStore interface {
	Store
	// Local reports whether other machines cannot reach the rows.
	Local() bool
}

func isLocal(s Store) bool {
	local, ok := s.(LocalStore)
	return ok && local.Local()
}
