package filestore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

const (
	flowSuffix = ".flow"
	usedSuffix = ".used"

	// maxFlows bounds what anonymous visitors of a login page can make a shard
	// hold: some ten thousand sign-ins in all.
	maxFlows = 10_000 / shards
	// sweepFlows is the least number of files worth looking through for old
	// ones.
	sweepFlows = 32
	// flowMemory is how long a flow past its end is still told from an unknown
	// one.
	flowMemory = time.Hour
)

// flow is an oauth.Flow as stored. That it has been taken shows in its file's
// suffix, since a rename needs no space and happens once.
type flow struct {
	ID      string    `json:"id"`
	Binding string    `json:"binding"`
	Expires time.Time `json:"expires"`
	Sealed  []byte    `json:"sealed,omitempty"`
}

// PutFlow implements oauth.FlowStore. Beyond some ten thousand flows, those
// that expire first give way.
func (s *Store) PutFlow(ctx context.Context, f oauth.Flow) error {
	place, dir, name := flowPlace(f.ID)
	unlock, err := s.flows[place].Acquire(ctx)
	if err != nil {
		return s.notWritten(err)
	}
	defer unlock()
	for _, suffix := range []string{flowSuffix, usedSuffix} {
		if _, err := s.root.Lstat(name + suffix); !errors.Is(err, fs.ErrNotExist) {
			return s.notWritten(errors.Join(errors.New("a flow of that id exists"), err))
		}
	}
	if err := s.sweep(place, dir); err != nil {
		return s.notWritten(err)
	}
	return s.replace(dir, name+flowSuffix, name+".tmp", record.Encode("flow", flow{f.ID, f.Binding, record.UTC(f.Expires), f.Sealed}))
}

// TakeFlow implements oauth.FlowStore.
func (s *Store) TakeFlow(ctx context.Context, id, binding string) (oauth.Flow, error) {
	place, dir, name := flowPlace(id)
	unlock, err := s.flows[place].Acquire(ctx)
	if err != nil {
		return oauth.Flow{}, s.notWritten(err)
	}
	defer unlock()
	f, err := s.readFlow(name + flowSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := s.root.Lstat(name + usedSuffix); err == nil {
			return oauth.Flow{}, fmt.Errorf("filestore: %w", oauth.ErrFlowUsed)
		}
		return oauth.Flow{}, fmt.Errorf("filestore: %w", oauth.ErrFlowUnknown)
	case err != nil:
		return oauth.Flow{}, s.notWritten(err)
	case f.ID != id:
		return oauth.Flow{}, fmt.Errorf("filestore: %s: %w: it is another flow", s.path(name+flowSuffix), oauth.ErrCorruptRow)
	case f.Binding != binding:
		return oauth.Flow{}, fmt.Errorf("filestore: %w", oauth.ErrFlowBinding)
	case !time.Now().Before(f.Expires):
		return oauth.Flow{}, fmt.Errorf("filestore: %w", oauth.ErrFlowExpired)
	}
	if err := s.root.Rename(name+flowSuffix, name+usedSuffix); err != nil {
		return oauth.Flow{}, s.notWritten(err)
	}
	return oauth.Flow(f), s.flush(dir)
}

func (s *Store) readFlow(name string) (flow, error) {
	f, err := s.openFile(name)
	if err != nil {
		return flow{}, err
	}
	defer f.Close()
	var v flow
	if err := record.Decode(f, "flow", &v); err != nil {
		return flow{}, fmt.Errorf("%s: %w", s.path(name), err)
	}
	return v, nil
}

// sweep removes the flows of a shard that are long over and, where too many
// are left, those that expire first. It looks when their number has doubled.
func (s *Store) sweep(place int, dir string) error {
	names, err := s.list(dir, "")
	if err != nil || len(names) < max(s.sweeps[place], sweepFlows) {
		return err
	}
	type old struct {
		name    string
		expires time.Time
	}
	var left []old
	forgotten := time.Now().Add(-flowMemory)
	for _, name := range names {
		if name == "lock" {
			continue
		}
		name = dir + "/" + name
		f, err := s.readFlow(name)
		if err == nil && f.Expires.After(forgotten) && !strings.HasSuffix(name, ".tmp") {
			left = append(left, old{name, f.Expires})
			continue
		}
		if err := s.root.Remove(name); err != nil { // unreadable ones too: a flow is no loss
			return err
		}
	}
	slices.SortFunc(left, func(a, b old) int { return cmp.Or(a.expires.Compare(b.expires), cmp.Compare(a.name, b.name)) })
	for len(left) >= maxFlows {
		if err := s.root.Remove(left[0].name); err != nil {
			return err
		}
		left = left[1:]
	}
	s.sweeps[place] = min(2*len(left), maxFlows)
	return nil
}

// flowPlace returns the shard, directory and file of a flow, whose id, unlike
// a grant's, may be any text.
func flowPlace(id string) (place int, dir, name string) {
	sum := sha256.Sum256([]byte(id))
	place = int(sum[0]) % shards
	dir = "flows/" + shardNames[place:place+1]
	return place, dir, fmt.Sprintf("%s/%x", dir, sum)
}
