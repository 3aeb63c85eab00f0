package transport

import "net/http"

// Layers are what may stand between http.Client and the network. The zero
// Layers are none but what keeps net/http from sending again by itself. A Retry
// and a Pacer may be shared by many stacks.
type Layers struct {
	Retry      *Retry     // nil sends each request once
	Pacer      *Pacer     // nil sends each request at once
	Credential Credential // nil sends requests as they are
	// Allowed are the origins that the credential is sent to and that pacing is for.
	Allowed Origins
	// Telemetry is what hears of attempts and waits, the first one closest to
	// the network. nil costs nothing.
	Telemetry []Telemetry
}

// Stack puts the layers in order above base, nil meaning http.DefaultTransport.
// http.Client stands above all of them and follows redirects, so they see each
// hop as a request of its own.
func Stack(base http.RoundTripper, l Layers) http.RoundTripper {
	rt := orDefault(base)
	// 5. What goes over the network is observed, attempt by attempt.
	for _, t := range l.Telemetry {
		rt = t.RoundTripper(rt)
	}
	// 4. What net/http does by itself is held in check.
	rt = wire{rt}
	// 3. The credential attaches itself last, so that it is fresh however long
	// the request has waited.
	if l.Credential != nil {
		rt = authenticate(rt, l.Credential, l.Allowed)
	}
	// 2. Every attempt waits for its turn.
	if l.Pacer != nil {
		rt = l.Pacer.roundTripper(rt, l.Credential, l.Allowed, l.waited())
	}
	// 1. A request that failed for the moment passes all of it again.
	if l.Retry != nil {
		rt = l.Retry.roundTripper(rt, l.waited())
	}
	return rt
}
