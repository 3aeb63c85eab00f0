package filestore

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func openTest(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestMain(m *testing.M) {
	child()
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) oauth.Store { return openTest(t, newDir(t)) })
	storetest.RunFlows(t, func(t *testing.T) oauth.FlowStore { return openTest(t, newDir(t)) })
}

func TestConformanceShared(t *testing.T) {
	t.Parallel()
	storetest.RunShared(t, func(t *testing.T) (a, b oauth.Store) {
		dir := newDir(t)
		return openTest(t, dir), openTest(t, dir)
	})
	storetest.RunFlowsShared(t, func(t *testing.T) (a, b oauth.FlowStore) {
		dir := newDir(t)
		return openTest(t, dir), openTest(t, dir)
	})
}
