package emulator

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"net/http"
	"sync"
)

// Emulator is one Roblox. It is safe for concurrent use.
type Emulator struct {
	opts   Options
	clock  clock
	signer *signer
	page   *template.Template
	routes []route

	mu     sync.Mutex // guards all below
	oauth  authorizations
	world  world
	faults []*Fault
	log    []*Entry
}

// New returns an Emulator, or an error that names the option to fix.
func New(opts Options) (*Emulator, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	signer, err := newSigner()
	if err != nil {
		return nil, err
	}
	page, err := parsePages()
	if err != nil {
		return nil, err
	}
	e := &Emulator{opts: opts, signer: signer, page: page, oauth: newAuthorizations()}
	e.world = newWorld(e.Now())
	e.routes = e.allRoutes()
	return e, nil
}

// Options returns the options in force, defaults filled in.
func (e *Emulator) Options() Options {
	o := e.opts
	o.RedirectURLs = append([]string(nil), o.RedirectURLs...)
	return o
}

// APIKey is the key that Open Cloud accepts in the x-api-key header.
func (e *Emulator) APIKey() string { return string(e.opts.APIKey) }

// maxBody bounds what is read of any request: a place may have 100 MB.
const maxBody = 128 << 20

// handle answers one request whose body has been read. A non-nil error is a
// connection that breaks instead of an answer.
func (e *Emulator) handle(r *http.Request, body []byte) (*answer, error) {
	rt, vars, verbs := e.match(r)
	entry := e.record(r, rt, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := newAnswer()
	serve := func() {
		switch {
		case rt != nil:
			rt.serve(a, r, vars)
		case entry.Endpoint == EndpointCloud:
			notHere(a)
		case len(verbs) > 0:
			a.Header()["Allow"] = verbs
			notAllowed(a, r)
		default:
			notFound(a, r)
		}
	}
	fault := e.takeFault(entry)
	if fault == nil {
		serve()
		e.settle(entry, a, "")
		return a, nil
	}
	a, err := e.strike(r.Context(), fault, a, serve)
	e.settle(entry, a, fault.describe())
	return a, err
}

// ServeHTTP answers over a real connection.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
		}
		return
	}
	a, err := e.handle(r, body)
	if err != nil {
		breakConnection(w, errors.Is(err, errReset))
		return
	}
	a.writeTo(w, r)
}

// allRoutes is everything the emulator answers to.
func (e *Emulator) allRoutes() []route {
	var all []route
	for _, part := range [][]route{
		e.oauthRoutes(), e.userRoutes(), e.groupRoutes(), e.universeRoutes(), e.placeRoutes(), e.messagingRoutes(),
		e.assetRoutes(), e.dataStoreRoutes(), e.dataStoreV1Routes(), e.orderedRoutes(), e.controlRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}
