package opencloud_test

import (
	"slices"
	"testing"

	"github.com/rblx-go/opencloud"
)

func TestScopesFor(t *testing.T) {
	t.Parallel()
	a := &opencloud.Method{Scopes: []string{"b:write", "a:read"}}
	b := &opencloud.Method{Scopes: []string{"c:read", "a:read"}}
	if got := opencloud.ScopesFor(a, b, &opencloud.Method{}, a); !slices.Equal(got, []string{"a:read", "b:write", "c:read"}) {
		t.Error(got)
	}
	if got := opencloud.ScopesFor(); len(got) != 0 {
		t.Error(got)
	}
	if !slices.Equal(a.Scopes, []string{"b:write", "a:read"}) {
		t.Error("the method's own list was sorted")
	}
}
