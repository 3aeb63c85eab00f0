package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

const (
	// maxFlows bounds what anonymous visitors of a login page can make a bucket
	// hold: some hundred thousand sign-ins in all, 60 MB.
	maxFlows = 400
	// flowMemory is how long a flow past its end is still told from an unknown
	// one.
	flowMemory = time.Hour
)

// PutFlow implements oauth.FlowStore. Where there are too many, those that
// expire first give way: 400 in one of 256 buckets, a hundred thousand in all.
func (s *Store) PutFlow(ctx context.Context, f oauth.Flow) error {
	b := s.bucketOf(f.ID)
	flow := strconv.FormatInt(f.Expires.UnixMicro(), 10) + " " + string(f.Sealed)
	r, err := s.run(ctx, s.scripts.put, []string{b.flows(), b.ends()},
		f.ID, f.Binding, flow, time.Until(f.Expires).Microseconds(), flowMemory.Microseconds(), maxFlows)
	if err == nil {
		err = refusal(r.answer)
	}
	if errors.Is(err, oauth.ErrConflict) {
		return fmt.Errorf("redisstore: %w: a flow of that id exists", err)
	}
	if err != nil {
		return s.failedWrite(err)
	}
	return nil
}

// TakeFlow implements oauth.FlowStore.
func (s *Store) TakeFlow(ctx context.Context, id, binding string) (oauth.Flow, error) {
	b := s.bucketOf(id)
	r, err := s.run(ctx, s.scripts.take, []string{b.flows(), b.ends()}, id, binding)
	if err != nil {
		return oauth.Flow{}, s.failedWrite(err)
	}
	switch r.answer {
	case "ok":
	case "unknown":
		return oauth.Flow{}, fmt.Errorf("redisstore: %w", oauth.ErrFlowUnknown)
	case "used":
		return oauth.Flow{}, fmt.Errorf("redisstore: %w", oauth.ErrFlowUsed)
	case "binding":
		return oauth.Flow{}, fmt.Errorf("redisstore: %w", oauth.ErrFlowBinding)
	case "expired":
		return oauth.Flow{}, fmt.Errorf("redisstore: %w", oauth.ErrFlowExpired)
	default:
		return oauth.Flow{}, s.failed(errReply)
	}
	expires, sealed, _ := strings.Cut(texts(r.data)[0], " ")
	micros, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return oauth.Flow{}, s.failed(fmt.Errorf("a sign-in: %w", oauth.ErrCorruptRow))
	}
	return oauth.Flow{ID: id, Binding: binding, Expires: time.UnixMicro(micros).UTC(), Sealed: []byte(sealed)}, nil
}
