package oauth

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestModel explores the protocol as built under many budgets of faults. What
// it finds are the losses that no client can prevent:
//
//   - lost: the process died, or the answer was lost, between the server's
//     rotation and our commit, or a failover dropped that commit and whoever
//     knew it died too; always recorded as such. A server that accepts the
//     predecessor again loses nothing.
//   - harm, ATcut: a process was stopped, or a request under way, or nobody
//     looked at what a failover forgot, for longer than send budget and drain
//     margin together; nobody can tell that from a death, and a server that
//     revokes the family on reuse does so.
//   - I1: a request arrived that late.
//   - healed: needs_reauth was recorded meanwhile; the late commit undoes it.
func TestModel(t *testing.T) {
	t.Parallel()
	type row struct {
		processes             int
		faults                string
		reject, revoke, grace string
	}
	rows := []row{
		// Processes, faults; then what is found where a consumed refresh token is
		// refused, revokes its family, or is accepted for a while.
		{2, "none", "", "", ""},
		{2, "crash", "lost", "lost", ""},
		{2, "req*2", "", "", ""},
		{2, "resp", "lost", "lost", ""},
		{2, "over", "", "", ""},
		{2, "over*2", "healed", "harm ATcut lost", ""},
		{2, "delay", "", "", ""},
		{2, "delay*2", "I1 healed", "I1 harm ATcut lost", ""},
		{2, "ack*2", "", "", ""},
		{2, "jump", "", "", ""},
		{2, "jump*2", "", "", ""},
		{2, "jump*2 crash", "lost", "lost", ""},
		{2, "rev", "", "", ""},
		{2, "ext resp", "lost", "lost", ""},
		{2, "ext ack", "", "", ""},
		{2, "resp delay", "lost", "lost", ""},
		{2, "cut over ack", "", "", ""},
		{2, "rev ack over", "", "", ""},
		{2, "ext cut ack", "", "", ""},
		{2, "back", "", "", ""},
		{2, "back over", "", "", ""},
		{2, "back crash", "lost", "lost", ""},
		{2, "back resp", "lost", "lost", ""},
		{2, "back ext", "", "", ""},
		{2, "back ack over", "", "", ""},
		{2, "back crash resp", "lost", "lost", ""},
		{2, "open", "", "", ""},
		{2, "open ext", "", "", ""},
		{2, "open crash", "lost", "lost", ""},
		{2, "open over*2", "healed", "harm ATcut lost", ""},
		{2, "rearm ext", "", "", ""},
		{2, "rearm crash", "lost", "lost", ""},
		{2, "rearm over*2", "healed", "harm ATcut lost", ""},
		{2, "back rev", "", "", ""},
		{2, "back over*2", "healed", "harm ATcut lost", ""},
	}
	if !testing.Short() {
		rows = append(rows, []row{
			{2, "rev cut over ack", "", "", ""},
			{2, "back rev ack", "", "", ""},
			{2, "back*2 crash ack", "lost", "lost", ""},
			{2, "back ack over*2", "healed", "harm ATcut lost", ""},
			{2, "crash req resp over ack", "lost", "lost", ""},
			{2, "ext crash resp over ack", "lost", "lost", ""},
			{2, "rev crash resp over ack", "lost", "lost", ""},
			{2, "rearm crash resp over ack", "lost", "lost", ""},
			{2, "open crash resp over ack", "lost", "lost", ""},
		}...)
	}
	if soaking() {
		rows = append(rows, []row{
			{2, "rev ext cut over ack", "", "", ""},
			{2, "crash*2 req resp*2 over ack*2", "lost", "lost", ""},
			{2, "back*2 crash resp ack over", "lost", "lost", ""},
			{2, "back rev crash ack over jump", "lost", "lost", ""},
			{2, "jump*2 crash resp over ack", "lost", "lost", ""},
			{2, "crash*2 resp*2 over*2 ack delay", "healed lost", "harm ATcut lost", ""},
			{3, "crash resp over", "lost", "lost", ""},
			{3, "cut over ack", "", "", ""},
			{3, "over*2 crash", "healed lost", "harm ATcut lost", ""},
			{3, "rev crash over ack", "lost", "lost", ""},
			{3, "crash resp over ack", "lost", "lost", ""},
		}...)
	}
	for _, r := range rows {
		for _, c := range []struct {
			kind reuse
			want string
		}{{reuseReject, r.reject}, {reuseRevoke, r.revoke}, {reuseGrace, r.grace}} {
			t.Run(fmt.Sprintf("%d %s/%s", r.processes, r.faults, c.kind), func(t *testing.T) {
				t.Parallel()
				got := explore(t, asBuilt, c.kind, r.processes, r.faults)
				t.Logf("%d states: %v", got.states, got.found)
				if got.found.String() != c.want {
					t.Errorf("found %q, want %q%s", got.found, c.want, got.stories(got.found))
				}
			})
		}
	}
}

// soaking reports whether this run may take long; make soak's may.
func soaking() bool { return os.Getenv("RBLX_SOAK") == "1" }

func explore(t *testing.T, flaw mutation, kind reuse, processes int, faults string) modelResult {
	t.Helper()
	budget, err := parseFaults(faults)
	if err != nil {
		t.Fatal(err)
	}
	return search(flaw, kind, processes, budget)
}

// stories tells the shortest way to each of what was found.
func (r modelResult) stories(of property) string {
	var b strings.Builder
	for bit := property(1); bit < propEnd; bit <<= 1 {
		if trace := r.traces[bit]; of&bit != 0 {
			fmt.Fprintf(&b, "\n%v, %d steps:\n  %s", bit, len(trace), strings.Join(trace, "\n  "))
		}
	}
	return b.String()
}
