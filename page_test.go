package opencloud_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud"
)

type page struct {
	items []int
	next  string
}

// book returns a fetch that serves these pages and counts.
func book(pages map[string]page) (fetch func(context.Context, string) ([]int, string, error), fetched *[]string) {
	fetched = new([]string)
	return func(_ context.Context, token string) ([]int, string, error) {
		*fetched = append(*fetched, token)
		p, ok := pages[token]
		if !ok {
			return nil, "", errors.New("no page " + token)
		}
		return p.items, p.next, nil
	}, fetched
}

func collect(t *testing.T, fetch func(context.Context, string) ([]int, string, error)) (items []int, err error) {
	t.Helper()
	for item, e := range opencloud.Pages(t.Context(), fetch) {
		if err != nil {
			t.Fatal("the iterator went on after an error")
		}
		if e != nil {
			err = e
			continue
		}
		items = append(items, item)
	}
	return items, err
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		pages   map[string]page
		items   []int
		fetched int
		fails   bool
	}{
		{"one", map[string]page{"": {[]int{1, 2}, ""}}, []int{1, 2}, 1, false},
		{"none", map[string]page{"": {nil, ""}}, nil, 1, false},
		{"an empty one between", map[string]page{"": {[]int{1}, "b"}, "b": {nil, "c"}, "c": {[]int{2}, ""}}, []int{1, 2}, 3, false},
		{"an error later", map[string]page{"": {[]int{1}, "b"}}, []int{1}, 2, true},
		{"the same token again", map[string]page{"": {[]int{1}, "b"}, "b": {[]int{2}, "b"}}, []int{1, 2}, 2, true},
	} {
		fetch, fetched := book(tt.pages)
		items, err := collect(t, fetch)
		if !slices.Equal(items, tt.items) || len(*fetched) != tt.fetched || (err != nil) != tt.fails {
			t.Errorf("%s: items %v of %d pages, error %v", tt.name, items, len(*fetched), err)
		}
	}
}

func TestPagesStopAndStartAnew(t *testing.T) {
	t.Parallel()
	fetch, fetched := book(map[string]page{"": {[]int{1, 2}, "b"}, "b": {[]int{3}, ""}})
	seq := opencloud.Pages(t.Context(), fetch)
	for range 2 {
		for item, err := range seq {
			if item != 1 || err != nil {
				t.Errorf("began with %d, %v", item, err)
			}
			break
		}
	}
	if !slices.Equal(*fetched, []string{"", ""}) {
		t.Errorf("fetched %q, want the first page twice", *fetched)
	}
}

// Whatever cycle the tokens end in, the iterator ends with an error, soon after
// it has seen each page once.
func TestPagesEndInCycles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "pages")
		back := rapid.IntRange(1, n).Draw(rt, "back to")
		calls := 0
		ended := false
		for _, err := range opencloud.Pages(t.Context(), func(_ context.Context, token string) ([]int, string, error) {
			calls++
			at := 0
			if token != "" {
				at, _ = strconv.Atoi(token)
			}
			if at == n {
				return []int{at}, strconv.Itoa(back), nil
			}
			return []int{at}, strconv.Itoa(at + 1), nil
		}) {
			ended = err != nil
		}
		if !ended || calls > 4*n+4 {
			rt.Fatalf("ended with an error: %v, after %d calls", ended, calls)
		}
	})
}
