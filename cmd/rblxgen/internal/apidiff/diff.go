package apidiff

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Kind says what happened to a name. Removed and changed ones break code.
type Kind string

// The kinds, in the order in which they are listed.
const (
	Removed    Kind = "removed"
	Changed    Kind = "changed"
	Deprecated Kind = "deprecated"
	Added      Kind = "added"
)

// Change is one difference between two surfaces.
type Change struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`          // users.Client.GetUser
	Old  string `json:"old,omitempty"` // its declaration before
	New  string `json:"new,omitempty"` // and after; of a deprecation the reason
}

// Diff lists what changed, what breaks code first. What belongs to a type that
// came or went as a whole is not listed beside it.
func Diff(before, after Surface) []Change {
	changes := []Change{}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		old := before[name]
		now, stays := after[name]
		_, whole := after[old.Of]
		switch {
		case !stays && (old.Of == "" || whole):
			changes = append(changes, Change{Removed, name, old.Text, ""})
		case !stays:
		case old.Text != now.Text:
			changes = append(changes, Change{Changed, name, old.Text, now.Text})
		case old.Deprecated == "" && now.Deprecated != "":
			changes = append(changes, Change{Deprecated, name, "", now.Deprecated})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		now := after[name]
		_, had := before[name]
		if _, whole := before[now.Of]; !had && (now.Of == "" || whole) {
			changes = append(changes, Change{Added, name, "", now.Text})
		}
	}
	order := []Kind{Removed, Changed, Deprecated, Added}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
	})
	return changes
}

// Write prints changes a line each, and how many there are of each kind.
func Write(w io.Writer, changes []Change) {
	count := map[Kind]int{}
	for _, c := range changes {
		count[c.Kind]++
		text := c.Old + c.New
		switch c.Kind {
		case Changed:
			text = c.Old + " -> " + c.New
		case Deprecated:
			text = ": " + c.New
		}
		if !strings.HasPrefix(text, "(") && !strings.HasPrefix(text, ":") {
			text = " " + text
		}
		fmt.Fprintf(w, "%-10s %s%s\n", c.Kind, c.Name, text)
	}
	fmt.Fprintf(w, "removed %d changed %d deprecated %d added %d\n", count[Removed], count[Changed], count[Deprecated], count[Added])
}
