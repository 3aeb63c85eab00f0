package transport

import (
	"context"
	"time"
)

// Class says what may happen if a request of a method is sent twice.
type Class uint8

// The classes, from the one that must never be sent twice to the one that
// always may.
const (
	// Unsafe requests act once per time they arrive.
	Unsafe Class = iota
	// IdempotentByKey requests are safe to send again with the same idempotency key.
	IdempotentByKey
	// Idempotent requests leave the same state behind however often they arrive.
	Idempotent
	// Safe requests change nothing.
	Safe
)

// Limit is a number of requests per period. The zero Limit is none known.
type Limit struct {
	Max int
	Per time.Duration
}

// Method describes one operation of the API. Methods are generated with the
// clients, are shared by all requests and never change.
type Method struct {
	// Name is what users call it: family and Go method, "users.GetUser".
	Name string
	// Verb is the HTTP method, Path the template "/cloud/v2/users/{user_id}".
	Verb, Path string
	// Host is the origin of operations that live elsewhere than the rest of
	// the API, "https://thumbnails.roblox.com"; empty for all others.
	Host string
	// Scopes are the OAuth scopes, and API key permissions, that it needs.
	Scopes []string
	// Key and OAuth say which credentials it accepts. Both false: it needs none.
	Key, OAuth bool
	// KeyLimit is documented per owner of an API key, TokenLimit per access token.
	KeyLimit, TokenLimit Limit
	// Class says whether it may be sent again.
	Class Class
	// Stability is Roblox's word for it: "STABLE", "BETA", "EXPERIMENTAL" or "".
	Stability string
}

type methodKey struct{}

// WithMethod returns a context that tells RoundTrippers which method a request
// belongs to.
func WithMethod(ctx context.Context, m *Method) context.Context {
	return context.WithValue(ctx, methodKey{}, m)
}

// MethodFrom returns the method that ctx carries, or nil.
func MethodFrom(ctx context.Context) *Method {
	m, _ := ctx.Value(methodKey{}).(*Method)
	return m
}
