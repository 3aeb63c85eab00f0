package mocks_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/mocks"
)

func TestErrorsComeAsRobloxSendsThem(t *testing.T) {
	t.Parallel()
	var fail error
	fake := &mocks.Users{GetUserFunc: func(context.Context, string) (*users.User, error) { return nil, fail }}
	c := users.New(fake.Client())
	for _, target := range []error{
		opencloud.ErrInvalidArgument, opencloud.ErrUnauthenticated, opencloud.ErrPermissionDenied, opencloud.ErrNotFound, opencloud.ErrConflict,
	} {
		fail = target
		_, err := c.GetUser(t.Context(), "1")
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || !errors.Is(err, target) || e.Status == 0 || e.Method != "users.GetUser" {
			t.Errorf("%v became %v", target, err)
		}
	}
	fail = &opencloud.Error{
		Status: 418, Code: "TEAPOT", Message: "short and stout", RequestID: "r-1",
		Fields: []opencloud.Field{{Name: "spout", Message: "missing"}},
	}
	_, err := c.GetUser(t.Context(), "1")
	e, ok := errors.AsType[*opencloud.Error](err)
	if !ok || e.Status != 418 || e.Code != "TEAPOT" || e.Message != "short and stout" || e.RequestID != "r-1" || len(e.Fields) != 1 {
		t.Errorf("%+v", err)
	}
	fail = &opencloud.Error{Status: 429, RetryAfter: 1500 * time.Millisecond}
	if _, err = c.GetUser(t.Context(), "1"); !errors.Is(err, opencloud.ErrRateLimited) {
		t.Error(err)
	}
	if e, _ = errors.AsType[*opencloud.Error](err); e.RetryAfter != 2*time.Second {
		t.Errorf("to be tried again after %s", e.RetryAfter)
	}
	fail = io.ErrUnexpectedEOF // what no response can say comes out of the connection
	if _, err = c.GetUser(t.Context(), "1"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestPagingRunsForReal(t *testing.T) {
	t.Parallel()
	pages := map[string]*users.ListInventoryItemsResponse{
		"":  {InventoryItems: make([]users.InventoryItem, 2), NextPageToken: "b"},
		"b": {NextPageToken: "c"},
		"c": {InventoryItems: make([]users.InventoryItem, 1)},
	}
	fake := &mocks.Users{ListInventoryItemsFunc: func(_ context.Context, user string, p *users.ListInventoryItemsParams) (*users.ListInventoryItemsResponse, error) {
		if user != "a/b" || p.MaxPageSize != 2 {
			t.Errorf("%s %+v", user, p)
		}
		return pages[p.PageToken], nil
	}}
	n := 0
	for _, err := range users.New(fake.Client()).InventoryItems(t.Context(), "a/b", &users.ListInventoryItemsParams{MaxPageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d items", n)
	}
}
