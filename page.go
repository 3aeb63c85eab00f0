package opencloud

import (
	"context"
	"errors"
	"iter"
)

// Pages returns an iterator over the items of all pages. fetch gets a page by
// its token, "" for the first, and returns the token of the next, "" for none.
// A page without items is no end if it has a next token.
//
// The iterator ends after the first error. If the server gives a token that it
// has given before, so that it would never end, that is an error too. Each
// range over it starts anew from the first page.
//
//go:noinline
func Pages[T any](ctx context.Context, fetch func(ctx context.Context, token string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := walk(func(token string) (string, error) {
			items, next, err := fetch(ctx, token)
			if err != nil {
				return "", err
			}
			for _, item := range items {
				if !yield(item, nil) {
					return "", nil
				}
			}
			return next, nil
		})
		if err != nil {
			yield(*new(T), err)
		}
	}
}

// walk calls page with one token after the other, each of which the call before
// has returned, until there is none.
func walk(page func(token string) (next string, err error)) error {
	token, seen := "", ""
	for n, check := 1, 1; ; n++ {
		next, err := page(token)
		switch {
		case err != nil:
			return err
		case next == "":
			return nil
		case next == token, next == seen:
			return errors.New("opencloud: the server repeats a page token, so the list would not end")
		}
		token = next
		// Brent's cycle detection: one remembered token, renewed at each power
		// of two, finds a cycle of any length.
		if n == check {
			seen, check = next, 2*check
		}
	}
}
