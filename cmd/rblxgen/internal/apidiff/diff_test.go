package apidiff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func surface(t *testing.T, text string) Surface {
	t.Helper()
	s, err := Parse(map[string][]byte{"api/things/things.gen.go": []byte("package things\n" + text), "api/things/things_test.go": []byte("no Go")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const before = `
type Client struct{ core int }
func New(core int) *Client { return nil }
func (c *Client) GetThing(ctx context.Context, id string) (*Thing, error) { return nil, nil }
func (c *Client) DropThing(id string) error { return nil }
func (c *Client) secret() {}
type API interface { GetThing() }
type UnimplementedAPI struct{}
func (UnimplementedAPI) GetThing() {}
type Store interface {
	// Load loads.
	Load(id string) Thing
}
type List[T any] struct { Items []T }
func (l *List[T]) Next() T { return l.Items[0] }
func (l *List[T]) Len() int { return 0 }
type Thing struct {
	ID string
	Size int
	hidden bool
}
type Gone struct { A, B int }
type Color string
const (
	ColorRed Color = "RED"
	ColorOld Color = "OLD"
)
var MethodGetThing = &Method{Limit: 1}
`

const after = `
type Client struct{ core int }
func New(core int) *Client { return nil }
// GetThing gets it.
//
// Deprecated: not in the document
// of 2026-09-01.
//
// More.
func (c *Client) GetThing(ctx context.Context, id string) (*Thing, error) { return nil, nil }
func (c *Client) ListThings() error { return nil }
type API interface { GetThing(); ListThings() }
type UnimplementedAPI struct{}
func (UnimplementedAPI) GetThing() {}
func (UnimplementedAPI) ListThings() {}
type Store interface {
	// Load loads it.
	Load(id string) Thing
	fmt.Stringer
}
type List[T any] struct { Items []T }
func (l *List[T]) Next() T { return l.Items[0] }
type Thing struct {
	ID string
	Size *int64
	// Name is new.
	Name map[string]string
}
type Fresh struct { C int }
type Color string
const (
	ColorRed Color = "red"
	ColorBlue Color = "BLUE"
)
var MethodGetThing = &Method{Limit: 2}
`

func TestDiff(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	Write(&out, Diff(surface(t, before), surface(t, after)))
	want := `removed    things.Client.DropThing(id string) error
removed    things.ColorOld const Color = "OLD"
removed    things.Gone struct
removed    things.List.Len() int
changed    things.ColorRed const Color = "RED" -> const Color = "red"
changed    things.Store interface { Load(id string) Thing } -> interface { Load(id string) Thing; fmt.Stringer }
changed    things.Thing.Size int -> *int64
deprecated things.Client.GetThing: not in the document of 2026-09-01.
added      things.Client.ListThings() error
added      things.ColorBlue const Color = "BLUE"
added      things.Fresh struct
added      things.Thing.Name map[string]string
removed 4 changed 3 deprecated 1 added 4
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingChanged(t *testing.T) {
	t.Parallel()
	if changes := Diff(surface(t, before), surface(t, before)); len(changes) != 0 {
		t.Errorf("%v", changes)
	}
}

func TestParseNamesWhatIsNoGo(t *testing.T) {
	t.Parallel()
	if _, err := Parse(map[string][]byte{"api/x/x.go": []byte("pack")}); err == nil || !strings.Contains(err.Error(), "api/x/x.go:1") {
		t.Errorf("%v", err)
	}
}
