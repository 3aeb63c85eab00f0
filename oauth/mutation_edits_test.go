package oauth

// codeMutation is a flaw put into the code, and the tests that must notice.
type codeMutation struct {
	flaw  mutation
	edits []edit
	tests string
}

// edit is one place of the code and what a mutation makes of it.
type edit struct{ file, old, new string }

// codeMutations do to the code what TestModelMutations does to the model.
func codeMutations() []codeMutation {
	return []codeMutation{
		{noIntent, []edit{{
			"flight.go",
			"		stored, err := f.app.swap(ctx, row)\n",
			"		stored, err := row, error(nil)\n",
		}}, "TestTwoProcessesOnePostEach"},
		{blindIntent, []edit{{
			"flight.go",
			"		stored, err := f.app.swap(ctx, row)\n",
			"		if now, err := f.app.load(ctx, row.GrantID); err == nil {\n			row.Version = now.Version\n		}\n		stored, err := f.app.swap(ctx, row)\n",
		}}, "TestSimulation"},
		{noVersion, []edit{{
			"rows.go",
			"	stored, err := guarded(func() (Row, error) { return a.store.Swap",
			"	if now, err := a.store.Load(ctx, row.GrantID); err == nil {\n		row.Version = now.Version\n	}\n	stored, err := guarded(func() (Row, error) { return a.store.Swap",
		}}, "TestSimulation"},
		{blindCommit, []edit{{
			"commit.go",
			"		if row, err = f.app.swap(ctx, next); err != nil {\n",
			"		if now, err := f.app.load(ctx, row.GrantID); err == nil {\n			next.Version = now.Version\n		}\n		if row, err = f.app.swap(ctx, next); err != nil {\n",
		}}, "TestSimulation"},
		{unknownIsDone, []edit{{
			"flight.go",
			"		case err == nil:\n			return stored, nil\n",
			"		case err == nil:\n			return stored, nil\n		case errors.Is(err, ErrStoreUnavailable):\n			return row, nil\n",
		}}, "TestUnknownOutcomes|TestFailoverUnder|TestSimulation"},
		{forgetUnknown, []edit{{
			"flight.go",
			"		case b.left() <= 0:\n",
			"		case true:\n",
		}}, "TestOwnIntentLandsLate"},
		{conflictRevokes, []edit{{
			"commit.go",
			"		return nil, nil // to be adopted;",
			"		_ = f.app.revokeToken(ctx, f.refreshToken(p))\n		return nil, nil // to be adopted;",
		}}, "TestSimulation"},
		{unknownRevokes, []edit{{
			"commit.go",
			"	case row.Generation > base && row.CommittedBy != p.intent:\n",
			"	case row.Generation > base:\n		_ = f.app.revokeToken(ctx, f.refreshToken(p))\n",
		}}, "TestSimulation"},
		{noGuard, []edit{
			{"post.go", "	if b.budget.left() <= 0 {\n		b.refuse()\n	}\n", ""},
			{"post.go", "		if body.refuse() {\n			cancel()\n		}\n", ""},
		}, "TestNothingIsSentPastTheBudget"},
		{noLateCommit, []edit{{
			"commit.go",
			"	if row.Generation <= base {\n",
			"	if row.Intent == nil || row.Intent.ID != p.intent {\n		return nil, nil\n	}\n	if row.Generation <= base {\n",
		}}, "TestScenario17_"},
		{noCommitOnReauth, []edit{{
			"commit.go",
			"	if row.Generation <= base {\n",
			"	if row.State == StateNeedsReauth {\n		return nil, nil\n	}\n	if row.Generation <= base {\n",
		}}, "TestScenario17_"},
		{noWaiting, []edit{{
			"plan.go",
			"		if wait > 0 {\n",
			"		if wait > 1000*time.Hour {\n",
		}}, "TestForcedRefreshWaitsForAnotherProcess"},
		{probeAtOnce, []edit{{
			"flight.go",
			"	f.state.unanswered = intent.ID\n",
			"	if !probe {\n		return f.refresh(ctx, row, budget{start: time.Now(), size: b.size}, true)\n	}\n	f.state.unanswered = intent.ID\n",
		}}, "TestUnansweredRefresh"},
		{noDrain, []edit{{
			"plan.go",
			"row.Intent.Deadline.Add(w.drain).Sub(row.Now)",
			"row.Intent.Deadline.Sub(row.Now)",
		}, {
			"plan.go",
			"max(wait, w.least-watched)",
			"max(wait, -watched)",
		}}, "TestScenario16_"},
		{noWatch, []edit{{
			"plan.go",
			"max(wait, w.least-watched)",
			"max(wait, -watched)",
		}}, "TestClockSteps"},
		{noExpiryWait, []edit{{
			"plan.go",
			"max(drained, row.Expiry.Sub(wall))",
			"drained",
		}}, "TestDoubtInTheBackgroundReadsSeldom"},
		{probesShareIntent, []edit{{
			"flight.go",
			"		row.Intent = &intent\n",
			"		if !probe || row.Intent == nil {\n			row.Intent = &intent\n		}\n",
		}}, "TestSimulation"},
		{noProbes, []edit{{
			"plan.go",
			"		return plan{step: stepProbe}\n	}\n	if wait",
			"		return plan{step: stepWait, wait: time.Hour}\n	}\n	if wait",
		}}, "TestUnansweredRefresh"},
		{noLeast, []edit{{
			"plan.go",
			"row.CommittedAt.Add(w.least).Sub(row.Now)",
			"row.CommittedAt.Sub(row.Now)",
		}}, "TestForcedRefreshesAreSpaced"},
		{noReread, []edit{{
			"flight.go",
			"			case row.Generation > base.Generation:\n				f.withdraw(ctx, base)\n				return nil, nil\n",
			"",
		}}, "TestRefusedButSomebodyRotated"},
		{noReason, []edit{{
			"flight.go",
			"			if probe || doubtful(row) {\n",
			"			if false {\n",
		}}, "TestUnansweredRefresh"},
		{doubtEndsWithGeneration, []edit{{
			"plan.go",
			"row.Generation-row.DoubtGen <= 1",
			"row.Generation == row.DoubtGen",
		}}, "TestTheDoubt"},
		{publishFirst, []edit{{
			"commit.go",
			"	if row.Generation <= base {\n",
			"	if n, err := f.successor(row, p); err == nil && row.Generation <= base {\n		t, _ := f.app.openTokens(n)\n		f.state.publish(newSnapshot(n, t, f.app.windows(n)))\n	}\n	if row.Generation <= base {\n",
		}}, "TestSimulation"},
		{tombstoneClears, []edit{{
			"revoke.go",
			"r.State, r.Reason = StateTombstone, ReasonPending",
			"r.State, r.Reason, r.Intent = StateTombstone, ReasonPending, nil",
		}}, "TestRevokeInDoubtIsNotConfirmed"},
		{commitOverTombstone, []edit{
			{"commit.go", "	case row.State == StateTombstone && row.Generation <= base:\n		return nil, f.buryPair(ctx, row, p)\n", ""},
			{"commit.go", "	case row.State == StateTombstone:\n", "	case row.State == StateTombstone && row.Generation > base:\n"},
		}, "TestRevokeDuringARefresh"},
		{tombstoneKeepsPair, []edit{{
			"commit.go",
			"	err := f.app.revokeToken(ctx, f.refreshToken(p))\n	row.Reason",
			"	var err error\n	row.Reason",
		}}, "TestRevokeDuringARefresh"},
		{tombstoneRevokesAny, []edit{{
			"commit.go",
			"	case row.State == StateTombstone && row.Generation <= base:\n",
			"	case row.State == StateTombstone:\n",
		}}, "TestSupersededPairConfirmsNothing"},
		{noRunID, []edit{{
			"plan.go",
			"	case row.RunID != row.StoreRun:\n",
			"	case false:\n",
		}}, "TestSimulation"},
		{retryOverFailover, []edit{{
			"flight.go",
			"		case again.Version != row.Version || again.StoreRun != row.StoreRun:\n",
			"		case again.Version != row.Version:\n",
		}}, "TestFailoverUnderAnIntent"},
		{commitTrustsRow, []edit{{
			"commit.go",
			"		row.DoubtGen = generation // the failover",
			"		// the failover",
		}}, "TestFailoverUnderARequest"},
		{announceAnyGeneration, []edit{{
			"flight.go",
			" && again.RunID == again.StoreRun && again.Generation == row.Generation:\n",
			" && again.RunID == again.StoreRun:\n",
		}}, "TestForgottenGeneration"},
		{withdrawQuarantine, []edit{{
			"flight.go",
			"row.Intent.ID == announced.Intent.ID && row.RunID == announced.RunID",
			"row.Intent.ID == announced.Intent.ID",
		}}, "TestQuarantineIsNotWithdrawn"},
		{refusalClears, []edit{{
			"flight.go",
			"			if stands(base, row) {",
			"			if true {",
		}}, "TestRefusalLeavesAProbeItsIntent"},
	}
}
