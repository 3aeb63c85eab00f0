package opencloud_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
)

// longList is a list in JSON of a gigabyte, which counts what was read of it.
type longList struct {
	body io.Reader
	read int64
}

func newLongList() *longList {
	return &longList{body: io.LimitReader(io.MultiReader(strings.NewReader(`[0`), ones{}), 1<<30)}
}

func (l *longList) Read(p []byte) (int, error) {
	n, err := l.body.Read(p)
	l.read += int64(n)
	return n, err
}

// ones goes on with a list.
type ones struct{}

func (ones) Read(p []byte) (int, error) {
	n := len(p) &^ 1
	for i := 0; i < n; i += 2 {
		p[i], p[i+1] = ',', '1'
	}
	return n, nil
}

// However much a success answers, no call reads more of it than a buffer that has
// outgrown 64 MiB holds, and what is longer is an error; a call that has no result
// needs none of it.
func TestEndlessSuccess(t *testing.T) {
	t.Parallel()
	r := opencloud.Request{Path: []string{"1"}}
	decode := func(http.Header, []byte) (*int, error) { return new(int), nil }
	for name, row := range map[string]struct {
		call func(context.Context, *opencloud.Client) error
		most int64
		want string
	}{
		"Do": {func(ctx context.Context, c *opencloud.Client) error {
			_, err := opencloud.Do[[]int](ctx, c, getUser, r)
			return err
		}, 80 << 20, "longer than 67108864 bytes"},
		"Value": {func(ctx context.Context, c *opencloud.Client) error {
			_, err := opencloud.Value[[]int](ctx, c, getUser, r)
			return err
		}, 80 << 20, "longer than 67108864 bytes"},
		"Raw": {func(ctx context.Context, c *opencloud.Client) error {
			_, err := opencloud.Raw(ctx, c, getUser, r)
			return err
		}, 80 << 20, "longer than 67108864 bytes"},
		"DoFunc": {func(ctx context.Context, c *opencloud.Client) error {
			_, err := opencloud.DoFunc(ctx, c, getUser, r, decode)
			return err
		}, 80 << 20, "longer than 67108864 bytes"},
		"Start": {func(ctx context.Context, c *opencloud.Client) error {
			_, err := opencloud.Start[user](ctx, c, getUser, getUser, r)
			return err
		}, 80 << 20, "longer than 67108864 bytes"},
		"Exec": {func(ctx context.Context, c *opencloud.Client) error { return opencloud.Exec(ctx, c, getUser, r) }, 64 << 10, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := newLongList()
			err := row.call(t.Context(), answering(t, 200, http.Header{}, list))
			if list.read == 0 || list.read > row.most {
				t.Errorf("%d bytes were read, want some and at most %d", list.read, row.most)
			}
			switch {
			case row.want == "" && err != nil, row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("the error is %v, want %q", err, row.want)
			}
		})
	}
}
