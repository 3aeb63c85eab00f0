package importer

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Census says what became of every operation of the document.
type Census struct {
	Document   Document          `json:"document"`
	Operations Counts            `json:"operations"`
	Families   map[string]int    `json:"families"`  // operations by family, kept ones included
	Unplaced   []string          `json:"unplaced"`  // operations whose family was made of their path
	Twins      map[string]string `json:"twins"`     // operations that are another one on the wire
	Skipped    map[string]string `json:"skipped"`   // operations that no method can express yet: why
	Redundant  []string          `json:"redundant"` // passes that found nothing to correct
}

// Document identifies the imported document.
type Document struct {
	Date   string `json:"date"`
	SHA256 string `json:"sha256"`
}

// Counts adds up: Total = LeftOut + Accepted, Accepted = Generated + len(Skipped).
type Counts struct {
	Total     int `json:"total"`
	LeftOut   int `json:"leftOut"`   // take neither an API key nor OAuth, but a browser's cookie
	Accepted  int `json:"accepted"`  // take one of them
	Generated int `json:"generated"` // have a method
	Unplaced  int `json:"unplaced"`  // of these: in a family made of their path, since no rule has one
	Kept      int `json:"kept"`      // have a method too, but from an earlier document
}

func newCensus(source []byte, date string) *Census {
	sum := sha256.Sum256(source)
	return &Census{
		Document: Document{Date: date, SHA256: hex.EncodeToString(sum[:])},
		Families: map[string]int{}, Unplaced: []string{}, Twins: map[string]string{}, Skipped: map[string]string{}, Redundant: []string{},
	}
}

// count counts what is in the description.
func (c *Census) count(out spec.Object) {
	c.Operations.Generated = len(c.Twins)
	for _, op := range spec.Operations(out) {
		family := spec.Strings(op.Object, "tags")[0]
		c.Families[family]++
		if spec.Text(op.Object, "x-deprecated-reason") != "" {
			c.Operations.Kept++
			continue
		}
		c.Operations.Generated++
		if made, is := place(op.Path); is && made == family {
			c.Unplaced = append(c.Unplaced, op.Key())
		}
	}
	c.Operations.Unplaced = len(c.Unplaced)
	c.Operations.LeftOut = c.Operations.Total - c.Operations.Accepted
}
