package record

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

func FuzzDecode(f *testing.F) {
	f.Add(Encode("row", Record{GrantID: "g", Sealed: []byte("sealed")}))
	f.Add([]byte("rblx-grants 1 row 00 99999999999999999999\n{}"))
	f.Add([]byte("rblx-grants 1 row 00 -1\n{}"))
	f.Add([]byte("rblx-grants 2"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Record
		if err := Decode(bytes.NewReader(data), "row", &r); err != nil {
			if !errors.Is(err, oauth.ErrCorruptRow) {
				t.Errorf("error %v wraps no ErrCorruptRow", err)
			}
			return
		}
		var again Record
		if err := Decode(bytes.NewReader(Encode("row", r)), "row", &again); err != nil {
			t.Errorf("what was decoded does not survive: %v", err)
		}
	})
}
