package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

const racers = 64

// race calls f from many goroutines at once, each with its number.
func race(n int, f func(i int)) {
	var (
		wg    sync.WaitGroup
		start = make(chan struct{})
	)
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// RunShared tests that two handles on the same rows, as two processes have
// them, act as one. open returns both; the rows are empty.
func RunShared(t *testing.T, open func(t *testing.T) (a, b oauth.Store)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, ...oauth.Store){
		"OneCreator":   raceCreate,
		"OneWinner":    raceSwap,
		"NoLostUpdate": raceUpdate,
		"ClaimDueRace": raceClaim,
		"Visible":      testVisible,
		"FlightLock":   testFlightLock,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t)
			test(t, a, b)
		})
	}
}

func testOneCreator(t *testing.T, s oauth.Store)   { raceCreate(t, s) }
func testOneWinner(t *testing.T, s oauth.Store)    { raceSwap(t, s) }
func testNoLostUpdate(t *testing.T, s oauth.Store) { raceUpdate(t, s) }

func raceCreate(t *testing.T, stores ...oauth.Store) {
	raceVersion(t, "", sample(oauth.NewGrantID()), stores)
}

func raceSwap(t *testing.T, stores ...oauth.Store) {
	row := create(t, stores[0], sample(oauth.NewGrantID()))
	for range 5 {
		row = raceVersion(t, row.Version, row, stores)
	}
}

// raceVersion lets many replace one version; one must win, and its row stay.
func raceVersion(t *testing.T, old oauth.Version, row oauth.Row, stores []oauth.Store) oauth.Row {
	t.Helper()
	var (
		won    atomic.Int64
		winner atomic.Pointer[oauth.Row]
	)
	race(racers, func(i int) {
		mine := row
		mine.Generation = uint64(i)
		stored, err := stores[i%len(stores)].Swap(t.Context(), old, mine)
		switch {
		case err == nil:
			won.Add(1)
			winner.Store(&stored)
		case !errors.Is(err, oauth.ErrConflict):
			t.Errorf("Swap: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d of %d swaps of one version won", won.Load(), racers)
	}
	for _, s := range stores {
		got := load(t, s, row.GrantID)
		if got.Version != winner.Load().Version || got.Generation != winner.Load().Generation {
			t.Errorf("stored is generation %d, the winner's is %d", got.Generation, winner.Load().Generation)
		}
	}
	return *winner.Load()
}

func raceUpdate(t *testing.T, stores ...oauth.Store) {
	const workers, each = 8, 10
	row := sample(oauth.NewGrantID())
	row.Generation = 0
	create(t, stores[0], row)
	race(workers, func(i int) {
		s := stores[i%len(stores)]
		for done := 0; done < each; {
			row, err := s.Load(t.Context(), row.GrantID)
			if err != nil {
				t.Errorf("Load: %v", err)
				return
			}
			row.Generation++
			switch _, err := s.Swap(t.Context(), row.Version, row); {
			case err == nil:
				done++
			case !errors.Is(err, oauth.ErrConflict):
				t.Errorf("Swap: %v", err)
				return
			}
		}
	})
	if got := load(t, stores[0], row.GrantID).Generation; got != workers*each {
		t.Errorf("%d of %d updates were kept", got, workers*each)
	}
}

func testVisible(t *testing.T, stores ...oauth.Store) {
	row := sample(oauth.NewGrantID())
	for i := range 10 {
		writer, reader := stores[i%2], stores[(i+1)%2]
		row.Generation = uint64(i)
		row = swap(t, writer, row.Version, row)
		got := load(t, reader, row.GrantID)
		if got.Version != row.Version || diff(row, got) != "" {
			t.Fatalf("write %d of one handle is not what the other reads", i)
		}
		if got.StoreRun != row.StoreRun {
			t.Fatalf("the handles disagree on StoreRun: %q and %q", row.StoreRun, got.StoreRun)
		}
	}
	if err := stores[1].Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Fatal(err)
	}
	_, err := stores[0].Load(t.Context(), row.GrantID)
	wantError(t, "Load of what the other handle deleted", err, oauth.ErrNoGrant)
}
