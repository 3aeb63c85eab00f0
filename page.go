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
func Pages[T any](ctx context.Context, fetch func(ctx context.Context, token string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		token, seen := "", ""
		for n, check := 1, 1; ; n++ {
			items, next, err := fetch(ctx, token)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			switch next {
			case "":
				return
			case token, seen:
				yield(zero, errors.New("opencloud: the server repeats a page token, so the list would not end"))
				return
			}
			token = next
			// Brent's cycle detection: one remembered token, renewed at each power
			// of two, finds a cycle of any length.
			if n == check {
				seen, check = next, 2*check
			}
		}
	}
}
