// Package pgstore keeps grants and sign-ins in PostgreSQL, for any number of
// processes on any number of machines. It needs PostgreSQL 13 or newer, is tested
// with 15, and wants a database in UTF-8; its tables are in a schema of their own.
//
// # What it guarantees
//
// A write is one statement and one transaction: committed, and flushed to the
// server's disk, before it is acknowledged. No lock, transaction or session
// state outlives a call, so that it works behind a transaction pooler such as
// PgBouncer; only Watch needs a direct connection ([Options.ListenDSN]).
// Deadlines and commit times are read from the server's clock alone. A write
// that the server refused is oauth.ErrNotWritten; one whose answer was lost, as
// it is when the server dies, is oauth.ErrUnknown, and nothing in between.
//
// A server that crashes and comes back has lost nothing and is the same store.
// While it is away nothing is refreshed, and calls go on with the access tokens
// that live. [Store.Watch] tells of other processes' commits within
// milliseconds; notifications that are lost only make others wait for their
// next poll.
//
// # What to set
//
//   - synchronous_commit may be anything: where it is weaker than "on", the
//     writes of grants raise it for themselves.
//   - synchronous_standby_names, for a failover that loses nothing: with
//     asynchronous replicas it may lose the last commits, see below.
//   - fsync and full_page_writes stay on; without them a crash may lose anything.
//   - Where several hosts are in the DSN, target_session_attrs=read-write finds
//     the primary. A replica is refused.
//   - The user needs CREATE on the database the first time and after an upgrade
//     of this package, or an administrator opens the store once; from then on
//     SELECT, INSERT, UPDATE and DELETE on the schema's tables are enough.
//
// # What a failover and a restored backup cost
//
// A promoted replica may lack the last commits. If one of them was a rotation,
// the refresh token it holds is spent: the authorization is lost unless a
// process still has the newer row. If it was the announcement of a refresh, the
// refresh may be under way. Therefore each row tells under which run of the
// store it was written, and a row of another run is quarantined: nothing is
// sent until what may be under way has drained, and a refusal is then recorded
// as oauth.ReasonLostInFlight.
//
// The run is made of the cluster's system identifier, its timeline, the
// database, the schema's tables, and a random value in the table "store". So
// these are seen: the promotion of a replica, a recovery to a point in time, a
// dump restored into another database or into tables made anew, a copied
// database, an upgrade by pg_upgrade. These are not, because nothing in the
// server tells of them: a snapshot of its disk put back, a base backup started
// without recovery.signal, a dump restored into the tables there are. After one
// of those, before the first process starts, give the store a new run:
//
//	UPDATE rblx.store SET run = gen_random_uuid()
//
// # Size
//
// A grant takes about 3 kB. Announcing a refresh changes no index (a HOT
// update); committing one does. Finding those of a subject, those that are due
// and those that are not active uses an index each.
package pgstore
