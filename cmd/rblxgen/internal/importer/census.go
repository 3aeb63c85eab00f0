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
	Families   map[string]int    `json:"families"`
	NotPlaced  map[string]string `json:"notPlaced"` // by METHOD path: why
}

// Document identifies the imported document.
type Document struct {
	Date   string `json:"date"`
	SHA256 string `json:"sha256"`
}

// Counts adds up: Total = CookieOnly + Generated + NotPlaced - Kept.
type Counts struct {
	Total      int `json:"total"`
	CookieOnly int `json:"cookieOnly"` // take neither an API key nor OAuth
	Generated  int `json:"generated"`
	NotPlaced  int `json:"notPlaced"` // take one, but no family has them yet
	Kept       int `json:"kept"`      // generated, but from an earlier document
}

func newCensus(doc spec.Object, source []byte, date string) *Census {
	sum := sha256.Sum256(source)
	c := &Census{Document: Document{Date: date, SHA256: hex.EncodeToString(sum[:])}, Families: map[string]int{}, NotPlaced: map[string]string{}}
	for _, op := range spec.Operations(doc) {
		c.Operations.Total++
		if !accepted(op) {
			c.Operations.CookieOnly++
		}
	}
	return c
}

// leave records an operation that is not generated.
func (c *Census) leave(op spec.Operation, reason string) {
	c.NotPlaced[op.Key()] = reason
	c.Operations.NotPlaced++
}

// count counts what is in the description.
func (c *Census) count(out spec.Object) {
	for _, op := range spec.Operations(out) {
		c.Operations.Generated++
		c.Families[spec.Strings(op.Object, "tags")[0]]++
		if spec.Flag(op.Object, "deprecated") && spec.Text(op.Object, "x-deprecated-reason") != "" {
			c.Operations.Kept++
		}
	}
}
