package transport

import "net/http"

// Stack returns the RoundTrippers of a client, in order, the first one to see
// a request outermost:
//
//  1. cred attaches itself, if the hop goes to an allowed origin.
//  2. base sends; nil means http.DefaultTransport.
//
// A nil cred leaves requests as they are.
func Stack(base http.RoundTripper, cred Credential, allowed Origins) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if cred == nil {
		return base
	}
	return cred.RoundTripper(base, allowed)
}
