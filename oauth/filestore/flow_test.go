package filestore

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// flowsOfOneShard returns n flow ids.
func flowsOfOneShard(n int) []string {
	var ids []string
	for i := 0; len(ids) < n; i++ {
		id := fmt.Sprint("flow-", i)
		if place, _, _ := flowPlace(id); place == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestOldFlowsAreSwept(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	for _, id := range flowsOfOneShard(3 * sweepFlows) {
		if err := s.PutFlow(t.Context(), oauth.Flow{ID: id, Expires: time.Now().Add(-2 * flowMemory)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(files(t, s.dir)); n > sweepFlows+2 {
		t.Errorf("%d files are left of flows long over", n)
	}
}

func TestFloodOfFlows(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	ids := flowsOfOneShard(maxFlows + 10)
	now := time.Now()
	for i, id := range ids {
		if err := s.PutFlow(t.Context(), oauth.Flow{ID: id, Expires: now.Add(time.Hour + time.Duration(i)*time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(files(t, s.dir)); n > maxFlows+2 {
		t.Errorf("%d files after a flood, want at most %d", n, maxFlows+2)
	}
	if _, err := s.TakeFlow(t.Context(), ids[0], ""); !errors.Is(err, oauth.ErrFlowUnknown) {
		t.Errorf("the flow that expires first: %v, want it gone", err)
	}
	if _, err := s.TakeFlow(t.Context(), ids[len(ids)-1], ""); err != nil {
		t.Errorf("the last flow: %v", err)
	}
}
