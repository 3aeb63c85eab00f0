package oauth

import (
	"strings"
	"testing"
)

// mutation is a part taken out of the protocol, or done wrongly.
type mutation string

const (
	asBuilt                 mutation = ""
	noIntent                mutation = "no intent"
	blindIntent             mutation = "the intent is written without a swap"
	blindCommit             mutation = "the commit is written without a swap"
	noVersion               mutation = "swaps compare no version"
	unknownIsDone           mutation = "an intent of unknown outcome counts as written"
	forgetUnknown           mutation = "an intent of unknown outcome is not written again"
	unknownRevokes          mutation = "after a commit of unknown outcome the pair is revoked"
	conflictRevokes         mutation = "after a conflict the pair is revoked"
	noOwnCheck              mutation = "nobody looks at CommittedBy"
	noGuard                 mutation = "the budget is not checked before sending"
	noLateReading           mutation = "a late answer is thrown away"
	noLateCommit            mutation = "a pair is dropped once its intent is replaced"
	noCommitOnReauth        mutation = "a pair is not committed over needs_reauth"
	commitOnLostOnly        mutation = "a pair is not committed over needs_reauth (revoked)"
	noWaiting               mutation = "probes do not wait"
	probeAtOnce             mutation = "a sender without an answer probes at once"
	noDrain                 mutation = "probes wait for the deadline only"
	noWatch                 mutation = "probes trust the store's clock alone"
	noExpiryWait            mutation = "probes do not wait for the access token's expiry"
	oneProbe                mutation = "one probe without an answer is the end"
	probesShareIntent       mutation = "a probe has no intent of its own"
	noProbes                mutation = "no probes"
	noLeast                 mutation = "no least interval"
	noReread                mutation = "invalid_grant is believed without another look"
	noReason                mutation = "the reason does not look at doubt"
	doubtEndsWithGeneration mutation = "doubt ends with its generation"
	publishFirst            mutation = "a pair is used before it is committed"
	tombstoneClears         mutation = "a tombstone removes the intent"
	commitOverTombstone     mutation = "a pair is committed over a tombstone"
	tombstoneKeepsPair      mutation = "a pair under a tombstone is not revoked"
	tombstoneRevokesAny     mutation = "a superseded pair under a tombstone is revoked"
	noRunID                 mutation = "a failover goes unnoticed"
	retryOverFailover       mutation = "an intent is written again over a failover"
	oldVersions             mutation = "versions repeat after a failover"
	commitTrustsRow         mutation = "a commit over a failover raises no doubt"
	noRestore               mutation = "what a failover forgot is not written back"
	restoreTrusts           mutation = "what is written back is not doubtful"
	withdrawQuarantine      mutation = "an intent is withdrawn that a quarantine has taken over"
	refusalClears           mutation = "a refusal removes somebody else's intent"
	announceAnyGeneration   mutation = "an intent is found in another generation and counts as written"
)

// TestModelMutations takes parts out of the protocol: each is there for a
// property, and without it that one breaks where it holds with it. The budgets
// are the smallest in which it does.
func TestModelMutations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flaw   mutation
		kind   reuse
		faults string
		breaks string
	}{
		{noIntent, reuseRevoke, "none", "I1 harm ATcut I4"},
		{noIntent, reuseReject, "rev crash", "I1 I4 I11"},
		{blindIntent, reuseRevoke, "none", "I1 harm ATcut I4"},
		{blindCommit, reuseReject, "rev", "I11"},
		{blindCommit, reuseReject, "rev ack over*2", "I2 I3 I11"},
		{noVersion, reuseRevoke, "ack", "I1 harm ATcut I2 I3 I4"},
		{noVersion, reuseReject, "rev ack", "I1 I2 I3 I4 I11"},
		{unknownIsDone, reuseRevoke, "ack", "I1 harm ATcut I4"},
		{forgetUnknown, reuseReject, "ext ack", "I4"},
		{unknownRevokes, reuseReject, "ack", "self"},
		{conflictRevokes, reuseGrace, "over*2", "self"},
		{noOwnCheck, reuseReject, "rev ack over*2", ""}, // to adopt one's own commit does as well
		{noGuard, reuseReject, "over*2", "I1"},
		{noLateReading, reuseReject, "over", "gaveup"},
		{noLateCommit, reuseReject, "over*2", "gaveup"},
		{noCommitOnReauth, reuseReject, "over*2", "gaveup"},
		{commitOnLostOnly, reuseReject, "back over", ""}, // after a failover no verdict is that sure
		{noWaiting, reuseRevoke, "none", "I1 harm ATcut I4"},
		{probeAtOnce, reuseRevoke, "resp", "I1 harm ATcut"},
		{noDrain, reuseRevoke, "over", "harm ATcut"},
		{noDrain, reuseReject, "delay", "I1"},
		{noWatch, reuseReject, "jump*2", "I1"},
		{noWatch, reuseRevoke, "jump*2", "I1 harm ATcut"},
		{noExpiryWait, reuseRevoke, "crash", "ATcut"},
		{oneProbe, reuseReject, "req*2", "gaveup"},
		{oneProbe, reuseReject, "rev req*2", "gaveup I11"},
		{probesShareIntent, reuseRevoke, "crash", "harm ATcut"},
		{noProbes, reuseReject, "crash", "live"},
		{noLeast, reuseGrace, "delay*2", "I1 harm ATcut I4"},
		{noLeast, reuseGrace, "over*2", "harm ATcut I4"},
		{noReread, reuseReject, "over*2", "gaveup"},
		{noReread, reuseReject, "rev crash", "I11"},
		{noReason, reuseReject, "crash", "I4"},
		{doubtEndsWithGeneration, reuseRevoke, "over*2", "I4"},
		{publishFirst, reuseReject, "none", "I2"},
		{tombstoneClears, reuseReject, "rev crash", "I11"},
		{commitOverTombstone, reuseReject, "rev", "I11"},
		{tombstoneKeepsPair, reuseReject, "rev", "I11"},
		{tombstoneRevokesAny, reuseReject, "rev ack over*2", "I11"},
		{noRunID, reuseRevoke, "back", "I1 harm ATcut I4"},
		{retryOverFailover, reuseRevoke, "back ack", "I1 harm ATcut"},
		{oldVersions, reuseGrace, "back ack over*2", "harm ATcut"},
		{commitTrustsRow, reuseRevoke, "back over*2", "I4"},
		{noRestore, reuseReject, "back", "lost"},
		{restoreTrusts, reuseRevoke, "back over*2", "I4"},
		{announceAnyGeneration, reuseReject, "back ack over*2", "gaveup"},
	} {
		t.Run(strings.Join([]string{string(c.flaw), string(c.kind), c.faults}, "/"), func(t *testing.T) {
			t.Parallel()
			kept := explore(t, asBuilt, c.kind, 2, c.faults)
			broken := explore(t, c.flaw, c.kind, 2, c.faults)
			got := broken.found &^ kept.found &^ propHealed
			if c.breaks != "lost" { // what breaks a property loses grants as well
				got &^= propLost
			}
			t.Logf("%d states: %v", broken.states, got)
			if got.String() != c.breaks {
				t.Errorf("breaks %q, want %q%s", got, c.breaks, broken.stories(got))
			}
		})
	}
}
