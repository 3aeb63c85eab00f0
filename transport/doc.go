// Package transport holds what stands between a typed call and the network:
// one http.RoundTripper per file, and [Stack], which puts them in order.
//
// A RoundTripper here does not interpret responses, does not change the
// caller's request and closes its body on every early error. Turning a status
// into an error belongs above, in package opencloud.
package transport
