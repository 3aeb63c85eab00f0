package oauth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// scenario is one way to lose an authorization, or to be told that it is lost
// when it is not.
type scenario struct {
	number int
	what   string
	tests  []string // in this package, or in the folder before the slash
	later  string   // there is no test: what is not built yet
}

// scenarios is the manifest: each number has its tests, or says what is not built yet.
var scenarios = []scenario{
	{number: 1, what: "many callers find the token expired", tests: []string{"TestScenario01_ManyCallersFindItExpired"}},
	{number: 2, what: "a handle, or a client, per request", tests: []string{"TestScenario02_HandlePerRequest"}},
	{number: 3, what: "the caller that started the refresh is cancelled", tests: []string{"TestScenario03_LeaderIsCancelled"}},
	{number: 4, what: "a waiter's deadline is shorter than the refresh", tests: []string{"TestScenario04_ShorterDeadline"}},
	{number: 5, what: "all waiters are gone", tests: []string{"TestScenario05_AllWaitersGone"}},
	{number: 6, what: "the provider or the store hangs", tests: []string{"TestScenario06_ProviderOrStoreHangs"}},
	{number: 7, what: "a herd retries a refresh that failed", tests: []string{"TestScenario07_HerdOfRetries"}},
	{number: 8, what: "the store or the application's hook panics", tests: []string{"TestScenario08_PanicInStoreOrHook"}},
	{number: 9, what: "a caller changes the token it was given", tests: []string{"TestScenario09_CallerChangesTheToken"}},
	{number: 10, what: "one user's slow refresh and another user", tests: []string{"TestScenario10_UsersDoNotBlockEachOther"}},

	{number: 11, what: "two processes see the same expiry", tests: []string{"TestScenario11_TwoProcessesOneExpiry"}},
	{number: 12, what: "the loser has read the row before the winner wrote it", tests: []string{"TestScenario12_LoserReadsAStaleCopy"}},
	{number: 13, what: "a file reloaded without a lock", tests: []string{"TestScenario13_ReloadingAFileWithoutALock"}},
	{number: 14, what: "the holder dies before it announces", tests: []string{"TestScenario14_HolderDiesBeforeAnnouncing"}},
	{number: 15, what: "the holder dies after it sent", tests: []string{"TestScenario15_HolderDiesAfterSending", "killtest/TestKillAndStop"}},
	{number: 16, what: "the deadline passes while the answer is under way", tests: []string{"TestScenario16_DeadlinePassesBeforeTheAnswer"}},
	{number: 17, what: "the old holder commits after a probe", tests: []string{"TestScenario17_OldHolderCommitsLate"}},
	{number: 18, what: "the lock is down and the store is up", tests: []string{"TestScenario18_LockIsDown"}},
	{number: 19, what: "a replica lags behind the commit", tests: []string{"TestScenario19_ReplicaLag", "TestScenario19_SignOutThroughALaggingReplica"}},
	{number: 20, what: "the store's clock differs from ours", tests: []string{"TestScenario20_ClocksDiffer"}},
	{number: 21, what: "a row of another version of this package", tests: []string{"TestScenario21_RowOfAnotherVersion"}},
	{number: 22, what: "a backup is restored", tests: []string{"TestScenario22_BackupRestored", "TestScenario22_BackupRestoredToStrangers", "TestFailoverUnderAnIntent", "TestFailoverUnderARequest"}},
	{number: 23, what: "invalid_grant because somebody else rotated", tests: []string{"TestScenario23_RefusedBecauseRaced"}},
	{number: 24, what: "invalid_grant because the user withdrew", tests: []string{"TestScenario24_RefusedForGood"}},
	{number: 25, what: "the user signs in anew during a refresh", tests: []string{"TestScenario25_NewSignInDuringARefresh", "TestScenario25_TwoSignInsAtOnce"}},
	{number: 26, what: "the user signs out during a refresh of another process", tests: []string{"TestScenario26_RevokeDuringARefresh"}},
	{number: 27, what: "a revocation just after a rotation", tests: []string{"TestScenario27_RevokeJustAfterARotation"}},
	{number: 28, what: "two sign-ins of one account", tests: []string{"TestScenario28_TwoSignInsOfOneAccount"}},

	{number: 29, what: "a crash before the intent", tests: []string{"TestScenario14_HolderDiesBeforeAnnouncing"}},
	{number: 30, what: "a crash between intent and sending", tests: []string{"TestScenario30_CrashBeforeSending"}},
	{number: 31, what: "a crash between rotation and commit", tests: []string{"TestScenario31_CrashBeforeTheCommit"}},
	{number: 32, what: "a crash between commit and release", tests: []string{"internal/flock/TestLockEndsWithItsProcess"}}, // the intent goes with the commit
	{number: 33, what: "a torn write", tests: []string{"filestore/TestKilledWhileWriting", "filestore/TestFailedWrites", "sqlitestore/TestKilledWhileWriting"}},
	{number: 34, what: "the store is down before sending", tests: []string{"TestScenario34_StoreDownBeforeSending"}},
	{number: 35, what: "the store is down after the rotation", tests: []string{"TestScenario35_StoreDownAfterTheRotation"}},
	{number: 36, what: "the store is slow", tests: []string{"TestScenario36_StoreIsSlow"}},
	{number: 37, what: "the store gives back old rows", tests: []string{"TestScenario37_StoreReturnsOldData", "TestStoresInTrouble"}},
	{number: 38, what: "a row that cannot be read", tests: []string{"TestScenario38_CorruptRow"}},
	{number: 39, what: "a full disk, lost permissions, a link, a renamed lock", tests: []string{
		"filestore/TestFullDisk", "filestore/TestModes", "filestore/TestSymlinksAreRefused", "filestore/TestRemovedLockFileIsReplaced", "sqlitestore/TestFullDisk",
	}},
	{number: 40, what: "the key that seals rows is changed", tests: []string{
		"TestScenario40_KeyIsChanged", "TestScenario40_KeyIsUnknown", "TestScenario40_RowsAreSwapped", "TestScenario40_SealingFails", "TestScenario40_SealingPanics",
		"TestScenario40_ForgottenRowIsSealedAnew", "TestScenario40_AnotherProcessHasTheKey",
	}},
	{number: 41, what: "the process is told to end during a refresh", tests: []string{"TestScenario41_ShutdownDuringARefresh"}},

	{number: 42, what: "the answer is lost", tests: []string{"TestScenario42_AnswerLost", "TestScenario42_ProviderWithAGracePeriod"}},
	{number: 43, what: "502 with a page of HTML", tests: []string{"TestScenario43_BadGateway"}},
	{number: 44, what: "429 of the token endpoint", tests: []string{"TestScenario44_RateLimited"}},
	{number: 45, what: "no connection", tests: []string{"TestScenario45_ConnectionRefused"}},
	{number: 46, what: "net/http finds a kept connection dead", tests: []string{"TestScenario46_DeadKeptConnection"}},
	{number: 47, what: "400 or 403 of something before the provider", tests: []string{"TestScenario47_FirewallRefuses"}},
	{number: 48, what: "the client is not known", tests: []string{"TestScenario48_ClientIsUnknown"}},
	{number: 49, what: "200 with an error in it", tests: []string{"TestScenario49_ErrorIn200"}},
	{number: 50, what: "200 with a flaw", tests: []string{"TestScenario50_FlawedAnswer"}},
	{number: 51, what: "200 without an access token", tests: []string{"TestScenario51_NoAccessToken"}},
	{number: 52, what: "odd lifetimes", tests: []string{"TestScenario52_OddLifetimes", "TestScenario52_NoRotationStorm"}},
	{number: 53, what: "200 without a refresh token", tests: []string{"TestScenario53_NoRefreshToken"}},
	{number: 54, what: "a token that is no bearer token", tests: []string{"TestScenario54_TokenType"}},
	{number: 55, what: "the scope shrinks", tests: []string{"TestScenario55_Scope"}},
	{number: 56, what: "the token endpoint redirects", tests: []string{"TestScenario56_TokenEndpointRedirects"}},
	{number: 57, what: "the answer never ends", tests: []string{"TestScenario57_AnswerNeverEnds"}},
	{number: 58, what: "the provider does not rotate", tests: []string{"TestScenario58_SameRefreshToken"}},
	{number: 59, what: "the tokens of another user", tests: []string{"TestScenario59_AnotherUsersTokens"}},
	{number: 60, what: "a slow answer and the token's expiry", tests: []string{"TestScenario60_SlowAnswerIsNoLongerLife"}},

	{number: 61, what: "an API refuses a token before it expires", tests: []string{"TestScenario61_RefusedBeforeItExpires"}},
	{number: 62, what: "an endpoint refuses every token", tests: []string{"TestScenario62_EndpointThatAlwaysRefuses"}},
	{number: 63, what: "other refusals of an API", tests: []string{"TestScenario63_OtherRefusals"}},
	{number: 64, what: "the body of a replayed call", tests: []string{"TestScenario64_BodyOfAReplay"}},
	{number: 65, what: "a refused POST", tests: []string{"TestScenario65_UnsafeMethod"}},
	{number: 66, what: "the caller's request is left alone", tests: []string{"TestTransportAttaches", "TestTransportClosesTheBodyItDoesNotSend"}},
	{number: 67, what: "the caller has an Authorization of its own", tests: []string{"TestScenario67_CallersOwnAuthorization"}},
	{number: 68, what: "an API redirects to another host", tests: []string{"TestScenario68_RedirectToAnotherHost"}},
	{number: 69, what: "plain http", tests: []string{"TestScenario69_PlainHTTP"}},
	{number: 70, what: "secrets in errors and formatted values", tests: []string{"TestScenario70_SecretsInOutput", "../mocks/emulatortest/TestNoSecretInAnyOutput"}},
	{number: 71, what: "a token expires on its way", tests: []string{"TestScenario71_ExpiresOnItsWay"}},
	{number: 72, what: "CloseIdleConnections is lost by wrapping", tests: []string{"TestScenario72_CloseIdleConnections"}},
	{number: 73, what: "http.Client.Timeout during a refresh", tests: []string{"TestScenario73_ClientTimeout"}},

	{number: 74, what: "a wall clock is off", tests: []string{"TestScenario74_WallClockIsOff", "TestScenario74_DoubtIsNoLongerThanALife"}},
	{number: 75, what: "the machine sleeps", tests: []string{"TestScenario75_Suspend"}},
	{number: 76, what: "the wall clock is set back", tests: []string{"TestScenario76_WallClockSetBack"}},
	{number: 77, what: "many sign-ins at once expire at once", tests: []string{"TestScenario77_ManySignInsAtOnce"}},
	{number: 78, what: "an idle grant nears the end of its refresh token", tests: []string{"TestScenario78_IdleGrant"}},
	{number: 79, what: "a process that restarts often", tests: []string{"TestScenario79_ManyRestarts"}},
}

// lastScenario is the end of the list.
const lastScenario = 79

func TestScenarios(t *testing.T) {
	t.Parallel()
	listed, known := map[string]bool{}, map[string]map[string]bool{}
	for i, s := range scenarios {
		if s.number != i+1 {
			t.Fatalf("scenario %d stands where %d is missing", s.number, i+1)
		}
		switch {
		case s.what == "":
			t.Errorf("scenario %d does not say what it is", s.number)
		case len(s.tests) == 0 && s.later == "":
			t.Errorf("scenario %d has no test", s.number)
		case s.later != "":
			t.Logf("scenario %d (%s) is not built yet: %s", s.number, s.what, s.later)
		}
		for _, test := range s.tests {
			folder := path.Dir(test)
			if known[folder] == nil {
				known[folder] = testsIn(t, folder)
			}
			if !known[folder][path.Base(test)] {
				t.Errorf("scenario %d: there is no test %s", s.number, test)
			}
			listed[test] = true
		}
	}
	if len(scenarios) != lastScenario {
		t.Errorf("%d scenarios are listed, want %d", len(scenarios), lastScenario)
	}
	for name := range known["."] {
		if strings.HasPrefix(name, "TestScenario") && name != "TestScenarios" && !listed[name] {
			t.Errorf("%s is not in the list", name)
		}
	}
}

// testsIn returns the names of the tests in a folder.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
