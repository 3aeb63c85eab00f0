package opencloud

import "slices"

// ScopesFor returns the scopes that calls of the methods need, sorted and each
// once: what to ask a user for at sign-in, and what to give an API key. No
// shorter list will do. Methods that take no token, which [Method.OAuth] tells,
// count too, because the permissions of a key have the same names.
func ScopesFor(methods ...*Method) []string {
	var scopes []string
	for _, m := range methods {
		scopes = append(scopes, m.Scopes...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
