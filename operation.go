package opencloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The first poll of an operation comes after pollFirst, each further one after
// twice the time, at most pollMost.
const (
	pollFirst = 250 * time.Millisecond
	pollMost  = 10 * time.Second
)

// Operation is work that goes on at Roblox after the call that began it has
// been answered. T is what it results in. An Operation is for one goroutine at
// a time.
type Operation[T any] struct {
	client *Client
	method *Method // the one that began it
	state  operationState
}

type operationState struct {
	Path     string          `json:"path"`
	Done     bool            `json:"done"`
	Response json.RawMessage `json:"response"`
	Error    *struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	} `json:"error"`
}

// Begin calls m, which answers with an operation. prefix is what goes before
// the operation's path to poll it, "/cloud/v2/": it differs among methods.
func Begin[T any](ctx context.Context, c *Client, m *Method, r Request, prefix string) (*Operation[T], error) {
	state, err := Do[operationState](ctx, c, m, r)
	if err != nil {
		return nil, err
	}
	if !state.Done {
		state.Path = strings.TrimPrefix(prefix, "/") + strings.TrimPrefix(state.Path, strings.TrimPrefix(prefix, "/"))
	}
	return &Operation[T]{client: c, method: m, state: *state}, nil
}

// Resume returns the operation that m began and that has the given name, from
// [Operation.Name]. It does not use the network.
func Resume[T any](c *Client, m *Method, name string) *Operation[T] {
	return &Operation[T]{client: c, method: m, state: operationState{Path: name}}
}

// Name returns what Resume takes, to wait elsewhere or later. It is no secret.
func (op *Operation[T]) Name() string { return op.state.Path }

// Done reports whether the operation had ended when it was last asked about.
func (op *Operation[T]) Done() bool { return op.state.Done }

// Poll asks once how the operation stands.
func (op *Operation[T]) Poll(ctx context.Context) error {
	if op.state.Done {
		return nil
	}
	m := *op.method
	segments := strings.Split(op.state.Path, "/")
	m.Verb, m.Path, m.Class = http.MethodGet, strings.Repeat("/{operation}", len(segments)), Safe
	state, err := Do[operationState](ctx, op.client, &m, Request{Path: segments})
	if err != nil {
		return err
	}
	state.Path = op.state.Path
	op.state = *state
	return nil
}

// Wait polls until the operation has ended and returns its result, or an
// *[Error] if it failed. A rate limit or an unavailable server only delays it.
// When ctx ends before, so does Wait; the operation goes on and may be waited
// for again.
func (op *Operation[T]) Wait(ctx context.Context) (*T, error) {
	backoff := pollFirst
	for wait := backoff; !op.state.Done; {
		if err := sleep(ctx, wait); err != nil {
			return nil, newError(op.method, nil, nil, err)
		}
		backoff = min(2*backoff, pollMost)
		wait = backoff
		err := op.Poll(ctx)
		var busy *Error
		if errors.As(err, &busy) && (errors.Is(err, ErrRateLimited) || errors.Is(err, ErrUnavailable)) {
			wait = max(wait, busy.RetryAfter)
		} else if err != nil {
			return nil, err
		}
	}
	return op.result()
}

func (op *Operation[T]) result() (*T, error) {
	if e := op.state.Error; e != nil {
		failed := newError(op.method, nil, nil, nil)
		failed.Code, failed.Message = text(e.Code), text(e.Message)
		return nil, failed
	}
	v := new(T)
	if err := json.Unmarshal(op.state.Response, v); err != nil {
		return nil, newError(op.method, nil, nil, fmt.Errorf("the operation's result is not what it should be: %w", err))
	}
	return v, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
