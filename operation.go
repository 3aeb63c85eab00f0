package opencloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// Operation is work that Roblox goes on with after the call that started it has
// returned, and that ends in a T. Its Name is all that is needed to come back to
// it later, from any process: the client's Resume methods take it.
//
// An Operation is not safe for concurrent use.
type Operation[T any] struct {
	// Name identifies the operation, as Roblox spells it.
	Name string
	// Done says that the operation has ended; then either Response or Err is set.
	Done bool
	// Response is what the operation made.
	Response *T
	// Err is why it failed. Its Status is the one that its Code stands for.
	Err *Error
	// Metadata is what Roblox tells about the work, JSON; it may be nil.
	Metadata json.RawMessage

	client *Client
	poll   *Method
}

// Start calls m, which starts an operation, and returns it. poll is the method
// that asks for it later.
func Start[T any](ctx context.Context, c *Client, m, poll *Method, r Request) (*Operation[T], error) {
	op := &Operation[T]{client: c, poll: poll}
	state := operationState{Response: new(T)}
	if err := c.decode(ctx, m, r, &state); err != nil {
		return nil, err
	}
	op.adopt(m, &state)
	return op, nil
}

// Resume returns the operation of that name, which is not known to be done. It
// sends nothing: [Operation.Poll] and [Operation.Wait] do.
func Resume[T any](c *Client, poll *Method, name string) *Operation[T] {
	return &Operation[T]{Name: name, client: c, poll: poll}
}

// Poll asks once how the operation stands, unless it is done. An error says
// that asking failed; that the operation failed is in Err.
func (o *Operation[T]) Poll(ctx context.Context) error {
	if o.Done {
		return nil
	}
	state := operationState{Response: new(T)}
	if err := o.client.pollOnce(ctx, o.poll, o.Name, &state); err != nil {
		return err
	}
	o.adopt(o.poll, &state)
	return nil
}

// pollOnce asks how the operation of that name stands.
func (c *Client) pollOnce(ctx context.Context, poll *Method, name string, state *operationState) error {
	if c == nil {
		return invalid("the operation %q came from no client", name)
	}
	path, err := operationPath(poll.Path, name)
	if err != nil {
		return newError(poll, nil, nil, err)
	}
	return c.decode(ctx, poll, Request{Path: path}, state)
}

const (
	firstPoll = 250 * time.Millisecond
	lastPoll  = 10 * time.Second
	// maxPollFailures is how many polls in a row may fail.
	maxPollFailures = 10
)

// Wait polls until the operation is done and returns its Response or Err. It
// asks after a quarter of a second first and every ten seconds in the end, and
// waits longer where the server wants that.
//
// Polls that fail because of a limit, a server or the network are tried again,
// ten times in a row at most, and as long as the next one comes before the
// context's deadline. One that the credential stops ends the wait at once. After
// an error of that kind, or the context's, the operation goes on at Roblox, and
// Wait may be called again.
func (o *Operation[T]) Wait(ctx context.Context) (*T, error) {
	if err := wait(ctx, o.poll, &o.Done, o.Poll); err != nil {
		return nil, err
	}
	if o.Err != nil {
		return nil, o.Err
	}
	if o.Response == nil {
		o.Response = new(T)
	}
	return o.Response, nil
}

// wait asks until the operation is done.
func wait(ctx context.Context, poll *Method, done *bool, ask func(context.Context) error) error {
	delay, failures := firstPoll, 0
	for !*done {
		pause := delay/2 + rand.N(delay/2+1) // many that started at once shall not poll at once
		if err := ask(ctx); err != nil {
			failures++
			if e, ok := errors.AsType[*Error](err); ok {
				pause = max(pause, e.RetryAfter)
			}
			deadline, ok := ctx.Deadline()
			if ctx.Err() != nil || !passing(err) || failures == maxPollFailures || ok && time.Now().Add(pause).After(deadline) {
				return err
			}
		} else {
			failures = 0
		}
		if *done {
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return newError(poll, nil, nil, ctx.Err())
		case <-timer.C:
		}
		delay = min(delay*3/2, lastPoll)
	}
	return nil
}

// passing reports whether a poll that failed may succeed later.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || errors.Is(err, ErrInvalidArgument) || transport.NotSent(err) {
		return false
	}
	return e.Status == 0 && !errors.Is(err, ErrUnauthenticated) || e.Status/100 == 2 || e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
}

// operationState is an operation on the wire.
type operationState struct {
	Path     string           `json:"path,omitzero"`
	Done     bool             `json:"done,omitzero"`
	Metadata json.RawMessage  `json:"metadata,omitzero"`
	Response any              `json:"response,omitzero"` // to decode, a pointer to what it will be
	Error    *operationStatus `json:"error,omitzero"`
}

// operationStatus is google.rpc.Status.
type operationStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// failure is the error of an operation that failed in a call of m, or nil.
func (s *operationState) failure(m *Method) *Error {
	if s.Error == nil || s.Error.Code == 0 && s.Error.Message == "" {
		return nil
	}
	code, status := rpcCode(s.Error.Code)
	return &Error{Method: m.Name, Verb: m.Verb, Path: m.Path, Status: status, Code: code, Message: oneLine(s.Error.Message)}
}

// adopt takes over what the answer to a call of m says.
func (o *Operation[T]) adopt(m *Method, s *operationState) {
	o.Name, o.Done = cmp.Or(s.Path, o.Name), s.Done
	if s.Metadata != nil {
		o.Metadata = s.Metadata
	}
	if !s.Done {
		return
	}
	if o.Err = s.failure(m); o.Err != nil {
		o.Response = nil
	} else if o.Response, _ = s.Response.(*T); o.Response == nil {
		o.Response = new(T) // an empty message is null
	}
}

// MarshalJSON implements json.Marshaler with the API's own form.
func (o *Operation[T]) MarshalJSON() ([]byte, error) {
	s := operationState{Path: o.Name, Done: o.Done, Metadata: o.Metadata}
	if o.Response != nil {
		s.Response = o.Response
	}
	if o.Err != nil {
		s.Error = &operationStatus{Code: rpcNumber(o.Err.Code), Message: o.Err.Message}
	}
	return json.Marshal(s)
}

// operationPath finds the parameters of a template in an operation's name. The
// names are paths, but of another root than where they are asked for, and one
// of them lacks a part: only what stands before each parameter is relied on.
func operationPath(template, name string) ([]string, error) {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	segments := strings.Split(template, "/")
	var params []string
	for i, segment := range segments {
		if !strings.HasPrefix(segment, "{") {
			continue
		}
		for len(parts) > 1 && parts[0] != segments[i-1] {
			parts = parts[1:]
		}
		if len(parts) < 2 {
			return nil, invalid("%q is no name of an operation that %s returns", name, template)
		}
		value := parts[1]
		parts = parts[2:]
		if i == len(segments)-1 { // an id is base64, which has slashes
			value = strings.Join(append([]string{value}, parts...), "/")
		}
		if raw, err := url.PathUnescape(value); err == nil {
			value = raw
		}
		params = append(params, value)
	}
	return params, nil
}
